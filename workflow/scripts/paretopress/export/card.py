"""The two files of an export that people read: its card, and the program that loads it."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jinja2
import numpy as np
import torch
from PIL import Image

from ..config.export import WORDS, read_choice
from ..dataset.split import Split, normalized
from ..dataset.splitting import Scaling, resized
from ..fronts.union import DENSE
from ..jobs.files import write_whole
from ..tables import read_table, records
from ..words import counted, listed
from .exported import EVALUATED, FLOAT32, INT8, Exported, megabytes, read_exported
from .formats import ONNX, ONNX_INT8, PT2
from .scores import Scores

CARD, LOADING, TIMES = "README.md", "load.py", "times.csv"
TEMPLATES = Path(__file__).parent
SHOWN = 10
NAMES = {EVALUATED: "as searched", FLOAT32: "float32", INT8: "int8"}


def _percent(value: float, digits: int = 2) -> str:
    return f"{100 * value:.{digits}f} %"


FILTERS = {
    "few": lambda names: listed(names, SHOWN),
    "megabytes": megabytes,
    "p": lambda value: "p < 0.0001" if value < 0.0001 else f"p = {value:.4f}",
    "percent": _percent,
    "plural": counted,
}


def _rendered(template: str, **content: Any) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= FILTERS
    return environment.get_template(template).render(**content)


def file_to_ship(exported: Exported) -> str | None:
    """The file to run: int8 where it keeps the floor, else ONNX, else torch's own."""
    kept = INT8 in exported.on_test and exported.keeps_floor(INT8)
    names = [*([ONNX_INT8] if kept else []), ONNX, PT2]
    return next((name for name in names if name in exported.files), None)


def _package(file: str | None) -> str:
    return "torch" if file == PT2 else "onnxruntime"


def loading_program(exported: Exported, file: str) -> str:
    """A program that prints the class of images, with the file that it loads."""
    return _rendered(
        "load.py.j2",
        package=_package(file),
        file=file,
        classes=tuple(exported.classes),
        mean=tuple(exported.mean),
        std=tuple(exported.std),
        size=exported.scaling["image_size"],
        resize=exported.scaling.get("resize"),
        interpolation=exported.scaling.get("interpolation", "bilinear").upper(),
    )


def _forms(exported: Exported) -> dict[str, str]:
    """The forms in the card, with their names. Without dynamic int8, what was searched is float32."""
    dynamic = exported.design.get("quantization")
    return {form: NAMES[form] for form in exported.on_test if dynamic or form != EVALUATED}


def times_of(folder: Path) -> list[dict[str, Any]]:
    """The rows of the table of times, each with its speed as a multiple of the dense network's.

    The dense network is that in float32 in the same runtime and with the same batches.
    """
    rows = records(read_table(folder / TIMES))
    dense = {
        (row["runtime"], row["batch_size"]): row["median_seconds"]
        for row in rows
        if (row["network"], row["precision"]) == (DENSE, FLOAT32)
    }
    for row in rows:
        whole = dense.get((row["runtime"], row["batch_size"]), float("nan"))
        row["faster"] = whole / row["median_seconds"]
    return rows


def card(exported: Exported, folder: Path, command: str) -> str:
    """The card of an export, in Markdown.

    Args:
        exported: The export.
        folder: Its folder, with the table of times.
        command: The words of the command line that export from this study.

    Returns:
        The text.
    """
    file, forms = file_to_ship(exported), _forms(exported)
    choices = [read_choice(text) for text in exported.choices]
    return _rendered(
        "card.md.j2",
        it=exported,
        file=file,
        package=_package(file),
        loading=LOADING,
        forms=forms,
        kept=[name for form, name in forms.items() if exported.keeps_floor(form)],
        left=sorted(Counter(exported.float_layers[0]).items()),
        times=times_of(folder),
        choices={choice.option: WORDS.get(choice.word) for choice in choices},
        command=command,
    )


def require_running(exported: Exported, folder: Path, image: np.ndarray, scores: Scores) -> None:
    """Run the program on an image, and compare its class with that of the file that it loads.

    Args:
        exported: The export.
        folder: Its folder.
        image: An image of the study, uint8 of shape (height, width, 3).
        scores: The scores of the file that it loads.

    Raises:
        RuntimeError: The program fails, or finds another class.
    """
    scaling = Scaling(**exported.scaling)
    with TemporaryDirectory() as outside:
        path = Path(outside) / "image.png"
        Image.fromarray(image).save(path)
        command = [sys.executable, str((folder / LOADING).resolve()), str(path)]
        # The names of classes may be in any script, and the terminal of this process in another.
        utf8 = {**os.environ, "PYTHONIOENCODING": "utf-8"}
        ran = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=outside, env=utf8)
    square = torch.from_numpy(resized(Image.fromarray(image), scaling).copy()).permute(2, 0, 1)
    own = Split(
        square[None],
        torch.zeros(1),
        tuple(exported.classes),
        tuple(exported.mean),
        tuple(exported.std),
    )
    expected = exported.classes[int(scores(normalized(own, own.images)).argmax())]
    if ran.returncode or ran.stdout != f"{path} {expected}\n":
        raise RuntimeError(
            f"{LOADING} does not find the class {expected}: {ran.stdout}{ran.stderr}"
        )


def write_card(folder: Path, command: str) -> None:
    """Write the card of an export, and the program that loads it, from its other files.

    Args:
        folder: The folder of the export.
        command: The words of the command line that export from this study.
    """
    exported = read_exported(folder)
    if file := file_to_ship(exported):
        write_whole(folder / LOADING, loading_program(exported, file))
    write_whole(folder / CARD, card(exported, folder, command))
