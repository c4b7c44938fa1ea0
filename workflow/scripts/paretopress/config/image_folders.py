"""The layout of a folder of images, SPLIT/CLASS/IMAGE: the names of splits, and what is missing."""

import os
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import UserError
from ..folders import Entry, entries, left_behind, shown

ZIP = (".zip",)
TAR = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
# The names of a split's folder, in any case of letters. The first one is that of the split.
SPLITS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val"),
    "test": ("test", "testing"),
}
SPLIT_OF = {name: split for split, names in SPLITS.items() for name in names}
NEEDED = ("train", "test")
MOST_NAMES = 10
WANTED = (
    "A dataset of kind 'folder' has the layout SPLIT/CLASS/IMAGE: train/cat/1.jpg, test/cat/2.jpg, "
    "and validation/cat/3.jpg where you have your own validation images. These names are taken for "
    f"splits: {', '.join(SPLIT_OF)}."
)


@dataclass(frozen=True)
class Layout:
    """A folder of images as its two upper levels show it.

    Attributes:
        splits: The folder of each split that is there: train, test and, optionally, validation.
        classes: The classes, sorted. Every split has a folder for each.
        left_out: What is neither a split nor a class, by path or pattern, with its count. A name
            of a folder ends with "/".
        passed_over: What systems have left there, by name or pattern, with its count.
        shared: The folders of splits and classes that links make the same as one before, by name
            with the name of that one.
    """

    splits: Mapping[str, Path]
    classes: tuple[str, ...]
    left_out: Mapping[str, int]
    passed_over: Mapping[str, int]
    shared: Mapping[str, str]


def is_archive(path: str | Path) -> bool:
    """Tell whether the name of a file is that of a zip or tar archive."""
    return str(path).lower().endswith(ZIP + TAR)


def suffix_of(path: str | Path) -> str:
    """The suffix of a file in lower case, with its dot; "" if it has none."""
    return os.path.splitext(path)[1].lower()


def by_suffix(counts: Mapping[str, int]) -> str:
    """Say how many files have which suffix: "10 x .txt, 2 without suffix"."""
    return ", ".join(
        f"{count} x {shown(suffix)}" if suffix else f"{count} without suffix"
        for suffix, count in sorted(
            counts.items(), key=lambda item: (-item[1], not item[0], item[0])
        )
    )


def _listed(names: Iterable[str], none: str) -> str:
    every = [shown(name) for name in names]
    more = [f"and {len(every) - MOST_NAMES} more"] if len(every) > MOST_NAMES else []
    return ", ".join([*every[:MOST_NAMES], *more]) or none


def _found(folder: Path) -> tuple[list[Entry], list[Entry], Counter[str]]:
    """The folders of a folder, its other entries, and what systems have left there."""
    folders: list[Entry] = []
    others: list[Entry] = []
    passed_over = Counter[str]()
    for entry in entries(folder):
        if entry.kind == "broken link":
            raise UserError(
                f"{shown(entry.path)}: a link to {shown(os.readlink(entry.path))}, which is not "
                "there. Bring it back, or remove the link."
            )
        if entry.kind == "left behind":
            passed_over[str(left_behind(entry.name))] += 1
        else:
            (folders if entry.kind == "folder" else others).append(entry)
    return folders, others, passed_over


def _splits(folders: Iterable[Entry]) -> dict[str, Path]:
    """The folders of splits among others; an error if two of them are the same split."""
    found: dict[str, Path] = {}
    for entry in folders:
        split = SPLIT_OF.get(entry.name.casefold())
        if split in found:
            raise UserError(
                f"{found[split].name}/ and {entry.name}/ are both the split {split} by their names. "
                "Allowed: one folder for each split. Put them together, or rename one of them, "
                "such as to unused/."
            )
        if split:
            found[split] = Path(entry.path)
    return {split: found[split] for split in SPLITS if split in found}


def _left_out(place: str, folders: Iterable[Entry], files: Iterable[Entry]) -> dict[str, int]:
    """Folders by name, and files by name, or by suffix where several have the same."""
    named = defaultdict(list)
    for file in files:
        named[suffix_of(file.name)].append(file.name)
    return {f"{place}{folder.name}/": 1 for folder in folders} | {
        place + (names[0] if len(names) == 1 else f"*{suffix}"): len(names)
        for suffix, names in named.items()
    }


def _check_names(classes: Iterable[str]) -> None:
    """Raise UserError for a name that is no text, or two names that some file systems confuse."""
    alike = defaultdict(list)
    for name in sorted(classes):
        if not name.isprintable():
            raise UserError(
                f"the class {name!r} has no printable name. "
                "Allowed: text in UTF-8 without control characters."
            )
        alike[unicodedata.normalize("NFC", name).casefold()].append(name)
    for names in alike.values():
        if len(names) > 1:
            raise UserError(
                f"the classes {' and '.join(map(ascii, names))} "
                "differ in upper and lower case, or in how an accent is written, "
                "and are one folder on other machines. "
                "Allowed: names that differ in more; rename one of them, or put them together."
            )


def _check_classes(found: Mapping[str, set[str]]) -> None:
    """Raise UserError if the folders of the splits, by name, have not all the same classes."""
    classes = set.union(*found.values())
    _check_names(classes)
    for name in sorted(classes):
        having = [folder for folder in found if name in found[folder]]
        if len(having) < len(found):
            lacking = [folder for folder in found if folder not in having]
            raise UserError(
                f"the class {name!r} stands in {' and '.join(having)} "
                f"but not in {' and '.join(lacking)}. Every split needs the same classes: "
                f"add {lacking[0]}/{name}/ with images, or remove {having[0]}/{name}/."
            )
    if len(classes) < 2:
        raise UserError(
            "fewer than two classes found. A class is a folder of images: train/CLASS/IMAGE."
        )


def _shared(splits: Iterable[Path], classes: Iterable[str]) -> dict[str, str]:
    """The folders that links make the same as one before, by name with the name of that one."""
    seen: dict[str, str] = {}
    shared: dict[str, str] = {}
    for place in splits:
        whole = seen.setdefault(os.path.realpath(place), f"{place.name}/")
        if whole != f"{place.name}/":
            shared[f"{place.name}/"] = whole
            continue
        for name in classes:
            own = f"{place.name}/{name}/"
            first = seen.setdefault(os.path.realpath(place / name), own)
            if first != own:
                shared[own] = first
    return shared


def layout(folder: Path) -> Layout:
    """Find the splits and classes of a folder of images.

    Only the two upper levels are looked at. Links are followed. The splits lie in the folder, or in
    the only folder in it.

    Args:
        folder: The folder.

    Returns:
        What lies where.

    Raises:
        UserError: A split or a class is missing, or is there twice, or a name cannot be used. Or a
            link leads to nothing. The message does not begin with the folder.
    """
    outer = _found(folder)
    levels = [outer, *([_found(Path(outer[0][0].path))] if len(outer[0]) == 1 else [])]
    splits = [_splits(folders) for folders, _, _ in levels]
    level = max(range(len(levels)), key=lambda at: len(set(NEEDED) & set(splits[at])))
    missing = [f"{split}/" for split in NEEDED if split not in splits[level]]
    if missing:
        names = [f"{entry.name}/" for entry in levels[level][0]]
        raise UserError(
            f"no folder{'s' if len(missing) > 1 else ''} {' and '.join(missing)} in it "
            f"(found: {_listed(names, 'no folder')}). {WANTED}"
        )
    left_out, passed_over = Counter[str](), Counter[str]()
    for folders, files, litter in levels[: level + 1]:
        own = [] if folders is not levels[level][0] else folders
        left_out.update(
            _left_out("", [one for one in own if one.name.casefold() not in SPLIT_OF], files)
        )
        passed_over.update(litter)
    found = {}
    for path in splits[level].values():
        folders, files, litter = _found(path)
        found[path.name] = {entry.name for entry in folders}
        left_out.update(_left_out(f"{path.name}/", [], files))
        passed_over.update(litter)
    _check_classes(found)
    classes = tuple(sorted(set.union(*found.values())))
    shared = _shared(splits[level].values(), classes)
    return Layout(splits[level], classes, dict(left_out), dict(passed_over), shared)
