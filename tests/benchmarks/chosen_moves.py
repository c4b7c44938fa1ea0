"""Join searches with different moves, and measure what they chose.

The searches of docs/evidence ran in the folder in which this runs. Their evaluations become one
table, which docs/evidence/joined.yaml reads. Of each search the smallest design within an
allowed drop on the validation images is evaluated by `paretopress evaluate` on the test images that
are left. Together with the validation images they are the 10,000 test images of CIFAR-10:

    PYTHONPATH=workflow/scripts:tests .venv/bin/python -m benchmarks.chosen_moves \
        --network resnet50 --moves paper-moves default-moves \
        --designs docs/evidence/designs.csv --chosen docs/evidence/chosen.csv

With --size bytes the smallest is that of the fewest bytes.
"""

import argparse
import json
import subprocess
import sys
from itertools import product
from pathlib import Path

import pandas as pd

from paretopress.config.variables import VARIABLES

DROPS = (4.4, 1.0)  # percentage points
SHOWN = ("design_id", *VARIABLES, "nonzero_rate", "bytes")


def evaluations(network: str, moves: str) -> pd.DataFrame:
    """Every evaluation of the searches of a network with these moves, named by the moves."""
    path = Path("results") / f"{network}-{moves}" / "runs" / network / "evaluations.csv"
    return pd.read_csv(path).assign(method=moves.replace("-", "_"))


def metrics(network: str, moves: str) -> dict:
    """The metrics of the dense network."""
    path = Path("results") / f"{network}-{moves}" / "baselines" / network / "metrics.json"
    return json.loads(path.read_text(encoding="utf-8"))


def on_images_left(network: str, moves: str, row: pd.Series) -> dict:
    """Evaluate the design of a row on the images that no choice has seen."""
    command = [
        sys.executable, "-P", "-m", "paretopress", "evaluate",
        "--configfile", f"docs/evidence/{network}-{moves}.yaml", network,
        *(f"{name}={row[name]:g}" for name in VARIABLES if row.get(name)),
        *(f"{kind}_target=0" for kind in ("linear", "conv") if row[f"{kind}_scope"] and not row[f"{kind}_target"]),
        "--seed", str(row["seed"]), "--split", "test", "--json",
    ]  # fmt: skip
    print(*command[4:], file=sys.stderr)
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def of_all(validation: float, left: float, images: dict[str, int]) -> float:
    """The accuracy on both splits together."""
    right = round(validation * images["validation"]) + round(left * images["test"])
    return right / (images["validation"] + images["test"])


def chosen(network: str, moves: str, table: pd.DataFrame, size: str) -> list[dict]:
    """The smallest design of each seed within each drop, and what it does on the other images."""
    measured, rows, evaluated = metrics(network, moves), [], {}
    dense, images = measured["accuracy"], measured["images"]
    for drop, (seed, run) in product(DROPS, table.groupby("seed")):
        floor = dense["validation"] - drop / 100
        row = run[run["accuracy"] >= floor].sort_values(size).iloc[0]
        if row["design_id"] not in evaluated:
            evaluated[row["design_id"]] = on_images_left(network, moves, row)
        told = evaluated[row["design_id"]]
        assert told["design_id"] == row["design_id"], "the network of the row is made again"
        rows.append(
            {
                "network": network,
                "moves": moves,
                "allowed_drop_points": drop,
                "seed": seed,
                **{name: row[name] for name in SHOWN if name in row},
                "validation_images": images["validation"],
                "validation_accuracy": row["accuracy"],
                "dense_validation_accuracy": dense["validation"],
                "images_left": images["test"],
                "left_accuracy": told["accuracy"],
                "dense_left_accuracy": dense["test"],
                "test_accuracy": of_all(row["accuracy"], told["accuracy"], images),
                "dense_test_accuracy": of_all(dense["validation"], dense["test"], images),
            }
        )
    return rows


def renewed(path: Path, rows: pd.DataFrame, network: str) -> None:
    """Write the rows of a network into a table of several networks."""
    others = pd.read_csv(path) if path.is_file() else rows.iloc[:0]
    others = others[others["network"] != network]
    pd.concat([table for table in (others, rows) if len(table)]).to_csv(path, index=False)


def main() -> None:
    """Renew the rows of one network in both tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--network", required=True)
    parser.add_argument(
        "--moves", nargs="+", required=True, help="the searches, NETWORK-MOVES each"
    )
    parser.add_argument("--size", default="nonzero_rate", help="the column of the size")
    parser.add_argument("--designs", type=Path, required=True, help="the table of all evaluations")
    parser.add_argument("--chosen", type=Path, required=True, help="the table of those chosen")
    given = parser.parse_args()
    tables = {moves: evaluations(given.network, moves) for moves in given.moves}
    renewed(given.designs, pd.concat(tables.values()), given.network)
    rows = [
        row
        for moves, table in tables.items()
        for row in chosen(given.network, moves, table, given.size)
    ]
    renewed(given.chosen, pd.DataFrame(rows), given.network)


if __name__ == "__main__":
    main()
