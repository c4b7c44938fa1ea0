"""Put exports side by side, a row for each: docs/evidence/exported.csv.

    PYTHONPATH=workflow/scripts:tests .venv/bin/python -m benchmarks.exported FOLDER ... > docs/evidence/exported.csv

Each FOLDER is that of an export, results/STUDY/export/NETWORK/DESIGN_ID.
"""

import sys
from pathlib import Path

import pandas as pd

from paretopress.export.card import times_of
from paretopress.export.exported import read_exported

FILES = ("packed.safetensors", "model.onnx", "model-int8.onnx")


def row(folder: Path) -> dict[str, object]:
    found, times = read_exported(folder), times_of(folder)
    tuned = found.fine_tuned
    test = found.accuracy["test"]
    speeds = {
        f"{'dense' if one['network'] == 'dense' else 'design'}_{one['precision']}_{one['batch_size']}": round(
            one["images_per_second"], 1
        )
        for one in times
        if one["runtime"] == "ONNX Runtime"
    }
    return {
        "network": found.network,
        "design_id": found.design_id,
        "fine_tuning_epochs": tuned.recipe["epochs"] if tuned else 0,
        "nonzero_rate": found.nonzero_rate,
        "dense_bytes": found.dense_bytes,
        **{f"{name} bytes": found.files[name].bytes for name in FILES},
        "test_images": found.images["test"],
        "dense_accuracy": test["dense"],
        "accuracy_before": tuned.accuracy_before["test"] if tuned else test["float32"],
        "float32_accuracy": test["float32"],
        "int8_accuracy": test["int8"],
        "p_float32": found.on_test["float32"].p,
        "p_int8": found.on_test["int8"].p,
        "keeps_floor_float32": found.on_test["float32"].keeps_floor,
        "keeps_floor_int8": found.on_test["int8"].keeps_floor,
        **{f"images_per_second {name}": value for name, value in speeds.items()},
        "threads": times[0]["threads"],
        "processor": times[0]["processor"],
        "int8_instructions": times[0]["int8_instructions"],
        "machine_load": round(times[0]["machine_load"], 1),
    }


def main() -> None:
    table = pd.DataFrame(row(Path(folder)) for folder in sys.argv[1:])
    print(table.to_csv(index=False, lineterminator="\n"), end="")


if __name__ == "__main__":
    main()
