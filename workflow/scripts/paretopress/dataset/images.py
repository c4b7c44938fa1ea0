"""Read image files of any kind as squares of 8-bit RGB, and name those that cannot be read."""

import os
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from ..config.image_folders import by_suffix, suffix_of
from ..errors import UserError
from ..folders import Entry, shown
from .facts import MOST_BITS, Traits
from .splitting import Scaling, resized

# Without this list, Pillow would go by a file's content: Ghostscript would run an EPS file named
# 1.png. A photo of two pictures (MPO) is read as JPEG.
FORMATS = ("JPEG", "PNG", "PPM", "BMP", "TIFF", "WEBP", "GIF", "AVIF", "JPEG2000")
# Nothing at the beginning of a TGA file says what it is. So its name must.
TGA_SUFFIXES = (".tga", ".icb", ".vda", ".vst")
ADVICE = (
    f"Readable are {', '.join(FORMATS)}, and TGA by its suffix. "
    "Convert others, such as HEIC or SVG, to PNG."
)
# From this size on, Pillow warns of a decompression bomb. Reading takes a few bytes a pixel.
MOST_PIXELS = 89_478_485
LONGEST_REASON = 300
MOST_SUFFIXES = 5
# Modes of one channel with 16 bits, and formats in which a channel of mode I has 16 bits.
SIXTEEN_BITS = ("I;16", "I;16B", "I;16L", "I;16N")
AT_MOST_SIXTEEN_BITS = ("PNG", "PPM")
PHOTOMETRIC, WHITE_IS_ZERO = 262, 0  # TIFF's tag PhotometricInterpretation, and a value of it


class Unusable(ValueError):
    """The reason why an image cannot be used."""


@cache
def image_suffixes() -> frozenset[str]:
    """The suffixes, in lower case, that Pillow knows of the formats that are read."""
    formats = {*FORMATS, "TGA", "MPO"}
    known = Image.registered_extensions().items()
    return frozenset(suffix for suffix, name in known if name in formats)


def _rawmode(image: Image.Image) -> str:
    """How Pillow says that pixels lie in the file, such as "RGB;16B"; it is gone after loading."""
    return str([tile[3] for tile in getattr(image, "tile", [])])


def _several_frames(image: Image.Image) -> bool:
    try:
        return getattr(image, "is_animated", False)
    except Exception:  # the second frame is damaged, which changes no pixel of the first
        return False


def _turned(image: Image.Image) -> bool:
    """Whether an image has an EXIF orientation. Pillow turns a TIFF by it, and no other image."""
    if image.format == "TIFF":
        return False
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1) != 1
    except Exception:  # damaged EXIF data changes no pixel
        return False


def _eight_bits(image: Image.Image, rawmode: str) -> tuple[Image.Image, int]:
    """An image with 8 bits per channel, and the bits of its largest value if it had 16 in one.

    Raises Unusable if it has numbers of no known range.
    """
    if image.mode == "La":
        return image.convert("LA"), 0  # Pillow converts it to nothing else.
    if image.mode not in (*SIXTEEN_BITS, "I", "F"):
        return image, 0
    if image.mode == "F" or (image.mode == "I" and image.format not in AT_MOST_SIXTEEN_BITS):
        numbers = "floating-point numbers" if image.mode == "F" else "signed or 32-bit integers"
        raise Unusable(
            f"its pixels are {numbers}, which have no known range; "
            "scale them to 0 to 255 and save them with 8 bits"
        )
    values: np.ndarray = np.asarray(image).astype(np.uint16)
    if twelve := "I;12" in rawmode:
        values = (values << 4) | (values >> 8)  # 0 to 4095 become 0 to 65535
    if image.format == "TIFF" and getattr(image, "tag_v2", {}).get(PHOTOMETRIC) == WHITE_IS_ZERO:
        values = np.invert(values)  # Pillow does so for 8 bits, and not for 16.
    bits = MOST_BITS if twelve else max(1, int(values.max()).bit_length())
    # The nearest whole number to value / 257, without a larger type: images can be large.
    scaled = ((values - (values >> 8) + 128) >> 8).astype(np.uint8)
    return Image.fromarray(scaled), bits


def read_image(path: str, scaling: Scaling) -> tuple[np.ndarray, Traits]:
    """Read an image file as a square of 8-bit RGB.

    Channels of 16 bits are scaled to 8. An image of several frames gives the first one.
    Transparency and an EXIF orientation are ignored, as torchvision ignores them.

    Args:
        path: The file.
        scaling: The size of the square.

    Returns:
        uint8 array of shape (image_size, image_size, 3), and what the image was before.

    Raises:
        Exception: The image cannot be read, has more than MOST_PIXELS, or has numbers of no known
            range. On damaged bytes Pillow's readers raise almost anything.
    """
    formats = (*FORMATS, "TGA") if suffix_of(path) in TGA_SUFFIXES else FORMATS
    # More than MOST_PIXELS is an error below. Pillow's other warnings change no pixel.
    with warnings.catch_warnings(action="ignore"), Image.open(path, formats=formats) as image:
        width, height = image.size
        shorter = scaling.shorter_side
        scaled = max(image.size) * shorter * shorter / min(image.size)
        if max(width * height, scaled) > MOST_PIXELS:
            raise Unusable(
                f"it has {width} x {height} pixels; allowed are {MOST_PIXELS:,}, "
                f"also when scaled to a shorter side of {shorter}"
            )
        frames = _several_frames(image)
        # Reading alone ignores the checksums of a PNG. A verified image must be opened again.
        image.verify()
        with Image.open(path, formats=formats) as verified:
            mode, rawmode = verified.mode, _rawmode(verified)
            plain, bits = _eight_bits(verified, rawmode)
            pixels = resized(plain, scaling)
            return pixels, Traits(
                format=str(verified.format),
                mode=mode,
                turned=_turned(verified),
                transparent=verified.has_transparency_data,
                frames=frames,
                deep=bits > 0 or ";16" in rawmode,
                bits=bits,
                enlarged=min(width, height) < shorter,
                cropped=width != height,
            )


def _reason(entry: Entry, error: Exception) -> str:
    """Why an image cannot be read, on one line."""
    if isinstance(error, UnidentifiedImageError):
        empty = os.path.getsize(entry.path) == 0
        unknown = "it has no format, or no kind of pixels, that can be read"
        return "the file is empty" if empty else unknown
    told = " ".join(str(error).split())[:LONGEST_REASON]
    return told or type(error).__name__


def _refusal(root: Path, problems: Sequence[tuple[Entry, str]]) -> UserError:
    """The error that counts the unreadable files by suffix, and has the first of each."""
    first: dict[str, str] = {}
    for entry, reason in sorted(problems, key=lambda problem: problem[0].path):
        name = shown(os.path.relpath(entry.path, root))
        first.setdefault(suffix_of(entry.name), f"{name}: the image cannot be read ({reason}).")
    if len(problems) == 1:
        (line,) = first.values()
        return UserError(f"{line} Replace the file or remove it. {ADVICE}")
    counts = Counter(suffix_of(entry.name) for entry, _ in problems)
    listed = "\n".join(list(first.values())[:MOST_SUFFIXES])
    return UserError(
        f"{len(problems)} files of classes are no images that can be read: {by_suffix(counts)}. "
        f"The first of each kind:\n{listed}\nReplace the files or remove them. {ADVICE}"
    )


def read_images(
    root: Path, splits: Iterable[Sequence[Entry]], scaling: Scaling, samples: Iterable[Entry] = ()
) -> list[tuple[np.ndarray, Counter[Traits]]]:
    """Read the images of several splits.

    Args:
        root: The folder in which messages name files.
        splits: The files of each split.
        scaling: The size of the squares.
        samples: Files that must be readable too, and are not kept.

    Returns:
        For each split the pixels, uint8 of shape (images, image_size, image_size, 3), and the
        traits with the number of images that have them.

    Raises:
        UserError: Files cannot be read. The message counts them by suffix.
    """
    problems: dict[str, tuple[Entry, str]] = {}  # a sample may be one of the images too

    def read(entry: Entry) -> tuple[np.ndarray | int, Traits | None]:
        try:
            if entry.kind == "broken link":
                raise Unusable(f"a link to {shown(os.readlink(entry.path))}, which is not there")
            if entry.kind != "file":
                raise Unusable("it is no file")
            return read_image(entry.path, scaling)
        except Exception as error:  # on damaged bytes Pillow's readers raise almost anything
            problems[entry.path] = (entry, _reason(entry, error))
            return 0, None

    images = []
    side = scaling.image_size
    for files in splits:
        pixels = np.empty((len(files), side, side, 3), dtype=np.uint8)
        traits: Counter[Traits] = Counter()
        for index, entry in enumerate(files):
            pixels[index], found = read(entry)
            traits.update([found] if found else [])
        images.append((pixels, traits))
    for entry in samples:
        read(entry)
    if problems:
        raise _refusal(root, list(problems.values()))
    return images
