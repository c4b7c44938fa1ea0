"""The format of a file of weights, told by its first bytes. Its suffix says nothing."""

import zipfile
from pathlib import Path

SAFETENSORS, PYTORCH = "safetensors", "PyTorch"
WANTED = "a safetensors file, or what torch.save(network.state_dict(), PATH) writes"
ZIP, PICKLE = b"PK\x03\x04", b"\x80"
# What people give instead: how it begins, at which byte, what it is and what to do.
OTHERS = (
    (b"\x1f\x8b", 0, "compressed by gzip: unpack it"),
    (b"BZh", 0, "compressed by bzip2: unpack it"),
    (b"\xfd7zXZ", 0, "compressed by xz: unpack it"),
    (b"\x28\xb5\x2f\xfd", 0, "compressed by zstd: unpack it"),
    (b"ustar", 257, "a tar archive: unpack it and give the file in it"),
    (b"\x89HDF", 0, "an HDF5 file, as Keras writes: convert it to a state dict of PyTorch"),
    (b"GGUF", 0, "a GGUF file: convert it to a state dict of PyTorch"),
    (b"\x93NUMPY", 0, "an array of NumPy: convert it to a state dict of PyTorch"),
    (b"version https://git-lfs", 0, "only a pointer of Git LFS: fetch the file by git lfs pull"),
    (b"<!doctype", 0, "a web page: fetch the file itself"),
    (b"<html", 0, "a web page: fetch the file itself"),
)
FIRST = 512  # bytes


def _is_safetensors(path: Path, begin: bytes) -> bool:
    length = int.from_bytes(begin[:8], "little")
    return begin[8:9] == b"{" and 0 < length <= path.stat().st_size - 8


def _check_zip(path: Path) -> None:
    """Raise ValueError for a zip archive that torch.save did not write."""
    try:
        with zipfile.ZipFile(path) as file:
            names = file.namelist()
    except Exception as error:  # on damaged bytes zipfile raises almost anything
        raise ValueError(f"a damaged zip archive ({error}). Fetch the file again") from error
    inside = {name.partition("/")[2] for name in names}
    if "constants.pkl" in inside or any(name.startswith("code/") for name in inside):
        raise ValueError(
            "a TorchScript archive, which holds code, and no code in it was run. Write its "
            "weights: torch.save(torch.jit.load(PATH).state_dict(), NEW)"
        )
    if "data.pkl" not in inside:
        shown = ", ".join(sorted(names)[:3]) or "nothing"
        raise ValueError(f"a zip archive that torch.save did not write: it holds {shown}")


def format_of(path: Path) -> str:
    """Tell the format of a file of weights by its content. Nothing in it is run.

    Args:
        path: The file.

    Returns:
        SAFETENSORS or PYTORCH.

    Raises:
        ValueError: The file is neither. The message says what it is and what to do.
    """
    try:
        with open(path, "rb") as file:
            begin = file.read(FIRST)
        if _is_safetensors(path, begin):
            return SAFETENSORS
        if begin.startswith(ZIP):
            _check_zip(path)
            return PYTORCH
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from error
    if not begin:
        raise ValueError("empty")
    for known, place, what in OTHERS:
        if begin[place:].lower().startswith(known.lower()):
            raise ValueError(what)
    if begin.startswith(PICKLE):
        return PYTORCH
    if path.suffix.lower() == ".safetensors":
        return SAFETENSORS  # damaged; the library says how
    raise ValueError("no file of weights: it begins like no format of them")
