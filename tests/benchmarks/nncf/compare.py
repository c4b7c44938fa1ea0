"""Compare the default moves with NNCF's recipe without training, image by image.

Both prune the same ResNet50 to the same shares of weights and mend it with the same training images
in the same batches. Run it in the project's own environment after prune.py, from the root of the
repository:

    PYTHONPATH=workflow/scripts .venv/bin/python tests/benchmarks/nncf/compare.py \
        --results results/cifar10-jpeg --nncf nncf.csv --output compared.csv
"""

import argparse
import math
from pathlib import Path

import pandas as pd
import torch

from paretopress.compression.plans import canonical
from paretopress.compression.tally import denormals_flushed
from paretopress.config.variables import Design
from paretopress.dataset.split import Split, batches, load_split
from paretopress.networks.mapped import load_network
from paretopress.networks.moves import load_moves

QUANTILE = 1.959963985  # of the normal distribution, for intervals of 95 %
IMAGES = 1000  # that mend
EVALUATED_AT_ONCE = 200


def correct_images(network: torch.nn.Module, split: Split, batch_size: int) -> torch.Tensor:
    """True for each image of a split with a correct top-1 prediction."""
    with torch.inference_mode(), denormals_flushed():
        return torch.cat(
            [network(inputs).argmax(1) == labels for inputs, labels in batches(split, batch_size)]
        )


def paired_difference(ours: torch.Tensor, theirs: torch.Tensor) -> tuple[float, float, float]:
    """The difference of two accuracies on the same images, and the bounds of its interval.

    The standard error is that of paired proportions (McNemar 1947): only images on which the two
    networks differ count.
    """
    differences = ours.double() - theirs.double()
    mean = float(differences.mean())
    error = float(differences.std(correction=0)) / math.sqrt(len(differences))
    return mean, mean - QUANTILE * error, mean + QUANTILE * error


def main() -> None:
    """Write a row for each share of weights that NNCF was measured at."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--results", type=Path, required=True, help="the folder of the study")
    parser.add_argument("--nncf", type=Path, required=True, help="the output of prune.py")
    parser.add_argument("--batch-size", type=int, default=200, help="of the images that mend")
    parser.add_argument("--keep", nargs="*", default=[], help="layers that nothing is done to")
    parser.add_argument("--output", type=Path, required=True, help="the CSV file to write")
    given = parser.parse_args()
    torch.set_num_threads(1)
    baseline, dataset = given.results / "baselines" / "resnet50", given.results / "dataset"
    split = load_split(dataset / "test.safetensors")
    moves = load_moves(
        {"keep": given.keep, "repair": {"images": IMAGES, "batch_size": given.batch_size}},
        [],
        [dataset / "train.safetensors"],
    )
    weights = baseline / "weights.safetensors"
    architecture = {"name": "resnet50", "arguments": {}}
    network = load_network(architecture, split, weights, moves).tabulated()
    table = pd.read_csv(given.nncf, dtype={"correct": str})
    rows = []
    for row in table[table["adapted"]].to_dict("records"):
        amount = 1 - row["kept"]
        plan = canonical(Design(2, 2, amount, amount, 1, 1, 0), network.layout(), seed=0)[1]
        compressed, rate = network.compress(plan)
        ours = correct_images(compressed, split, EVALUATED_AT_ONCE)
        theirs = torch.tensor([mark == "1" for mark in row["correct"]])
        difference, lower, upper = paired_difference(ours, theirs)
        rows.append(
            {
                "batch_size": given.batch_size,
                "keep": " ".join(given.keep),
                "kept": row["kept"],
                "nonzero_rate": rate,
                "nncf_nonzero_rate": row["nonzero_rate"],
                "accuracy": float(ours.double().mean()),
                "nncf_accuracy": row["accuracy"],
                "difference": difference,
                "lower": lower,
                "upper": upper,
            }
        )
        print(rows[-1], flush=True)
    pd.DataFrame(rows).to_csv(given.output, index=False)


if __name__ == "__main__":
    main()
