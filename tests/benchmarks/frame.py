"""What all benchmarks share: variants measured in turn, a JSON line for each number, and a table of ratios.

A part whose name ends in "memory" is in bytes, and one that ends in "predictions" is a number of them. Any other
part is in seconds.
"""

import json
import os
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from paretopress.jobs.machine import processor_name
from paretopress.jobs.versions import versions

from .checkouts import Checkout

# Does its work once, and returns what each part of it took.
Variant = Callable[[], Mapping[str, float]]
Line = Mapping[str, Any]
UNITS = {"memory": "bytes", "predictions": "number"}  # by the last word of a part
COLUMNS = ("measured", "part", "median (range)", "compared with", "median (range)", "ratio (range)")


@dataclass(frozen=True)
class Benchmark:
    """What is measured of a checkout.

    Attributes:
        variants: Prepares a checkout, outside of all times, and gives its variants by name.
        repeats: How often each variant is measured, if the command does not say it.
        yardstick: The variant that the others are compared with where there is no base revision.
    """

    variants: Callable[[Checkout], Mapping[str, Variant]]
    repeats: int = 3
    yardstick: str = ""


def side_by_side(
    benchmark: Benchmark, now: Checkout, base: Checkout | None
) -> tuple[dict[str, Variant], dict[str, str]]:
    """The variants in the order of their measurement, and which of them is compared with which."""
    present, yardstick = benchmark.variants(now), benchmark.yardstick
    if base is None:
        return dict(present), {name: yardstick for name in present if yardstick not in ("", name)}
    earlier = benchmark.variants(base)
    variants: dict[str, Variant] = {}
    for name in present:  # the two of a pair follow each other
        variants[name] = present[name]
        variants |= {f"{name} at {base.name}": earlier[name]} if name in earlier else {}
    return variants, {name: f"{name} at {base.name}" for name in present if name in earlier}


def header(name: str, load: float, against: Mapping[str, str], commits: Mapping[str, str]) -> Line:
    """The first line of a file: where and with what the numbers below it were measured."""
    return {
        "benchmark": name,
        "date": date.today().isoformat(),
        "commits": dict(commits),
        "processor": processor_name(),
        "cores": os.cpu_count(),
        "load": round(load, 2),  # before anything was prepared
        "versions": {**versions(), "snakemake": version("snakemake")},
        "against": dict(against),
    }


def measure(name: str, variants: Mapping[str, Variant], repeats: int) -> Iterator[Line]:
    """Measure the variants in turn, A B A B, so that a slow minute of the machine meets all of them."""
    for repeat in range(1, repeats + 1):
        for variant, work in variants.items():
            for part, value in work().items():
                unit = UNITS.get(part.rpartition(" ")[2], "seconds")
                yield {
                    "benchmark": name, "variant": variant, "part": part, unit: value,
                    "repeat": repeat, "n": repeats,
                }  # fmt: skip


def write_lines(file: Path, lines: Iterable[Line]) -> None:
    """Write each line as soon as it is there, so that a benchmark that is stopped leaves its numbers."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8") as opened:
        for line in lines:
            print(json.dumps(line), file=opened, flush=True)


def read_lines(file: Path) -> list[Line]:
    """The lines of a file, the header first."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def _shown(value: float, unit: str) -> str:
    scaled, sign = {"bytes": (value / 1e6, " MB"), "seconds": (value, " s")}.get(unit, (value, ""))
    return f"{scaled:,.0f}{sign}" if abs(scaled) >= 1000 else f"{scaled:.3g}{sign}"


def _spread(values: Iterable[float], unit: str = "") -> str:
    found = list(values)
    middle, least, most = (_shown(of(found), unit) for of in (median, min, max))
    return f"{middle} ({least} to {most})"


def ratio_table(lines: Iterable[Line]) -> str:
    """The Markdown table of a file: medians, and the ratios of the measurements of the same repeat."""
    head, *measured = lines
    found: dict[tuple[str, str], dict[int, float]] = {}
    units: dict[str, str] = {}
    for line in measured:
        units[line["part"]] = next(unit for unit in (*UNITS.values(), "seconds") if unit in line)
        values = found.setdefault((line["variant"], line["part"]), {})
        values[line["repeat"]] = line[units[line["part"]]]
    table = [COLUMNS, ("---",) * len(COLUMNS)]
    for (variant, part), values in found.items():
        other = head["against"].get(variant, "")
        compared = found.get((other, part), {})
        row = (variant, part, _spread(values.values(), units[part]))
        ratios = [value / compared[at] for at, value in values.items() if compared.get(at)]
        if ratios:
            table.append((*row, other, _spread(compared.values(), units[part]), _spread(ratios)))
        elif variant not in head["against"].values():  # else it stands in the rows of the others
            table.append((*row, "", "", ""))
    repeats = len({line["repeat"] for line in measured})
    commits = ", ".join(f"{name}: commit {commit}" for name, commit in head["commits"].items())
    software = ", ".join(f"{package} {number}" for package, number in head["versions"].items())
    above = (
        f"n = {repeats}, {head['date']}. {commits}. {head['processor']}, {head['cores']} cores, "
        f"load {head['load']} before. {software}."
    )
    rows = "\n".join(f"| {' | '.join(cells)} |" for cells in table)
    return f"{textwrap.fill(above, 100, break_on_hyphens=False)}\n\n{rows}\n"


def renewed(page: str, name: str, table: str) -> str:
    """The text of a page with the table between the markers of a benchmark.

    Raises:
        ValueError: The page has no such markers.
    """
    begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
    text, count = re.subn(
        f"{begin}.*?{end}", lambda _: f"{begin}\n{table}\n{end}", page, flags=re.DOTALL
    )
    if count != 1:
        raise ValueError(f"the page has {count} places with the markers {begin.strip()} and {end}")
    return text
