"""The CSV files that the tiny study gives, committed: a change that says it changes no number is held to it.

make references    runs the tiny study and writes its files over the committed ones
"""

import json
import sys
from pathlib import Path

import pandas as pd
import torch

REFERENCES = Path(__file__).parent / "references"
MADE_ON = REFERENCES / "made-on.json"
CPUINFO = Path("/proc/cpuinfo")
OF_THE_PROCESSOR = ("vendor_id", "cpu family", "model", "model name", "stepping", "flags")
# The runs of a network stand in one file of each kind; times are never the same twice.
FOLDERS = ("baselines/*", "designs/*", "fronts", "runs/*", "statistics")
TIMES = ("timings.csv", "costs.csv")
SECONDS = ["evaluation_seconds", "search_seconds"]


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
                if path.name == "runs.csv":
                    table = pd.read_csv(path, dtype=str, keep_default_na=False)
                    content = table.drop(columns=SECONDS).to_csv(index=False).encode()
                found[str(path.relative_to(results))] = content
    return found


if __name__ == "__main__":
    made = csv_files(Path(sys.argv[1]))
    if not made:
        sys.exit(f"{sys.argv[1]}: no finished study, so the references stay as they are.")
    for name, text in made.items():
        (REFERENCES / name).parent.mkdir(parents=True, exist_ok=True)
        (REFERENCES / name).write_bytes(text)
    MADE_ON.write_text(json.dumps(machine(), indent=1) + "\n", encoding="utf-8")
