"""Images, CIFAR-10's batches and files of weights of any bytes: read or refused, and nothing in them is run."""

import hashlib
import io
import shutil
import tempfile
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import save
from small_cifar10 import pack, write_batches
from torch import nn

from paretopress.dataset.builders import DATASETS
from paretopress.dataset.split import SPLITS
from paretopress.errors import UserError
from paretopress.networks.weights import load_weights

SETTINGS = {
    "image_size": 32,
    "validation_fraction": 0.5,
    "split_seed": 0,
    "mean": [0.0] * 3,
    "std": [1.0] * 3,
}
MODES = {
    "PNG": "RGBA",
    "JPEG": "RGB",
    "BMP": "RGB",
    "TIFF": "RGB",
    "WEBP": "RGB",
    "PPM": "RGB",
    "GIF": "P",
    "AVIF": "RGB",
    "JPEG2000": "I;16",
}


def image_of(kind: str) -> bytes:
    file = io.BytesIO()
    Image.linear_gradient("L").resize((40, 36)).convert(MODES[kind]).save(file, kind)
    return file.getvalue()


IMAGES = {kind: image_of(kind) for kind in MODES}


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """The bytes with some of them changed, lost or put in."""
    changed = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        # The first bytes say what the rest is, so that half of the damage is there.
        place = draw(st.integers(0, min(len(changed), 200)) | st.integers(0, len(changed)))
        changed[place : place + draw(st.integers(0, 4))] = draw(st.binary(max_size=4))
    return bytes(changed[: draw(st.sampled_from([len(changed), len(changed) // 2]))])


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Two classes with the least images that can be split."""
    place = tmp_path_factory.mktemp("images")
    for name in ("train/a/1", "train/a/2", "train/b/1", "train/b/2", "test/a/1", "test/b/1"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / f"{name}.png").write_bytes(IMAGES["PNG"])
    return place


@given(
    st.sampled_from(list(IMAGES)).flatmap(lambda kind: damaged(IMAGES[kind]))
    | st.binary(max_size=100)
)
def test_an_image_of_any_bytes_is_read_or_named(folder, content):
    (folder / "train" / "a" / "1.png").write_bytes(content)
    try:
        splits = DATASETS["folder"](path=str(folder), **SETTINGS).splits
    except UserError as error:
        if "train/a/1.png: the image cannot be read" not in str(error):
            raise
    else:
        assert [splits[name].images.shape for name in SPLITS] == [(2, 3, 32, 32)] * 3


@pytest.fixture(scope="module")
def batches(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("cifar10")
    write_batches(place)
    return place


@settings(max_examples=settings.default.max_examples // 4)  # each packs an archive of 400 KB
@given(st.data())
def test_batches_of_any_bytes_are_read_or_refused(batches, data):
    with tempfile.TemporaryDirectory() as place:
        inside = Path(
            shutil.copytree(batches / "cifar-10-batches-py", Path(place) / "cifar-10-batches-py")
        )
        file = inside / data.draw(st.sampled_from(["data_batch_1", "test_batch", "batches.meta"]))
        file.write_bytes(data.draw(damaged(file.read_bytes()) | st.binary(max_size=60)))
        archive = pack(Path(place))
        try:
            splits = DATASETS["cifar10"](
                path=str(archive),
                checksum=hashlib.sha256(archive.read_bytes()).hexdigest(),
                **SETTINGS,
            ).splits
        except UserError as error:
            if archive.name not in str(error) and "cannot be held out" not in str(error):
                raise
        else:
            assert len(splits["test"].classes) == 10


def small() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


def pickled(content: object) -> bytes:
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


STATE = dict(small().state_dict())
WEIGHTS = {
    ".pt": pickled(STATE),
    ".pth": pickled({"state_dict": STATE, "epoch": 3}),
    ".safetensors": save(STATE),
}


def loaded(content: bytes, suffix: str) -> nn.Module | None:
    """The network with the weights in a file of these bytes; None where it is refused."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / f"weights{suffix}"
        file.write_bytes(content)
        network = small()
        try:
            load_weights(network, file)
        except UserError as error:
            if file.name not in str(error):
                raise
            return None
        return network


@given(st.sampled_from(list(WEIGHTS)), st.data())
def test_weights_of_any_bytes_are_read_or_refused(suffix, data):
    content = data.draw(damaged(WEIGHTS[suffix]) | st.binary(max_size=60))
    network = loaded(content, data.draw(st.sampled_from([suffix, *WEIGHTS])))
    assert network is None or network(torch.zeros(1, 3)).shape == (1, 2)


SHAPES = [(4, 3), (4,), (2, 4), (2,), (), (0,)]
TENSORS = st.sampled_from(
    [
        torch.zeros(shape, dtype=kind)
        for shape in SHAPES
        for kind in (
            torch.float32,
            torch.float64,
            torch.int8,
            torch.bool,
            torch.bfloat16,
            torch.complex64,
        )
    ]
    + [
        torch.zeros(1).expand(10**12),
        torch.zeros(4, 3).to_sparse(),
        torch.zeros(4, 3, device="meta"),
        torch.full((4, 3), float("nan")),
    ]
    + [torch.quantize_per_tensor(torch.zeros(4, 3), 0.1, 0, torch.qint8)]
)


@given(
    st.dictionaries(
        st.sampled_from([*STATE, "other", "", "module.0.weight"]) | st.integers(),
        TENSORS | st.none() | st.text(max_size=3),
        max_size=4,
    ),
    st.booleans(),
)
def test_a_pickle_of_any_tensors_is_read_or_refused(changes, nested):
    content = {**STATE, **changes}
    network = loaded(pickled({"model": content} if nested else content), ".pt")
    assert network is None or network(torch.zeros(1, 3)).shape == (1, 2)


def test_the_files_are_what_they_are_taken_for():
    for suffix, content in WEIGHTS.items():
        network = loaded(content, suffix)
        assert network is not None
        assert all(torch.equal(value, STATE[key]) for key, value in network.state_dict().items())
