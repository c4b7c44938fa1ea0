"""Evaluate every design of the tables, and pack them: python -m benchmarks.tabular.make [NAME ...]

It takes two core-hours. A table that was stopped goes on where its file in build/tables ends.
"""

import argparse
import json
import lzma
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from paths import ROOT

from paretopress.compression.designs import space_of
from paretopress.compression.evaluation import Evaluator
from paretopress.compression.plans import Plan
from paretopress.compression.repair import RepairImages
from paretopress.compression.tally import CPU, accuracy, counted
from paretopress.dataset.builders import digits
from paretopress.dataset.split import Split, spread
from paretopress.jobs.machine import processor_name
from paretopress.jobs.versions import versions
from paretopress.networks.build import build_for, initialize
from paretopress.networks.mapped import MappedNetwork, load_network
from paretopress.networks.moves import Moves
from paretopress.networks.training import Recipe, train
from paretopress.networks.weights import save_weights
from paretopress.search.hypervolume import scaled_hypervolume

from .tables import FOLDER, NAMES, SPACES, Table, designs_of, entries_of, layout_text

BUILD = ROOT / "build" / "tables"
OWN = Path(__file__).with_name("networks.py")
AMOUNTS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99]
SETTINGS: dict[str, dict[str, Any]] = {
    "paper": {"linear_amount": AMOUNTS, "conv_amount": AMOUNTS},
    "bits": {
        "linear_amount": AMOUNTS, "conv_amount": AMOUNTS, "quantization": [0],
        "linear_scope": [0, 2], "conv_scope": [0, 2], "linear_target": [1], "conv_target": [1],
        "linear_bits": [32, 8, 5, 4, 3], "conv_bits": [32, 8, 5, 4, 3],
    },
}  # fmt: skip
SIZES = {"paper": "nonzero_rate", "bits": "bytes"}
REPAIR_IMAGES, REPAIR_BATCH, BATCH = 300, 100, 200  # as in the embedded study
EVALUATED = ("validation", "test")


def _own(function: str) -> dict[str, Any]:
    return {"name": "file", "path": str(OWN), "function": function, "arguments": {}}


# Architecture, epochs, learning rate.
NETWORKS: dict[str, tuple[dict[str, Any], int, float]] = {
    "residual": (_own("residual"), 40, 0.002),
    "plain": (_own("plain"), 30, 0.001),
    "separable": (_own("separable"), 20, 0.004),
}


def trained(name: str, splits: dict[str, Any], weights: Path) -> None:
    """Train a network, and save it."""
    architecture, epochs, rate = NETWORKS[name]
    recipe = Recipe(epochs, 50, "adamw", rate, 0.05, "one_cycle", "none", seed=1)
    network = build_for(architecture, splits["train"])
    torch.manual_seed(recipe.seed)
    initialize(network, architecture, len(splits["train"].classes))

    def validated(network: torch.nn.Module) -> float:
        return accuracy(network, splits["validation"], BATCH, CPU)

    train(network, splits["train"], recipe, validated, lambda history: print(name, history[-1]))
    save_weights(network, weights)


def evaluate_all(
    name: str, network: MappedNetwork, plans: Sequence[Plan], splits: Mapping[str, Split]
) -> Path:
    """Evaluate plans on the validation and the test images, and return the file with the rows."""
    done = BUILD / f"{name}.csv"
    known = set(pd.read_csv(done)["design_id"]) if done.is_file() else set()
    evaluators = {kind: Evaluator(network, splits[kind], BATCH) for kind in EVALUATED}
    entries = entries_of(network.layout())
    with done.open("a", encoding="utf-8") as file:
        if not known:
            print("design_id,nonzero,correct,correct_test", file=file)
        for number, plan in enumerate(plans, start=1):
            if plan.design_id in known:
                continue
            compressed, rate = network.compress(plan)
            nonzero = round(rate * entries)
            assert nonzero / entries == rate
            correct = []
            for kind, evaluator in evaluators.items():
                found = counted(evaluator.predictions(compressed, plan)[0], splits[kind])
                correct.append(round(found.accuracy * found.images))
            print(plan.design_id, nonzero, *correct, sep=",", file=file, flush=True)
            if number % 200 == 0:
                print(f"{name}: {number} of {len(plans)}", flush=True)
    return done


def tabulate(network_name: str, space_name: str) -> None:
    """Evaluate all designs of one table, and pack it."""
    name = f"{network_name}-{space_name}"
    splits = digits(
        image_size=32,
        validation_fraction=0.3,
        test_fraction=0.3,
        split_seed=0,
        mean=[0.5] * 3,
        std=[0.5] * 3,
    ).splits
    BUILD.mkdir(parents=True, exist_ok=True)
    weights = BUILD / f"{network_name}.safetensors"
    if not weights.is_file():
        trained(network_name, splits, weights)
    training = splits["train"]
    repair = RepairImages(training, spread(training, REPAIR_IMAGES), REPAIR_BATCH, REPAIR_IMAGES)
    beyond_the_paper = space_name == "bits"
    moves = Moves(repair=repair if beyond_the_paper else None)
    network = load_network(NETWORKS[network_name][0], training, weights, moves)
    network = network.tabulated() if beyond_the_paper else network
    layout, space = network.layout(), space_of(SETTINGS[space_name])
    plans = [plan for _, plan in designs_of(space, layout)]
    done = evaluate_all(name, network, plans, splits)
    dense = {kind: accuracy(network.fresh(), splits[kind], BATCH, CPU) for kind in EVALUATED}
    told = {
        "network": network_name, "space": SETTINGS[space_name], "size": SIZES[space_name],
        "dense": dense, "entries": entries_of(layout),
        "images": {kind: len(splits[kind]) for kind in EVALUATED},
        "processor": processor_name(), "versions": versions(), "layout": layout_text(layout, space),
    }  # fmt: skip
    table = Table(name, told, pd.read_csv(done, index_col="design_id"))
    threshold, front = table.threshold_of("validation"), table.exact_front(plans)
    told |= {"designs": len(plans), "front": len(front)}
    told["hypervolume"] = scaled_hypervolume(front["size"], front["accuracy"], threshold)
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.json").write_text(json.dumps(told) + "\n", encoding="utf-8")
    (FOLDER / f"{name}.csv.xz").write_bytes(lzma.compress(done.read_bytes(), preset=9))
    print({key: told[key] for key in ("network", "dense", "designs", "front", "hypervolume")})


def main() -> None:
    every = [f"{network}-{space}" for network in NAMES for space in SPACES]
    parser = argparse.ArgumentParser(prog="benchmarks.tabular.make", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(every)}")
    torch.set_num_threads(1)
    for name in parser.parse_args().names or every:
        tabulate(*name.split("-"))


if __name__ == "__main__":
    main()
