"""What one run of the embedded study takes: its initial sample is given, and the search spends the rest of the budget."""

import csv
import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from .checkouts import Checkout
from .frame import Benchmark, Variant

RESULTS = "results/digits"
NETWORK = "vgg16-slim"
# Random search evaluates as often and computes next to nothing between.
METHODS = ("surrogate-mse-spearman", "random")


def rows(file: Path, delimiter: str = ",") -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened, delimiter=delimiter))


def searched(checkout: Checkout, method: str) -> Mapping[str, float]:
    """Run one search anew; the seconds of its parts, which sum up to the whole, and of computing."""
    results = checkout.folder / RESULTS
    run = f"runs/{NETWORK}/{method}/seed-1"
    for folder in (results / run, results / "progress"):  # so that nothing is taken from before
        if folder.exists():
            shutil.rmtree(folder)
    used = checkout.snakemake("--cores", "1", f"{RESULTS}/{run}/timings.csv")
    # The evaluations of iteration 0 are those of the sample, with the times that they took there.
    steps = [step for step in rows(results / run / "timings.csv") if step["iteration"] != "0"]
    search, evaluations = (
        sum(float(step["seconds"]) for step in steps if step["step"] == kind)
        for kind in ("search", "evaluation")
    )
    job = float(rows(results / "benchmarks" / f"{run}.tsv", "\t")[0]["s"])
    return {
        "whole run": used.wall,
        "search steps": search,
        "true evaluations": evaluations,
        "start-up of the job, and its files": job - search - evaluations,
        "snakemake around the job": used.wall - job,
        "CPU of the whole run": used.cpu,
    }


def variants(checkout: Checkout) -> dict[str, Variant]:
    checkout.snakemake("--cores", "1", f"{RESULTS}/designs/{NETWORK}/seed-1.csv")
    return {method: partial(searched, checkout, method) for method in METHODS}


BENCHMARK = Benchmark(variants, yardstick="random")
