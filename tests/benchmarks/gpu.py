"""What a GPU brings. It takes a machine with one, and up to ten minutes there:

    PYTHONPATH=workflow/scripts:tests python -m benchmarks.gpu

For VGG16 and ResNet50 of torchvision on 32 x 32 images: evaluations per minute on the GPU and on one
core of the CPU, whether a design has the same bytes twice, and the images of which the two predict
another class. Then the embedded study runs on the GPU. The CPU has few designs and images, and its
time is scaled to all images. Weights are as built and images are noise, unless --images names a
split of a study. `--device cpu` tries all of it without a GPU.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import pandas as pd
import torch
import yaml

from paretopress.compression.devices import described, device_of
from paretopress.compression.evaluation import Evaluator
from paretopress.compression.plans import Plan, canonical
from paretopress.compression.repair import RepairImages
from paretopress.compression.tally import CPU, denormals_flushed, scores_of
from paretopress.config.variables import Design
from paretopress.dataset.split import Split, load_split
from paretopress.errors import UserError
from paretopress.networks.build import build_network
from paretopress.networks.mapped import MappedNetwork, load_network
from paretopress.networks.moves import Moves
from paretopress.networks.weights import save_weights

ROOT = Path(__file__).parents[2]
STUDY = "gpu-benchmark"
CLASSES = tuple("0123456789")
EVERYWHERE = Design(2, 2, 0.5, 0.5, 2, 2, 0)  # it prunes each layer, so that no features are reused
KINDS = {
    "float": EVERYWHERE,
    "4 bits": replace(EVERYWHERE, linear_bits=4, conv_bits=4),
    "int8": replace(EVERYWHERE, quantization=1),
}


def noise(count: int) -> Split:
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (count, 3, 32, 32), dtype=torch.uint8, generator=generator)
    return Split(images, torch.arange(count) % len(CLASSES), CLASSES)


def first_of(split: Split, count: int) -> Split:
    return replace(split, images=split.images[:count], labels=split.labels[:count])


def plans_of(network: MappedNetwork, design: Design, count: int) -> list[Plan]:
    """The plans of a design with `count` different amounts."""
    amounts = [0.3 + 0.6 * at / count for at in range(count)]
    designs = [replace(design, linear_amount=amount, conv_amount=amount) for amount in amounts]
    return [canonical(own, network.layout(), seed=1)[1] for own in designs]


def seconds_on_a_core(
    network: MappedNetwork, evaluate: Evaluator, plans: Sequence[Plan], share: float
) -> float:
    """The seconds of an evaluation of all images, from some that `evaluate` predicts a share of.

    The least of several designs: the fastest path of the images is found during the first of them.
    """
    compressing, predicting = [], []
    for plan in plans:
        start = perf_counter()
        compressed, _ = network.compress(plan)
        middle = perf_counter()
        evaluate.predictions(compressed, plan)
        compressing.append(middle - start)
        predicting.append(perf_counter() - middle)
    return min(compressing) + min(predicting) / share


def scores(network: MappedNetwork, plan: Plan, split: Split, batch: int) -> bytes:
    compressed, _ = network.compress(plan)
    evaluate = Evaluator(network, split, batch)
    with torch.no_grad(), denormals_flushed():
        found = [scores_of(compressed, images) for images in evaluate._batches]
    return torch.cat(found).cpu().numpy().tobytes()


def compared(given: argparse.Namespace, name: str, split: Split, device: torch.device) -> bool:
    """Print what a network takes on both. Returns whether a design has the same bytes twice."""
    few, batch = first_of(split, given.cpu_images), given.batch_size
    architecture = {"name": name, "arguments": {}}
    if name.endswith("_slim"):
        key = "width_divisor" if name.startswith("vgg") else "width_per_group"
        architecture = {"name": name, key: 8}
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "weights.safetensors"
        torch.manual_seed(1)
        save_weights(build_network(architecture, len(split.classes)), weights)
        repair = RepairImages(split, torch.arange(min(200, len(split))), batch, 200)
        on_cpu = load_network(architecture, split, weights, Moves(repair=repair))
        there = replace(on_cpu, device=device)
        one_core, same = Evaluator(on_cpu, few, batch), True
        for kind, design in KINDS.items():
            plans = plans_of(on_cpu, design, given.designs)
            evaluate = Evaluator(there, split, batch)
            measured = [evaluate(plan) for plan in (plans[0], *plans)]  # the first one warms up
            seconds = median(measurement.seconds for measurement in measured[1:])
            # This comes first: it has the CPU measure what repair needs of the dense network.
            differing = Evaluator(there, few, batch, on_cpu=on_cpu)(plans[0]).differing
            own_plans = (given.cpu_designs * plans)[: given.cpu_designs]
            scaled = seconds_on_a_core(on_cpu, one_core, own_plans, len(few) / len(split))
            own = scores(there, plans[0], split, batch) == scores(there, plans[0], split, batch)
            same = same and own
            print(
                f"{name}, {kind}: {60 / seconds:.1f} evaluations per minute on {device.type} (first "
                f"{measured[0].seconds:.1f} s, then {seconds:.3f} s), {60 / scaled:.2f} on one core "
                f"(from {len(few)} of {len(split)} images), ratio {scaled / seconds:.0f}; twice "
                f"{'the same' if own else 'NOT the same'} bytes; the CPU predicts another class for "
                f"{differing} of {len(few)} images",
                flush=True,
            )
    return same


def study_config(device: str) -> Mapping[str, Any]:
    """The embedded study with one seed, few evaluations and no export."""
    config = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
    changed = {
        "study": STUDY, "seeds": [1], "budget": {"evaluations": 16, "initial": 12},
        "evaluation": config["evaluation"] | {"device": device},
    }  # fmt: skip
    return {key: value for key, value in (config | changed).items() if key != "export"}


def run_study(device: torch.device) -> bool:
    """Run the embedded study. Returns whether each evaluation was made on the device."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.yaml"
        config.write_text(yaml.safe_dump(study_config(device.type)), encoding="utf-8")
        start = perf_counter()
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        command = [sys.executable, "-m", "snakemake", "--cores", "4", "--configfile", str(config)]
        ended = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    timings = sorted((ROOT / "results" / STUDY / "runs").glob("*/*/seed-*/timings.csv"))
    if ended or not timings:
        print(f"the embedded study: snakemake ended with {ended}")
        return False
    table = pd.concat(map(pd.read_csv, timings))
    rows = table[table["step"] == "evaluation"]
    devices = rows["device"].astype(object).fillna("the CPU").value_counts().to_dict()
    print(
        f"the embedded study: {perf_counter() - start:.0f} s, evaluations by device {devices}, "
        f"{rows['differing'].notna().sum()} of them compared with the CPU, "
        f"{rows['differing'].sum():.0f} images with another prediction"
    )
    return bool((rows["device"].notna() == (device != CPU)).all())


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--networks", nargs="+", default=["vgg16", "resnet50"])
    parser.add_argument("--images", type=Path, help="a split of a study, such as test.safetensors")
    parser.add_argument("--count", type=int, default=10_000, help="images of noise")
    parser.add_argument("--cpu-images", type=int, default=200, help="images on the CPU")
    parser.add_argument("--cpu-designs", type=int, default=2, help="designs of each kind there")
    parser.add_argument("--designs", type=int, default=5, help="designs of each kind")
    parser.add_argument("--batch-size", type=int, default=200)
    parser.add_argument("--no-study", action="store_true", help="leave the embedded study out")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all of it. Returns 0, or 1 if there is no GPU or something is not as it should be."""
    given = options(arguments)
    torch.set_num_threads(1)
    try:
        device = device_of(given.device)
    except UserError as error:
        print(error)
        return 1
    split = load_split(given.images) if given.images else noise(given.count)
    print(f"on {described(device)}, torch {torch.__version__}, {len(split)} images", flush=True)
    right = [compared(given, name, split, device) for name in given.networks]
    if not given.no_study:
        right.append(run_study(device))
    return 0 if all(right) else 1


if __name__ == "__main__":
    sys.exit(main())
