"""Compare search methods on the tables, with many seeds: make bench-search (docs/search.md)."""

import argparse
import hashlib
import json
import os
from collections.abc import Iterable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from paths import ROOT
from pydantic import TypeAdapter
from scipy.stats import ttest_1samp
from statsmodels.stats.multitest import multipletests

from paretopress.code import counted_files, told
from paretopress.config.method_files import method_file
from paretopress.config.methods import MethodFamily
from paretopress.jobs.files import written_whole
from paretopress.statistics.effects import rank_biserial, signed_rank
from paretopress.statistics.ranks import friedman, mean_ranks

from .runs import BUDGET, EVALUATIONS, Run, all_of, loaded
from .tables import NAMES, SPACES

METHODS = Path(__file__).with_name("methods.yaml")
ROWS = ROOT / "docs" / "evidence" / "search"
TABLES = [f"{network}-{space}" for network, space in product(NAMES, SPACES)]
CONFIDENCE = 0.95
OVER_TIME = [f"at_{count}" for count in EVALUATIONS]
LAST, MIDDLE, ON_TEST = OVER_TIME[-1], "at_50", "test"
OTHERS = [ON_TEST, "evaluations", "fallbacks", "seconds", "rank"]  # beside the shares, as they are
# What is compared: in words, of the reference and of the others, and whether in shares.
COMPARED = (
    (f"{LAST} less the others {LAST}", LAST, LAST, True),
    (f"{MIDDLE} less the others {LAST}", MIDDLE, LAST, True),
    ("less the others on the test images, in points of hypervolume", ON_TEST, ON_TEST, False),
)


def methods_of(groups: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The methods of some groups of the file, by name."""
    listed = yaml.safe_load(METHODS.read_text(encoding="utf-8"))
    read = TypeAdapter(list[MethodFamily]).validate_python
    return {
        name: {"implementation": family.implementation, "settings": settings}
        for group in groups
        for family in read(listed[group])
        for name, settings in family.named(BUDGET).items()
    }


def groups() -> list[str]:
    """The groups of methods in the file."""
    return list(yaml.safe_load(METHODS.read_text(encoding="utf-8")))


def rows_of(table: str) -> pd.DataFrame:
    """The rows of a table's runs that were made so far."""
    file = ROWS / f"{table}.csv"
    return pd.read_csv(file) if file.is_file() else pd.DataFrame(columns=["code", "method", "seed"])


def _keep(table: str, made: pd.DataFrame) -> None:
    with written_whole(ROWS / f"{table}.csv") as file:
        made.to_csv(file, index=False)


def code_of(method: dict[str, Any]) -> str:
    """A digest of a method: its settings, and its code in the rooms that a search is made of.

    It knows nothing of the other rooms, of the tables, and of the versions of libraries.
    """
    files = counted_files(method_file(method["implementation"]))
    searching = [told(file) for file in files if file.parent.name in ("methods", "search")]
    said = json.dumps([method["settings"], sorted(searching)], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:12]


def _stale(made: pd.DataFrame, codes: dict[str, str]) -> pd.Series:
    """Tell which rows are of other settings or code than their methods have now."""
    return made["method"].isin(codes) & (made["code"] != made["method"].map(codes))


def confirm(table: str, methods: dict[str, dict[str, Any]], count: int, processes: int) -> None:
    """Keep the rows of other code that gives the same results, as a sample of them shows.

    The first `count` stale runs of each method are made again. Where all have the values of their
    rows, the method's rows of that code count as those of its code now.
    """
    made = rows_of(table)
    codes = {name: code_of(method) for name, method in methods.items()}
    sampled = made[_stale(made, codes)].groupby(["method", "code"]).head(count)
    if sampled.empty:
        return
    runs = [
        Run(table, name, methods[name], seed)
        for name, seed in zip(sampled["method"], sampled["seed"], strict=True)
    ]
    again = pd.DataFrame(all_of(runs, processes)).set_index(["method", "seed"])
    values = again.columns.drop("seconds")
    there = again.loc[list(zip(sampled["method"], sampled["seed"], strict=True)), values]
    same = pd.Series((there.to_numpy() == sampled[values].to_numpy()).all(axis=1), sampled.index)
    for (name, code), equal in same.groupby([sampled["method"], sampled["code"]]):
        print(f"{table}: {name}: {equal.sum()} of {len(equal)} runs gave the same again")
        if equal.all():
            made.loc[(made["method"] == name) & (made["code"] == code), "code"] = codes[name]
    _keep(table, made)


def complete(table: str, methods: dict[str, dict[str, Any]], seeds: range, processes: int) -> None:
    """Make the runs of a table that have no row yet, and write the row of each as it ends.

    A run whose row is of other settings or code is made again, and takes the place of that row.
    """
    made = rows_of(table)
    codes = {name: code_of(method) for name, method in methods.items()}
    stale = _stale(made, codes) & made["seed"].isin(seeds)
    if stale.any():
        print(f"{table}: {stale.sum()} rows are of other code or settings, and are made again")
    known = set(zip(made["method"][~stale], made["seed"][~stale], strict=True))
    missing = [
        Run(table, name, method, seed)
        for seed, (name, method) in product(seeds, methods.items())
        if (name, seed) not in known
    ]
    for number, row in enumerate(all_of(missing, processes), start=1):
        others = made[(made["method"] != row["method"]) | (made["seed"] != row["seed"])]
        new = pd.DataFrame([{"code": codes[row["method"]], **row}])
        made = pd.concat([others, new], ignore_index=True) if len(others) else new
        _keep(table, made)
        print(f"{table}: {number} of {len(missing)} runs", end="\r", flush=True)


def by_seed(made: pd.DataFrame, methods: Iterable[str], seeds: range) -> pd.DataFrame:
    """The rows of the seeds that all methods with rows have, with a pair of indices.

    Returns:
        Columns by (column, method), and a row for each seed.
    """
    kept = made[made["seed"].isin(seeds)].drop(columns="code")
    wide = kept.pivot(index="seed", columns="method")
    known = [name for name in methods if name in set(made["method"])]
    return wide.loc[:, pd.IndexSlice[:, known]].dropna()


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def means(wide: pd.DataFrame, best: float) -> pd.DataFrame:
    """Each method's mean shares in percent, its mean rank at the end, and other means."""
    of_all = wide.mean().unstack(level=0)
    of_all["rank"] = mean_ranks(wide[LAST]).round(2)
    shares = {column.replace("_", " "): of_all[column] / best for column in OVER_TIME}
    shown = pd.DataFrame(shares).map(_percent).join(of_all[OTHERS].round(3))
    return shown.sort_values("rank")


def _interval(differences: np.ndarray) -> str:
    """The mean of paired differences and its confidence interval, in percentage points."""
    interval = ttest_1samp(differences, 0).confidence_interval(CONFIDENCE)
    shown = f"{100 * interval.low:+.1f} to {100 * interval.high:+.1f}"
    return f"{100 * differences.mean():+.1f} ({shown})"


def against(reference: pd.Series, others: pd.DataFrame) -> pd.DataFrame:
    """Compare a method with others, seed by seed, by Wilcoxon's signed-rank test, Holm-adjusted."""
    rows = []
    for name, values in others.items():
        differences = (reference - values).to_numpy()
        rows.append({
            "beside": name,
            f"difference ({CONFIDENCE:.0%})": _interval(differences),
            "better": int((differences > 0).sum()), "worse": int((differences < 0).sum()),
            "rank-biserial": round(rank_biserial(differences), 2),
            "p": signed_rank(differences, "two-sided")[1],
        })  # fmt: skip
    table = pd.DataFrame(rows).set_index("beside")
    adjusted = multipletests(table["p"], method="holm")[1]
    table["p"] = [f"{p:.2g}" for p in adjusted]
    return table.rename(columns={"p": "p (Holm)"})


def show(table: str, methods: Iterable[str], seeds: range, reference: str) -> None:
    """Print the comparison on one table."""
    wide, best = by_seed(rows_of(table), methods, seeds), loaded(table).best
    print(f"\n## {table}: n = {len(wide)} seeds, hypervolume in % of the exact front's\n")
    if wide.empty:
        return
    print(means(wide, best).to_markdown())
    last = wide[LAST]
    if len(last) < 3 or last.shape[1] < 2:
        return
    if last.shape[1] > 2:
        runs = last.melt(ignore_index=False, value_name="hypervolume").reset_index()
        runs = runs.assign(network=table, complete=True, initial_hypervolume=np.nan)
        test = friedman(runs, level=0.05).iloc[0]
        print(f"\nFriedman: chi2 {test['chi2']:.1f}, p {test['p']:.2g}, W {test['kendall_w']:.2f}")
    if reference in last:
        for told, column, beside, scale in COMPARED:
            others = wide[beside].drop(columns=reference) / (best if scale else 1)
            ours = wide[column, reference] / (best if scale else 1)
            print(f"\n{reference} {told}:\n")
            print(against(ours, others).to_markdown())


def seeds_of(text: str) -> range:
    """Read FIRST-LAST, or one seed."""
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.tabular", description=__doc__)
    parser.add_argument("--tables", nargs="*", default=TABLES, choices=TABLES)
    parser.add_argument("--groups", nargs="*", default=groups(), help="of methods.yaml")
    parser.add_argument("--methods", nargs="*", help="those of the groups that are meant, by name")
    parser.add_argument("--show", action="store_true", help="make no runs, print what there is")
    parser.add_argument("--seeds", type=seeds_of, default=seeds_of("1-50"), help="FIRST-LAST")
    parser.add_argument("--reference", default="ehvi", help="compared with each other method")
    parser.add_argument(
        "--confirm", type=int, default=0, metavar="N",
        help="keep rows of other code where N of a method's runs give the same again",
    )  # fmt: skip
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    given = parser.parse_args()
    methods = methods_of(given.groups)
    if given.methods:
        methods = {name: methods[name] for name in given.methods}
    for table in given.tables:
        if not given.show:
            confirm(table, methods, given.confirm, given.processes)
            complete(table, methods, given.seeds, given.processes)
        show(table, methods, given.seeds, given.reference)


if __name__ == "__main__":
    main()
