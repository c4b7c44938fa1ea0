"""Where searches of a table lose hypervolume, by size: python -m benchmarks.tabular.lost."""

import argparse

import numpy as np
import pandas as pd

from paretopress.search.archive import Archive

from .__main__ import TABLES, groups, methods_of, seeds_of
from .runs import Run, loaded, search
from .tables import designs_of


def heights(designs: pd.DataFrame, sizes: np.ndarray, threshold: float) -> np.ndarray:
    """The highest accuracy of designs, with columns size and accuracy, up to each of some sizes.

    Where no design of that size is feasible, it is the threshold.
    """
    known = designs.sort_values("size")
    best = known["accuracy"].clip(lower=threshold).cummax()
    place = np.searchsorted(known["size"], sizes, side="right")
    return np.concatenate([[threshold], best])[place]


def lost(front: pd.DataFrame, archive: Archive) -> np.ndarray:
    """The scaled hypervolume that a search lacks, by size.

    Args:
        front: The exact front, by rising size: size, accuracy.
        archive: What the search found.

    Returns:
        For each design of the front, from its size to that of the next one, and at last to 1.
    """
    size, loss = archive.objectives().T
    found, threshold = pd.DataFrame({"size": size, "accuracy": -loss}), archive.target.threshold
    inside = size[(size > front["size"].min()) & (size < 1)]
    edges = np.unique(np.concatenate([front["size"], inside, [1]]))
    lower = heights(front, edges, threshold) - heights(found, edges, threshold)
    bands = np.searchsorted(front["size"], edges[:-1], side="right") - 1
    return np.bincount(bands, np.diff(edges) * lower[:-1] / (1 - threshold), len(front))


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.tabular.lost", description=__doc__)
    parser.add_argument("--table", required=True, choices=TABLES)
    parser.add_argument("--methods", nargs="+", default=["ehvi"], choices=methods_of(groups()))
    parser.add_argument("--seeds", type=seeds_of, default=seeds_of("1-10"), help="FIRST-LAST")
    given = parser.parse_args()
    table, methods = loaded(given.table), methods_of(groups())
    front = table.exact_front([plan for _, plan in designs_of(table.space, table.layout)])
    shown = front.join(table.rows[["correct", "correct_test"]])
    image = (1 - front["size"]) / table.told["images"]["validation"]
    shown["one image, %"] = 100 * image / (1 - table.threshold_of("validation")) / table.best
    for name in given.methods:
        archives = [search(Run(table.name, name, methods[name], seed)) for seed in given.seeds]
        shares = sum(lost(front, archive) for archive in archives) / len(archives) / table.best
        shown[f"{name} lacks, %"] = 100 * shares
    print(f"{table.name}: n = {len(given.seeds)} seeds, in % of the exact front's hypervolume\n")
    print(shown.round(4).to_markdown(index=False))
    for column, share in shown.filter(like="lacks").sum().items():
        print(f"\n{column}: {share:.1f} in all")


if __name__ == "__main__":
    main()
