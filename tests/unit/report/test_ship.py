"""What the report opens with: the designs to ship."""

import pandas as pd
import pytest
from test_report import METRICS, page_of, rendered

from paretopress.export.card import times_of
from paretopress.report.ship import exported_series, to_ship

COMMAND = "paretopress export --configfile results/s/config.yaml"
PAGE = page_of(metrics=METRICS | {"dense_bytes": 12_000_000}, size="bytes")
FILES = {
    "packed.safetensors": ("evaluated", 1_250_000),
    "model.onnx": ("float32", 12_000_000),
    "model-int8.onnx": ("int8", 3_000_000),
}
ON_TEST = {"dense_only": 9, "design_only": 4, "p": 0.267, "keeps_floor": True}


def times(folder) -> list:
    """Those of the program, from a table as an export writes it."""
    rows = [
        ("dense", "ONNX Runtime", "float32", 1, 0.004, 250.0),
        ("a", "ONNX Runtime", "float32", 1, 0.005, 200.0),
        ("a", "ONNX Runtime", "int8", 1, 0.001, 1000.0),
    ]
    names = ("network", "runtime", "precision", "batch_size", "median_seconds", "images_per_second")
    pd.DataFrame(rows, columns=names).assign(threads=1).to_csv(folder / "times.csv", index=False)
    return times_of(folder)


def exported(folder, **changed) -> dict:
    return {
        "network": "n",
        "design_id": "a",
        "name": "a",
        "folder": "results/s/export/n/a",
        "choices": ["smallest"],
        "passed_over": {},
        "design": {"quantization": 0},
        "nonzero_rate": 0.2,
        "packed_bytes": 1_200_000,
        "dense_bytes": 12_000_000,
        "search": "validation",
        "images": {"validation": 100, "test": 200},
        "floors": {"validation": 0.7, "test": 0.72},
        "fine_tuned": None,
        "accuracy": {
            "validation": {"dense": 0.9, "evaluated": 0.8, "float32": 0.8, "int8": 0.79},
            "test": {"dense": 0.85, "evaluated": 0.78, "float32": 0.78, "int8": 0.775},
        },
        "on_test": dict.fromkeys(("evaluated", "float32", "int8"), ON_TEST),
        "files": {
            name: {
                "form": form,
                "runtime": "ONNX Runtime",
                "holds": "a network",
                "bytes": size,
                "gzip_bytes": size // 2,
                "test_accuracy": 0.775,
            }
            for name, (form, size) in FILES.items()
        },
        "missing": {},
        "ships": "model-int8.onnx",
        "program": "CLASSES = ('<b>',)",
        "times": times(folder),
        **changed,
    }


def opening(*exports: dict) -> str:
    text = rendered(PAGE, ships=[to_ship(PAGE, exports, COMMAND)])
    return text[text.index("What to ship n") : text.rindex("In short")]


def test_an_export_is_told_with_its_file_its_test_and_its_speed(tmp_path):
    text = opening(exported(tmp_path))
    for said in (
        "model-int8.onnx of design a : 3.00 MB; the dense network has 12.00 MB",
        "77.50 % of 200 test images, -7.50 points against the dense network (McNemar p = 0.2670); "
        "the floor of 72.00 % is kept there, with 95 % certainty",
        "1,000 images/s in batches of 1, 1 thread, ONNX Runtime: 4.0 times as fast as the dense",
        "Why this design: the smallest design that keeps the floor, also as int8.",
        "On the validation images, which chose it, this file keeps the floor of 70.00 %.",
        "packed.safetensors 1.25 MB 0.625 MB ONNX Runtime 77.50 % a network",
        f"{COMMAND} n a",
        "CLASSES = (&#39;&lt;b&gt;&#39;,)",
    ):
        assert said in text


def test_what_falls_short_is_said(tmp_path):
    short = exported(
        tmp_path,
        passed_over={"b": 0.6},
        missing={"model.pt2": "torch cannot"},
        floors={"validation": 0.795, "test": 0.78},
        ships=None,
        program=None,
        fine_tuned={"recipe": {"epochs": 2}, "accuracy_before": {"validation": 0.7, "test": 0.71}},
    )
    text = opening(short)
    for said in (
        "no file of design a , fine-tuned",
        "1 smaller design was passed over, since its int8 file misses the floor.",
        "model.pt2 is missing: torch cannot.",
        "Fine-tuned for 2 epochs: in float32 71.00 % of the test images before, 78.00 % after.",
    ):
        assert said in text


def test_without_an_export_the_design_and_the_command_are_told():
    text = opening()
    assert "The smallest design that keeps the floor on the test images too is b" in text
    assert f"{COMMAND} n --smallest" in text


@pytest.mark.parametrize(("tuned", "names"), [(False, ["as int8 file (1)"]), (True, ["fine-tuned (1)", "as int8 file (1)"])])  # fmt: skip
def test_exported_forms_are_points_beside_the_front(tmp_path, tuned, names):
    fine_tuned = {"recipe": {"epochs": 2}, "accuracy_before": {}} if tuned else None
    ship = to_ship(PAGE, [exported(tmp_path, fine_tuned=fine_tuned)], COMMAND)
    series = exported_series(PAGE, ship)
    assert [one.name for one in series] == names
    (point,) = series[-1].points
    assert (point.x, point.y, point.test) == (0.25, 0.79, 0.775), "at the bytes of its file"
    assert point.command == f"{COMMAND} n a"
    assert ("model-int8.onnx", "3.00 MB") in point.details
