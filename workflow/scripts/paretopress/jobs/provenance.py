"""What each file of a study was made from: a record beside the results, written after the file and compared before the file is used.

The record of results/STUDY/FILE is results/STUDY/provenance/FILE.json. It is no declared output, so that Snakemake leaves it alone, and it
holds neither times nor anything of the machine: equal jobs with equal inputs write equal records.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePath
from typing import Any

from ..errors import UserError
from .digests import content_digest, file_digest
from .files import UNFINISHED, write_whole
from .sealed import Unreadable, sealed, unsealed
from .versions import versions

RECORDS = "provenance"
TIMES = "timings.csv"  # never the same twice, and nothing but times is made from them
SHOWN = 10
DIGITS = 12  # of a digest, in messages


class Damaged(UserError):
    """A file of a study is not what its job wrote."""


class Unrecorded(Damaged):
    """A file of a study has no record: nobody can tell whether it is whole. While its job still works on it, it is not."""


@dataclass(frozen=True)
class Record:
    """Where one file of a study comes from.

    file: its path within the results of the study. bytes, sha256: what it was when it was written.
    made_from: the SHA-256 of everything that its job read, by path.
    code: the code that counts, each module with its digest.
    """

    file: str
    bytes: int
    sha256: str
    rule: str
    wildcards: Mapping[str, str]
    params: Mapping[str, Any]
    made_from: Mapping[str, str]
    code: Sequence[str]
    versions: Mapping[str, str]


def study_folder(log: str | PurePath) -> Path:
    """The results of the study that a log belongs to: results/STUDY of results/STUDY/logs/..., after
    the prefix of a module."""
    parts = PurePath(log).parts
    (*_, end) = (i for i in range(2, len(parts)) if (parts[i - 2], parts[i]) == ("results", "logs"))
    return Path(*parts[:end])


def record_path(study: Path, file: Path) -> Path:
    return study / RECORDS / f"{file.relative_to(study)}.json"


def write_record(study: Path, file: Path, record: Record) -> None:
    """Writes the record of `file`, whole or not at all."""
    write_whole(record_path(study, file), sealed(asdict(record)))


def _cure(file: Path) -> str:
    return f"Remove {file}, have it made again (snakemake {file} --cores 1 --configfile ..., the file first), and go on."


def read_record(study: Path, file: Path) -> Record:
    """The record of `file`.

    Raises Unrecorded: there is none. Raises Damaged: it is not as it was written, or of another file.
    """
    path, unknown = (
        record_path(study, file),
        f"so that nobody can tell whether {file} is whole. {_cure(file)}",
    )
    try:
        record = Record(**unsealed(path.read_bytes()))
    except FileNotFoundError as error:
        elsewhere = f"A file of your own belongs elsewhere than under {study}."
        raise Unrecorded(f"{path}: no such file, {unknown} {elsewhere}") from error
    except Unreadable as error:
        raise Damaged(f"{path}: {error}, {unknown}") from error
    except (TypeError, RecursionError) as error:
        raise Damaged(f"{path}: damaged, {unknown}") from error
    if record.file != str(file.relative_to(study)):
        raise Damaged(f"{path}: the record of {record.file}, {unknown}")
    return record


def check_file(study: Path, file: Path, digest: str) -> Record:
    """The record of a file whose SHA-256 is `digest`.

    Raises Damaged: the record says otherwise, or cannot be used.
    """
    record = read_record(study, file)
    if record.sha256 != digest:
        raise Damaged(
            f"{file}: damaged or edited, not what rule {record.rule} wrote. It has {file.stat().st_size} bytes with SHA-256 "
            f"{digest[:DIGITS]}..., its record says {record.bytes} bytes with {record.sha256[:DIGITS]}... {_cure(file)}"
        )
    return record


def _records(study: Path, digests: Mapping[str, str]) -> tuple[dict[str, Record], list[str]]:
    """The records of those of the files that belong to the study and are what was written, and what is wrong with the others."""
    whole: dict[str, Record] = {}
    damaged: list[str] = []
    for file in digests:
        if Path(file).is_relative_to(study):
            try:
                whole[file] = check_file(study, Path(file), digests[file])
            except Damaged as error:
                damaged.append(str(error))
    return whole, damaged


def _record_of(study: Path, file: str) -> Record | None:
    """The record of a file, where it belongs to the study and has one that can be used."""
    if not Path(file).is_relative_to(study):
        return None
    try:
        return read_record(study, Path(file))
    except Damaged:
        return None


def _outdated(study: Path, records: Mapping[str, Record]) -> Iterator[str]:
    """Which of the files were made from another version of a file than the one of now, as the record of that one has it.

    Nothing that Snakemake lets happen, but a restored backup or `--touch` can.
    """
    for file, record in records.items():
        for source, was in record.made_from.items():
            now = records.get(source) or _record_of(study, source)
            if now is not None and now.sha256 != was and not source.endswith(TIMES):
                yield (
                    f"{file}: made from another {source} than lies there now (its SHA-256 was {was[:DIGITS]}..., and is "
                    f"{now.sha256[:DIGITS]}...)."
                )


def verified(study: Path, files: Iterable[str]) -> dict[str, str]:
    """The SHA-256 of each file or folder, by path. Those that belong to the study are what their jobs wrote, and fit one another.

    Raises Damaged: they do not; each is named.
    """
    digests = {file: content_digest(Path(file)) for file in sorted(set(files))}
    whole, damaged = _records(study, digests)
    if mistakes := [
        *damaged,
        *(f"{found} {_cure(Path(found.split(': ')[0]))}" for found in _outdated(study, whole)),
    ]:
        more = [f"and {len(mistakes) - SHOWN} more"] if len(mistakes) > SHOWN else []
        raise Damaged("\n".join([*mistakes[:SHOWN], *more]))
    return digests


def read_verified(study: Path, file: Path) -> bytes:
    """The content of a file of the study.

    Raises FileNotFoundError; raises Damaged, as check_file has it.
    """
    content = file.read_bytes()
    check_file(study, file, hashlib.sha256(content).hexdigest())
    return content


def recorded_files(study: Path) -> list[Path]:
    """Every file of the study that has a record, sorted."""
    folder = study / RECORDS
    found = [
        path for path in sorted(folder.rglob("*.json")) if not path.name.startswith(UNFINISHED)
    ]
    return [study / path.relative_to(folder).with_suffix("") for path in found]


def damaged_and_outdated(study: Path, files: Iterable[Path]) -> tuple[list[str], list[str]]:
    """What is wrong with files of the study: those that are not what was written, and those made from other files than lie there now."""
    whole, damaged = _records(study, {str(file): file_digest(file) for file in files})
    return damaged, list(_outdated(study, whole))


def forget(study: Path, files: Iterable[str]) -> None:
    """Removes the records of files that are about to be written again."""
    for file in files:
        record_path(study, Path(file)).unlink(missing_ok=True)


def record_files(
    study: Path,
    files: Iterable[str],
    rule: str,
    wildcards: Mapping[str, str],
    params: Mapping[str, Any],
    made_from: Mapping[str, str],
    code: Sequence[str],
) -> None:
    """Writes the record of every file that a job has written."""
    installed = versions()
    for file in map(Path, files):
        name, size, digest = str(file.relative_to(study)), file.stat().st_size, file_digest(file)
        made = (rule, wildcards, params, made_from, code, installed)
        write_record(study, file, Record(name, size, digest, *made))
