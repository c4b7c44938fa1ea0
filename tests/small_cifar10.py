"""CIFAR-10 in its real format, with random images and few of them."""

import pickle
import shutil
from pathlib import Path

import numpy as np

CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
BATCHES = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]


def write_batches(folder: Path) -> dict[str, dict]:
    """Writes cifar-10-batches-py into `folder`: 2 images of each class in each batch. Returns what is in each file."""
    random = np.random.default_rng(0)
    contents = {
        name: {
            "batch_label": name,
            "labels": random.permutation(np.repeat(np.arange(10), 2)).tolist(),
            "data": random.integers(0, 256, (20, 3072), dtype=np.uint8),
            "filenames": [f"{name}_{number}.png" for number in range(20)],
        }
        for name in BATCHES
    }
    contents["batches.meta"] = {"num_cases_per_batch": 20, "label_names": CLASSES, "num_vis": 3072}
    (folder / "cifar-10-batches-py").mkdir(parents=True)
    for name, content in contents.items():
        (folder / "cifar-10-batches-py" / name).write_bytes(pickle.dumps(content, protocol=2))
    return contents


def pack(folder: Path) -> Path:
    """Packs the cifar-10-batches-py in `folder`."""
    return Path(
        shutil.make_archive(str(folder / "cifar-10-python"), "gztar", folder, "cifar-10-batches-py")
    )
