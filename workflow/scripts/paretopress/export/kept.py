"""Exports that are there already: whether they stay, and their choices."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from ..config.export import Choice
from ..jobs.provenance import Damaged, record_files, verified
from .card import CARD, LOADING, TIMES, write_card
from .chosen import Row
from .exported import DESIGN_FILE, Exported, made_for, read_exported, write_exported
from .source import Source

TEXTS = (DESIGN_FILE, CARD, LOADING)


def record(source: Source, files: Iterable[Path]) -> None:
    """Record files of an export, so that `paretopress verify` notices what changes in them."""
    names = [str(file) for file in sorted(files)]
    wildcards = {"network": source.network}
    record_files(source.results, names, "export", wildcards, {}, source.read, [])


def _whole(source: Source, files: Iterable[Path]) -> bool:
    """Whether files of an export are there, and what was written."""
    try:
        verified(source.results, map(str, files))
    except (Damaged, FileNotFoundError):
        return False
    return True


def made_before(source: Source) -> Iterator[Exported]:
    """Yield the exports that are there, made of the same things."""
    for file in sorted(source.folder.glob(f"*/{DESIGN_FILE}")):
        if made_for(file.parent) == source.same_for and _whole(source, [file]):
            yield read_exported(file.parent)


def kept(source: Source, before: Exported | None, row: Row) -> Exported | None:
    """An export that is there, if it is of this row, and nothing of it has changed since."""
    if before is None or before.searched_accuracy != row["accuracy"]:
        return None
    folder = source.folder / before.name
    if not _whole(source, [folder / name for name in (*before.files, TIMES)]):
        source.say(f"{folder}: changed since it was made, so it is made again")
        return None
    source.say(f"{folder}: already there, made from the same files")
    return before


def chosen(
    source: Source, exported: Exported, choice: Choice, passed: Mapping[str, float]
) -> Exported:
    """Add a choice to an export whose folder is written. Choices from other tables are left out."""
    folder, same = source.folder / exported.name, exported.chosen_from == source.chosen_from
    choices = list(exported.choices) if same else []
    if not choices or choice.word != exported.design_id:  # an id says less than what stands there
        choices.append(str(choice))
    more = replace(
        exported,
        choices=list(dict.fromkeys(choices)),
        passed_over={**(exported.passed_over if same else {}), **passed},
        chosen_from=source.chosen_from,
    )
    write_exported(more, folder)
    write_card(folder, source.command)
    record(source, filter(Path.is_file, (folder / name for name in TEXTS)))
    return more
