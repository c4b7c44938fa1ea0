"""Images of every format, depth and mode: read by their content and range, or refused by name."""

import io
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from paretopress.dataset.builders import DATASETS
from paretopress.dataset.facts import Dataset, notes
from paretopress.errors import UserError
from paretopress.torchvision_operators import torchvision

SIDE = 32
SETTINGS = {
    "image_size": SIDE,
    "validation_fraction": 0.5,
    "split_seed": 0,
    "mean": [0.0] * 3,
    "std": [1.0] * 3,
}
# Every value of 16 bits is one of 64 steps, in the order of a random permutation.
VALUES = (
    np.random.default_rng(0).permutation(SIDE * SIDE).reshape(SIDE, SIDE) * 65535 // (SIDE**2 - 1)
).astype(np.uint16)
COLORS = np.random.default_rng(1).integers(0, 256, (SIDE, SIDE, 4), dtype=np.uint8)


@pytest.fixture
def images(tmp_path) -> Path:
    """Two classes: train/ and test/ of black images."""
    for name in ("train/a/1", "train/a/2", "train/b/1", "train/b/2", "test/b/1"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (SIDE, SIDE)).save(tmp_path / f"{name}.png")
    (tmp_path / "test" / "a").mkdir()
    return tmp_path


def read(images: Path, **settings: object) -> Dataset:
    return DATASETS["folder"](path=str(images), **SETTINGS | settings)


def only(images: Path, content: bytes, name: str = "it.png") -> tuple[np.ndarray, Dataset]:
    """The pixels of the only image of test/a, and the dataset."""
    (images / "test" / "a" / name).write_bytes(content)
    dataset = read(images)
    return dataset.splits["test"].images[0].permute(1, 2, 0).numpy(), dataset


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def tiff(
    values: np.ndarray, bits: int, photometric: int = 1, kind: int = 1, packed: bytes | None = None
) -> bytes:
    """A plain TIFF with one strip. Its byte order is that of `values`."""
    order = values.dtype.newbyteorder("=") != values.dtype and values.dtype.itemsize > 1
    mark, sign = (b"MM", ">") if order else (b"II", "<")
    content = packed or values.tobytes()
    channels = 1 if values.ndim == 2 else values.shape[2]
    tags = [(256, values.shape[1]), (257, values.shape[0])]
    tags += [(258, bits)] if channels == 1 else [(258, 8)]
    tags += [(259, 1), (262, photometric), (273, 0), (277, channels), (278, values.shape[0])]
    tags += [(279, len(content)), (339, kind)]
    start = 8 + 2 + 12 * len(tags) + 4
    entries = b""
    for tag, value in tags:
        if tag == 258 and channels > 1:
            entries += struct.pack(f"{sign}HHII", tag, 3, channels, start)
            continue
        value = start + 2 * channels * (channels > 1) if tag == 273 else value
        entries += struct.pack(f"{sign}HHII", tag, 4, 1, value)
    widths = struct.pack(f"{sign}{channels}H", *[bits] * channels) if channels > 1 else b""
    header = mark + struct.pack(f"{sign}HI", 42, 8) + struct.pack(f"{sign}H", len(tags))
    return header + entries + struct.pack(f"{sign}I", 0) + widths + content


def png(values: np.ndarray, color: int) -> bytes:
    """A PNG of 16 bits per channel."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        crc = zlib.crc32(kind + content)
        return struct.pack(">L", len(content)) + kind + content + struct.pack(">L", crc)

    header = struct.pack(">LLBBBBB", values.shape[1], values.shape[0], 16, color, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def twelve_bits(values: np.ndarray) -> bytes:
    """Values of 12 bits, two of them in three bytes."""
    first, second = values.ravel()[::2].astype(int), values.ravel()[1::2].astype(int)
    packed = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], axis=1)
    return packed.astype(np.uint8).tobytes()


GREY = Image.fromarray(VALUES)
TWELVE = VALUES >> 4
DEEP_GREY = {
    "PNG": (saved(GREY, "PNG"), VALUES / 257),
    "TIFF": (saved(GREY, "TIFF"), VALUES / 257),
    "TIFF, packed": (saved(GREY, "TIFF", compression="tiff_lzw"), VALUES / 257),
    "TIFF, big-endian": (tiff(VALUES.astype(">u2"), 16), VALUES / 257),
    "TIFF, white is 0": (tiff(VALUES.astype("<u2"), 16, photometric=0), 255 - VALUES / 257),
    "TIFF, 12 bits": (tiff(TWELVE, 12, packed=twelve_bits(TWELVE)), TWELVE / 4095 * 255),
    "JPEG 2000": (saved(GREY, "JPEG2000"), VALUES / 257),
    "PGM": (saved(GREY, "PPM"), VALUES / 257),
    "PGM, 12 bits": (b"P5 32 32 4095\n" + TWELVE.astype(">u2").tobytes(), TWELVE / 4095 * 255),
    "PGM, text": (b"P2 32 32 65535\n" + " ".join(map(str, VALUES.ravel())).encode(), VALUES / 257),
}


@pytest.mark.parametrize("kind", DEEP_GREY)
def test_one_channel_of_16_or_12_bits_is_read_by_its_range(images, kind):
    content, expected = DEEP_GREY[kind]
    pixels, dataset = only(images, content)
    assert np.abs(pixels.astype(float) - expected[..., None]).max() <= 0.51
    facts = dataset.facts.splits["test"]
    assert facts.sixteen_bits_scaled == 1
    assert "1 of 6 images have 16 bits per channel. They were scaled to 8 bits." in notes(
        dataset.facts
    )
    assert not any("dark" in note for note in notes(dataset.facts))


RGB16 = np.stack([VALUES, VALUES.T, VALUES[::-1]], axis=2)
ALPHA16 = np.full((SIDE, SIDE, 1), 40_000, dtype=np.uint16)
DEEP_COLOR = {
    "PNG": png(RGB16, 2),
    "PNG, alpha": png(np.concatenate([RGB16, ALPHA16], axis=2), 6),
    "PNG, grey and alpha": png(np.concatenate([VALUES[..., None], ALPHA16], axis=2), 4),
    "PPM": b"P6 32 32 65535\n" + RGB16.astype(">u2").tobytes(),
    "TIFF": tiff(RGB16, 16, photometric=2),
    "TIFF, big-endian": tiff(RGB16.astype(">u2"), 16, photometric=2),
}


@pytest.mark.parametrize("kind", DEEP_COLOR)
def test_color_of_16_bits_is_read_with_8(images, kind):
    pixels, dataset = only(images, DEEP_COLOR[kind])
    expected = RGB16 if "grey" not in kind else VALUES[..., None].repeat(3, axis=2)
    assert np.abs(pixels - expected / 257).max() <= 1
    assert dataset.facts.splits["test"].transparency_ignored == ("alpha" in kind)
    if kind != "PPM":
        assert dataset.facts.splits["test"].sixteen_bits_scaled == 1


def test_16_bits_of_a_dark_camera_are_named(images):
    _, dataset = only(images, saved(Image.fromarray(TWELVE), "PNG"))
    (note,) = [note for note in notes(dataset.facts) if "dark" in note]
    assert "The images of 16 bits use at most 12 of them" in note


NO_RANGE = {
    "TIFF of floats": saved(Image.fromarray(VALUES.astype(np.float32)), "TIFF"),
    "TIFF of 32-bit integers": saved(Image.fromarray(VALUES.astype(np.int32)), "TIFF"),
    "TIFF of 32-bit unsigned integers": tiff(VALUES.astype("<u4"), 32),
    "TIFF of signed 16-bit integers": tiff(VALUES.astype("<i2"), 16, kind=2),
    "PFM": b"Pf\n32 32\n-1.0\n" + VALUES.astype("<f4").tobytes(),
}


@pytest.mark.parametrize("kind", NO_RANGE)
def test_numbers_without_a_known_range_are_refused(images, kind):
    with pytest.raises(
        UserError,
        match=r"test/a/it\.png: the image cannot be read \(its pixels are (floating-point numbers|"
        r"signed or 32-bit integers), which have no known range; scale them to 0 to 255",
    ):
        only(images, NO_RANGE[kind])


RGBA = Image.fromarray(COLORS)
PALETTE = RGBA.convert("RGB").quantize(16)
MODES = {
    "1": saved(RGBA.convert("1"), "PNG"),
    "L": saved(RGBA.convert("L"), "PNG"),
    "P": saved(PALETTE, "PNG", transparency=bytes(range(16))),
    "LA": saved(RGBA.convert("LA"), "PNG"),
    "RGBA": saved(RGBA, "PNG"),
    "CMYK": saved(RGBA.convert("CMYK"), "JPEG"),
    "YCbCr": saved(RGBA.convert("YCbCr"), "TIFF"),
    "LAB": saved(RGBA.convert("RGB").convert("LAB"), "TIFF"),
    "PA": saved(PALETTE.convert("PA"), "TIFF"),
}


@pytest.mark.parametrize("mode", MODES)
def test_other_modes_become_rgb_as_torchvision_reads_them_and_are_counted(images, mode):
    pixels, dataset = only(images, MODES[mode])
    with warnings.catch_warnings(action="ignore"):
        loaded = torchvision.datasets.folder.pil_loader(str(images / "test" / "a" / "it.png"))
    assert np.array_equal(pixels, np.asarray(loaded))
    assert dataset.facts.splits["test"].modes == {mode: 1}
    assert dataset.facts.splits["test"].transparency_ignored == (mode in ("P", "LA", "PA", "RGBA"))
    assert f"1 of 6 images are not RGB and were converted: {mode}." in notes(dataset.facts)


KINDS = {
    "AVIF": [".avif", ".AVIF"],
    "BMP": [".bmp"],
    "GIF": [".gif", ".Gif"],
    "JPEG": [".jpg", ".jpeg", ".jpe", ".jfif", ".JPG"],
    "JPEG2000": [".jp2", ".j2k"],
    "PNG": [".png", ".apng"],
    "PPM": [".ppm", ".pnm"],
    "TGA": [".tga", ".TGA"],
    "TIFF": [".tif", ".tiff"],
    "WEBP": [".webp"],
}


def test_every_format_is_read_by_its_content_whatever_its_name(images):
    color = Image.fromarray(COLORS[..., :3])
    folder, expected = images / "test" / "a", []
    for kind, suffixes in KINDS.items():
        misleading = [] if kind == "TGA" else ["", ".dat", ".1", ".png", ".jpg"]
        for suffix in [*suffixes, *misleading]:
            (folder / f"{len(expected)}{suffix}").write_bytes(saved(color, kind))
            expected.append(kind)
    (folder / "bits.pbm").write_bytes(saved(color.convert("1"), "PPM"))
    dataset = read(images)
    assert dataset.splits["test"].labels.tolist() == [0] * (len(expected) + 1) + [1]
    facts = dataset.facts.splits["test"]
    counts = {kind: expected.count(kind) for kind in KINDS}
    counts["PNG"] += 1
    counts["PPM"] += 1
    assert facts.formats == counts
    others = len(KINDS) - 1
    assert dataset.facts.other_suffixes == {"": others, ".dat": others, ".1": others}
    assert (
        "Files without the suffix of an image were read by their content: 9 x .1, 9 x .dat, "
        "9 without suffix." in notes(dataset.facts)
    )


def test_all_files_that_are_no_images_are_counted_by_suffix_at_once(images):
    for number in range(10):
        (images / "train" / "a" / f"{number}.TXT").write_text("a cat\n", encoding="utf-8")
    (images / "test" / "a" / "README").write_text("cats\n", encoding="utf-8")
    (images / "test" / "b" / "9.jpg").write_bytes(b"")
    with pytest.raises(UserError) as error:
        read(images)
    for part in (
        "12 files of classes are no images that can be read: 10 x .txt, 1 x .jpg, 1 without suffix.",
        "train/a/0.TXT: the image cannot be read (it has no format, or no kind of pixels, that can",
        "test/a/README: the image cannot be read",
        "test/b/9.jpg: the image cannot be read (the file is empty).",
        "Replace the files or remove them. Readable are JPEG, PNG, ",
        "such as HEIC",
    ):
        assert part in str(error.value)


@pytest.mark.parametrize(
    "content",
    [
        saved(Image.fromarray(COLORS), "TGA"),
        b"\0\0\2" + bytes(9) + struct.pack("<HH", 32, 32) + b"\x18\0" + bytes(32 * 32 * 3),
        saved(RGBA.convert("RGB"), "PCX"),
        saved(RGBA, "ICO"),
        saved(RGBA.convert("RGB"), "PDF"),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    ],
    ids=["TGA", "zeros", "PCX", "ICO", "PDF", "SVG"],
)
def test_what_has_no_mark_of_a_readable_format_is_refused(images, content):
    with pytest.raises(UserError, match=r"test/a/it\.png: the image cannot be read \(it has no fo"):
        only(images, content)


def frames(kind: str, **options: object) -> bytes:
    more = [Image.new("RGB", (SIDE, SIDE), color) for color in ("red", "blue")]
    first = Image.new("RGB", (SIDE, SIDE), "lime")
    return saved(first, kind, save_all=True, append_images=more, **options)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("GIF", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("PNG", {}),
        ("WEBP", {"lossless": True}),
        ("AVIF", {"quality": 100}),
        ("MPO", {"quality": 95}),
    ],
)
def test_the_first_of_several_frames_is_read_and_said(images, kind, options):
    pixels, dataset = only(images, frames(kind, **options))
    assert np.abs(pixels.astype(int) - [0, 255, 0]).max() <= 3
    assert dataset.facts.splits["test"].first_frame_read == 1
    assert "1 of 6 images have several frames or pages. The first one is read." in notes(
        dataset.facts
    )


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_an_orientation_is_ignored_as_in_torchvision_and_counted(images, kind):
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels, dataset = only(images, saved(Image.fromarray(COLORS[..., :3]), kind, exif=exif))
    path = str(images / "test" / "a" / "it.png")
    assert np.array_equal(pixels, np.asarray(torchvision.datasets.folder.pil_loader(path)))
    assert dataset.facts.splits["test"].exif_orientation_ignored == 1
    assert any("EXIF orientation. It is ignored" in note for note in notes(dataset.facts))


def test_a_tiff_is_turned_by_pillow_and_so_by_torchvision(images):
    image = Image.fromarray(COLORS[..., :3])
    pixels, dataset = only(images, saved(image, "TIFF", tiffinfo={0x0112: 3}))
    assert np.array_equal(pixels, COLORS[::-1, ::-1, :3])
    assert dataset.facts.splits["test"].exif_orientation_ignored == 0


def test_damaged_exif_data_changes_nothing(images):
    plain = saved(Image.fromarray(COLORS[..., :3]), "JPEG")
    damaged = saved(Image.fromarray(COLORS[..., :3]), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    pixels, _ = only(images, damaged)
    assert np.array_equal(pixels, np.asarray(Image.open(io.BytesIO(plain))))


def test_images_that_need_nothing_leave_no_note(images):
    pixels, dataset = only(images, saved(Image.fromarray(COLORS[..., :3]), "PNG"))
    assert np.array_equal(pixels, COLORS[..., :3])
    assert notes(dataset.facts) == []


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(640, 480), (333, 500), (257, 301), (60, 45), (224, 224), (5, 9)])
@pytest.mark.parametrize(("resize", "crop"), [(256, 224), (232, 224), (64, 64), (71, 33)])
def test_resize_gives_the_pixels_of_torchvisions_presets(images, interpolation, size, resize, crop):
    noise = np.random.default_rng(2).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    image.save(images / "test" / "a" / "it.png")
    scaling = {"image_size": crop, "resize": resize, "interpolation": interpolation}
    split = read(images, **scaling).splits["test"]
    preset = torchvision.transforms._presets.ImageClassification(
        crop_size=crop,
        resize_size=resize,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        interpolation=torchvision.transforms.InterpolationMode(interpolation),
    )
    assert torch.equal(split.images[0].float() / 255, preset(image))


@pytest.mark.parametrize("size", [(64, 48), (33, 50), (57, 31), (32, 32), (5, 9)])
def test_without_resize_the_shorter_side_is_scaled_to_the_square(images, size):
    noise = np.random.default_rng(2).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    pixels, _ = only(images, saved(image, "PNG"))
    width, height = (max(SIDE, round(side * SIDE / min(size))) for side in size)
    left, top = (width - SIDE) // 2, (height - SIDE) // 2
    square = image.resize((width, height), Image.Resampling.BILINEAR).crop(
        (left, top, left + SIDE, top + SIDE)
    )
    assert np.array_equal(pixels, np.asarray(square))


def test_what_is_enlarged_or_cut_off_is_counted(images):
    Image.new("RGB", (90, 20)).save(images / "test" / "a" / "it.png")
    facts = read(images).facts
    assert (facts.splits["test"].enlarged, facts.splits["test"].cropped) == (1, 1)
    assert any(note.startswith("1 of 6 images are smaller") for note in notes(facts))
