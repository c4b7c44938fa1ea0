"""Files of weights that mean harm: no code in them is run, and what their headers claim is not believed."""

import json
import pickle
import struct
import zipfile
from pathlib import Path
from unittest.mock import patch

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from paretopress.errors import UserError
from paretopress.networks.weights import load_weights


class Harmful:
    """Writes a file as soon as it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4))


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as error:
        load_weights(network(), path)
    assert path.name in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("suffix", [".pt", ".ckpt", ".safetensors", ""])
@pytest.mark.parametrize("place", ["value", "key", "beside", "alone"])
@pytest.mark.parametrize("zipped", [True, False])
def test_code_is_not_run(tmp_path, suffix, place, zipped):
    harm, state = Harmful(tmp_path / "ran"), network().state_dict()
    content = {
        "value": state | {"0.bias": harm},
        "key": state | {harm: 1},
        "beside": {"state_dict": state, "optimizer": harm},
        "alone": harm,
    }
    torch.save(content[place], tmp_path / f"w{suffix}", _use_new_zipfile_serialization=zipped)
    assert "no code in it was run" in refusal(tmp_path / f"w{suffix}")
    assert not (tmp_path / "ran").exists()


def test_a_checkpoint_that_holds_itself_ends(tmp_path):
    content = {"state_dict": network().state_dict()}
    content |= {str(number): content for number in range(1000)}
    torch.save(content, tmp_path / "w.pt")
    load_weights(network(), tmp_path / "w.pt")


def test_a_bare_pickle_is_not_run(tmp_path):
    (tmp_path / "w.pt").write_bytes(pickle.dumps(Harmful(tmp_path / "ran")))
    refusal(tmp_path / "w.pt")
    assert not (tmp_path / "ran").exists()


def test_a_network_with_its_code_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "w.pt", "w") as archive:  # as torch.jit.save lays it out
        for name, content in {
            "data.pkl": pickle.dumps(Harmful(tmp_path / "ran")),
            "code/a.py": b"x",
            "constants.pkl": b"\x80\x02).",
            "version": b"3\n",
        }.items():
            archive.writestr(f"w/{name}", content)
    refusal(tmp_path / "w.pt")
    assert not (tmp_path / "ran").exists()


def safetensors(
    path: Path, header: object, content: bytes = bytes(64), length: int | None = None
) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + content)
    return path


def tensor(shape: list[int], start: int, end: int, kind: str = "F32") -> dict:
    return {"dtype": kind, "shape": shape, "data_offsets": [start, end]}


@pytest.mark.parametrize(
    ("header", "length"),
    [
        ({}, 2**63 - 1),
        ({}, 2**40),
        ({"0.weight": tensor([4, 3], 0, 48), "0.bias": tensor([4], 40, 56)}, None),
        ({"0.weight": tensor([4, 3], 0, 48), "0.bias": tensor([4], 48, 2**50)}, None),
        ({"0.weight": tensor([2**40, 2**40], 0, 48), "0.bias": tensor([4], 48, 64)}, None),
        ({"0.weight": tensor([4, 3], 48, 0), "0.bias": tensor([4], 48, 64)}, None),
        ({"0.weight": tensor([4, 3], 0, 48, "OBJECT"), "0.bias": tensor([4], 48, 64)}, None),
        (b"{" * 5000, None),
        (b"\xff\xfe", None),
    ],
    ids=[
        "length",
        "longer than the file",
        "overlap",
        "beyond the end",
        "overflow",
        "backwards",
        "type",
        "nesting",
        "no text",
    ],
)
def test_a_header_is_not_believed(tmp_path, header, length):
    assert "cannot be read as a safetensors file" in refusal(
        safetensors(tmp_path / "w.safetensors", header, length=length)
    )


def test_the_good_header_is_good(tmp_path):
    load_weights(
        network(),
        safetensors(
            tmp_path / "w.safetensors",
            {"0.weight": tensor([4, 3], 0, 48), "0.bias": tensor([4], 48, 64)},
        ),
    )


def test_a_tensor_that_claims_more_entries_than_it_has_is_not_spread_out(tmp_path):
    torch.save(
        {"0.weight": torch.zeros(1).expand(10**6, 10**6), "0.bias": torch.zeros(4)},
        tmp_path / "w.pt",
    )
    assert "shape (1000000, 1000000), (4, 3) wanted" in refusal(tmp_path / "w.pt")


def test_complex_numbers_are_refused_in_safetensors_too(tmp_path):
    save_file(
        {"0.weight": torch.full((4, 3), 1j), "0.bias": torch.zeros(4)}, tmp_path / "w.safetensors"
    )
    assert "0.weight: complex64, float32 wanted" in refusal(tmp_path / "w.safetensors")


def test_a_packed_file_is_not_unpacked(tmp_path):
    torch.save(network().state_dict() | {"bomb": torch.zeros(10**6)}, tmp_path / "plain.pt")
    with (
        zipfile.ZipFile(tmp_path / "plain.pt") as plain,
        zipfile.ZipFile(tmp_path / "w.pt", "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for member in plain.namelist():
            packed.writestr(member, plain.read(member))
    assert (tmp_path / "w.pt").stat().st_size < 10**5
    with patch.object(torch, "load", side_effect=AssertionError("it is unpacked there")):
        assert "BadZipFile" in refusal(tmp_path / "w.pt")


@pytest.mark.parametrize(
    "weight",
    [
        torch.zeros(4, 3, device="meta"),
        torch.zeros(4, 3).to_sparse(),
        torch.zeros(4, 3, dtype=torch.complex64),
    ],
    ids=["meta", "sparse", "complex"],
)
def test_a_tensor_without_plain_numbers_is_refused(tmp_path, weight):
    torch.save({"0.weight": weight, "0.bias": torch.zeros(4)}, tmp_path / "w.pt")
    refusal(tmp_path / "w.pt")
