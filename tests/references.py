"""The CSV files that two studies give, committed: a change that says it changes no number is held to them.

default-moves is the tiny study, paper-moves a smaller one with the paper's allocation and no repair.

make references    runs both studies and writes their files over the committed ones
"""

import json
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch

REFERENCES = Path(__file__).parent / "references"
DEFAULT_MOVES, PAPER_MOVES = REFERENCES / "default-moves", REFERENCES / "paper-moves"
MADE_ON = REFERENCES / "made-on.json"
CPUINFO = Path("/proc/cpuinfo")
OF_THE_PROCESSOR = ("vendor_id", "cpu family", "model", "model name", "stepping", "flags")
# The runs of a network stand in one file of each kind; times are never the same twice.
FOLDERS = ("baselines/*", "designs/*", "fronts", "runs/*", "statistics")
TIMES = ("timings.csv", "costs.csv")
WITHOUT_TIMES = {
    "runs.csv": lambda table: table.drop(columns=["evaluation_seconds", "search_seconds"]),
    # The adjusted p are also of the test on times.
    "claims.csv": lambda table: table[table["claim"] != "faster-inference"].drop(
        columns="p_adjusted"
    ),
}


def machine() -> dict[str, object]:
    """What the last digits of a float depend on: the processor, and the versions that compute."""
    from paretopress.jobs.versions import versions

    lines = CPUINFO.read_text(encoding="utf-8").splitlines() if CPUINFO.is_file() else []
    told = dict(line.split("\t", 1) for line in reversed(lines) if "\t" in line)
    known = {name.strip(): value.strip(": \t") for name, value in told.items()}
    return {
        "processor": {name: known.get(name) for name in OF_THE_PROCESSOR},
        "kernels": torch.backends.cpu.get_cpu_capability(),
        "versions": versions(),
    }


def csv_files(results: Path) -> dict[str, bytes]:
    """Every CSV file of a study that is the same each time, by name."""
    found = {}
    for pattern in FOLDERS:
        for path in sorted(results.glob(f"{pattern}/*.csv")):
            if not path.name.endswith(TIMES):
                content = path.read_bytes()
                if path.name in WITHOUT_TIMES:
                    table = pd.read_csv(path, dtype=str, keep_default_na=False)
                    content = WITHOUT_TIMES[path.name](table).to_csv(index=False).encode()
                found[str(path.relative_to(results))] = content
    return found


def check(results: Path, references: Path) -> None:
    """Compare every CSV file of a study with the committed one, on the machine of that one."""
    if json.loads(MADE_ON.read_text(encoding="utf-8")) != machine():
        pytest.skip("the references were made on another processor, or with other versions")
    found = csv_files(results)
    assert set(found) == {str(path.relative_to(references)) for path in references.rglob("*.csv")}
    for name, content in found.items():
        assert content == (references / name).read_bytes(), name


if __name__ == "__main__":
    for folder, references in zip(sys.argv[1:], (DEFAULT_MOVES, PAPER_MOVES), strict=True):
        made = csv_files(Path(folder))
        if not made:
            sys.exit(f"{folder}: no finished study, so its references stay as they are.")
        for name, text in made.items():
            (references / name).parent.mkdir(parents=True, exist_ok=True)
            (references / name).write_bytes(text)
    MADE_ON.write_text(json.dumps(machine(), indent=1) + "\n", encoding="utf-8")
