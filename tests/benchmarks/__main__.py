"""Measure benchmarks side by side, and print their ratios (docs/performance.md): make bench."""

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

from paths import ROOT

from . import cold_start, dry_run, evaluation, int8, search, whole_run
from .checkouts import Checkout, earlier, present
from .frame import (
    Benchmark,
    header,
    measure,
    ratio_table,
    read_lines,
    renewed,
    side_by_side,
    write_lines,
)

BENCHMARKS: dict[str, Benchmark] = {
    "evaluation": evaluation.BENCHMARK,
    "search": search.BENCHMARK,
    "whole_run": whole_run.BENCHMARK,
    "cold_start": cold_start.BENCHMARK,
    "dry_run": dry_run.BENCHMARK,
    "int8": int8.BENCHMARK,
}
MEASURED = ROOT / "build" / "benchmarks"
PAGE = ROOT / "docs" / "performance.md"


def run(name: str, now: Checkout, base: Checkout | None, repeats: int | None) -> None:
    """Measure one benchmark, and write its lines and its table."""
    benchmark, load = BENCHMARKS[name], os.getloadavg()[0]
    variants, against = side_by_side(benchmark, now, base)
    commits = {checkout.name: checkout.commit for checkout in (now, base) if checkout}
    file = MEASURED / f"{name}.jsonl"
    lines = measure(name, variants, repeats or benchmark.repeats)
    write_lines(file, chain([header(name, load, against, commits)], lines))
    table = ratio_table(read_lines(file))
    file.with_suffix(".md").write_text(table, encoding="utf-8")
    print(f"{name}: {table}", flush=True)


def keep(names: Iterable[str]) -> None:
    """Put the tables of the lines that were measured last into the page."""
    for name in names:
        if (file := MEASURED / f"{name}.jsonl").is_file():
            text = renewed(PAGE.read_text(encoding="utf-8"), name, ratio_table(read_lines(file)))
            PAGE.write_text(text, encoding="utf-8")
            print(f"{PAGE.relative_to(ROOT)}: the table of {name} is that of {file}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}")
    parser.add_argument("--base", metavar="REVISION", help="measure a revision of git beside it")
    parser.add_argument("--repeats", type=int, help="how often each variant is measured")
    parser.add_argument("--keep", action="store_true", help="measure nothing, renew the page")
    given = parser.parse_args()
    names = given.names or list(BENCHMARKS)
    if unknown := set(names) - BENCHMARKS.keys():
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    if given.keep:
        keep(names)
        return
    for name in names:  # a folder for each, so that none meets the files of another one
        with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
            now = present(Path(folder) / "now")
            base = earlier(given.base, Path(folder) / "base") if given.base else None
            run(name, now, base, given.repeats)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that temporary folders go too
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("interrupted")
