"""Evaluate a table of designs with each of the moves, by the command `paretopress evaluate`.

Give the config of a study with one network. Its variants with the other moves share its files, so
that only the moves differ. A row that the output holds is not evaluated again:

    PYTHONPATH=workflow/scripts:tests .venv/bin/python -m benchmarks.moves \
        --configfile docs/evidence/resnet50.yaml --kept 0.5 0.3 0.1 --output table.csv

With --bits 8 5 4 3 each row is evaluated with the weights in so many bits.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import yaml

ALLOCATIONS, REPAIRS = ("uniform", "lamp"), ("none", "auto")
COLUMNS = (
    "network", "allocation", "repair", "kept_convolutions", "kept_linear", "split", "images",
    "design_id", "nonzero_rate", "accuracy", "seconds_compression", "seconds_images",
    "conv_bits", "linear_bits", "bytes",
)  # fmt: skip
FLOAT_BITS = 32
Key = tuple[str, str, float, float, int, int]


def rows_of(output: Path) -> list[dict[str, str]]:
    """The rows of an earlier run, none without a file."""
    if not output.is_file():
        return []
    with output.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def wanted(given: argparse.Namespace) -> Iterator[Key]:
    """Allocation, repair, both shares and both bits of each row."""
    choices = product(given.kept, given.bits, given.allocations, given.repairs)
    for share, bits, allocation, repair in choices:
        linear = share if given.kept_linear is None else given.kept_linear
        yield allocation, repair, share, linear, bits, given.bits_linear or bits


def key_of(row: dict[str, str]) -> Key:
    """The key of a row of an earlier run."""
    shares = (float(row[name]) for name in ("kept_convolutions", "kept_linear"))
    bits = (int(row[name]) for name in ("conv_bits", "linear_bits"))
    return (row["allocation"], row["repair"], *shares, *bits)


def pruning(kind: str, kept: float) -> list[str]:
    """The variables that prune the weights of a kind to a share."""
    if kept == 1:
        return []
    return [f"{kind}_scope=2", f"{kind}_target=1", f"{kind}_amount={round(1 - kept, 6)}"]


def evaluated(config: dict, key: Key, split: str, images: int | None) -> dict[str, object]:
    """Run the command for one row, and return the row."""
    allocation, repair, convolutions, linear, conv_bits, linear_bits = key
    (network,) = config["networks"]
    moves = {
        "search_space": config.get("search_space", {}) | {"allocation": allocation},
        "compression": config.get("compression", {}) | {"repair": repair},
    }
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
        yaml.safe_dump(config | moves, file)
        file.flush()
        command = [
            sys.executable, "-P", "-m", "paretopress", "evaluate", "--configfile", file.name, network,
            *pruning("conv", convolutions), *pruning("linear", linear),
            f"conv_bits={conv_bits}", f"linear_bits={linear_bits}",
            "--split", split, *(["--images", str(images)] if images else []), "--json",
        ]  # fmt: skip
        told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    values = (
        network, allocation, repair, convolutions, linear, split, told["images"], told["design_id"],
        told["nonzero_rate"], told["accuracy"], *told["seconds"].values(),
        conv_bits, linear_bits, told["bytes"],
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


def main() -> None:
    """Write the missing rows, each as it is evaluated."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--configfile", type=Path, required=True)
    parser.add_argument(
        "--kept", type=float, nargs="+", required=True, help="shares of the weights"
    )
    parser.add_argument(
        "--kept-linear", type=float, help="share in the Linear layers, if it is another"
    )
    parser.add_argument("--bits", type=int, nargs="+", default=[FLOAT_BITS])
    parser.add_argument("--bits-linear", type=int, help="bits in the Linear layers, if others")
    parser.add_argument("--allocations", nargs="+", default=ALLOCATIONS)
    parser.add_argument("--repairs", nargs="+", default=REPAIRS)
    parser.add_argument("--split", default="test")
    parser.add_argument("--images", type=int, help="images of the split (default: all)")
    parser.add_argument("--output", type=Path, required=True, help="the CSV file")
    given = parser.parse_args()
    config = yaml.safe_load(given.configfile.read_text(encoding="utf-8"))
    done = set(map(key_of, rows_of(given.output)))
    begun = given.output.is_file()
    with given.output.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        if not begun:
            writer.writeheader()
        for key in wanted(given):
            if key not in done:
                row = evaluated(config, key, given.split, given.images)
                writer.writerow(row)
                file.flush()
                print(*row.values(), flush=True)


if __name__ == "__main__":
    main()
