"""The record of each file of a study: what it was made from, and its digest.

A record is written after its file, and compared before the file is used. The record of
results/STUDY/FILE is results/STUDY/provenance/FILE.json. It is no declared output, so that
Snakemake does not touch it. It holds no times and nothing about the machine, so that equal jobs
with equal inputs write equal records.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePath
from typing import Any

from ..errors import UserError
from ..words import counted
from .digests import content_digest, file_digest
from .files import UNFINISHED, write_whole
from .sealed import EARLIER, Unreadable, sealed, unsealed
from .versions import versions

RECORDS = "provenance"
TIMES = "timings.csv"  # Times are never the same twice, and only times are made from them.
SHOWN = 10
DIGITS = 12  # The digits of a digest in messages.


class Damaged(UserError):
    """A file of a study differs from what its job wrote."""


class Unrecorded(Damaged):
    """A file of a study has no record, so that nobody can tell whether it is whole.

    This is also the case while its job still works on it.
    """


@dataclass(frozen=True)
class Record:
    """The origin of one file of a study.

    Attributes:
        file: The path of the file within the results of the study.
        bytes: The size of the file when it was written.
        sha256: The SHA-256 of the file when it was written.
        rule: The rule that made it.
        wildcards: The wildcards of the job, by name.
        params: The parameters of the job, by name, except the code that counts.
        made_from: The SHA-256 of each input of the job, by path.
        code: The modules that count in the job, each as "MODULE DIGEST".
        versions: The versions of Python and of the packages.
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
    """Find the folder of the results of the study that a log belongs to.

    Args:
        log: The path of the log, [PREFIX/]results/STUDY/logs/..., where a module has a prefix.

    Returns:
        The folder [PREFIX/]results/STUDY.
    """
    parts = PurePath(log).parts
    (*_, end) = (i for i in range(2, len(parts)) if (parts[i - 2], parts[i]) == ("results", "logs"))
    return Path(*parts[:end])


def record_path(study: Path, file: Path) -> Path:
    """The path of the record of a file in the results folder `study`."""
    return study / RECORDS / f"{file.relative_to(study)}.json"


def write_record(study: Path, file: Path, record: Record) -> None:
    """Write the record of a file, whole or not at all."""
    write_whole(record_path(study, file), sealed(asdict(record)))


def _cure(file: Path) -> str:
    return (
        f"Remove {file}, have it made again (snakemake {file} --cores 1 --configfile ..., the file "
        "first), and go on."
    )


def read_record(study: Path, file: Path) -> Record:
    """Read the record of a file.

    Args:
        study: The folder of the results of the study.
        file: The file in it.

    Returns:
        The record.

    Raises:
        Unrecorded: There is no record.
        Damaged: The record is damaged, of another format, or of another file.
    """
    path, unknown = (
        record_path(study, file),
        f"so that nobody can tell whether {file} is whole. {_cure(file)}",
    )
    try:
        record = Record(**unsealed(path.read_bytes(), EARLIER))
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
    """Compare a file with its record.

    Args:
        study: The folder of the results of the study.
        file: The file in it.
        digest: The SHA-256 of the file as it is now.

    Returns:
        The record.

    Raises:
        Damaged: The record has another SHA-256, or the record cannot be used.
    """
    record = read_record(study, file)
    if record.sha256 != digest:
        raise Damaged(
            f"{file}: damaged or edited, not what rule {record.rule} wrote. It has "
            f"{counted(file.stat().st_size, 'byte')} with SHA-256 {digest[:DIGITS]}..., its record says "
            f"{counted(record.bytes, 'byte')} with {record.sha256[:DIGITS]}... {_cure(file)}"
        )
    return record


def _records(study: Path, digests: Mapping[str, str]) -> tuple[dict[str, Record], list[str]]:
    """The records of the whole files of the study by path, and a message for each damaged file."""
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
    """The record of a file; None if the file is not of the study or has no usable record."""
    if not Path(file).is_relative_to(study):
        return None
    try:
        return read_record(study, Path(file))
    except Damaged:
        return None


def _outdated(study: Path, records: Mapping[str, Record]) -> Iterator[str]:
    """A message for each file that was made from another version of a file than the present one.

    Snakemake prevents this, but a restored backup or `--touch` can cause it. The present version is
    known by its record.
    """
    for file, record in records.items():
        for source, was in record.made_from.items():
            now = records.get(source) or _record_of(study, source)
            if now is not None and now.sha256 != was and not source.endswith(TIMES):
                yield (
                    f"{file}: made from another {source} than lies there now (its SHA-256 was "
                    f"{was[:DIGITS]}..., and is {now.sha256[:DIGITS]}...)."
                )


def verified(study: Path, files: Iterable[str]) -> dict[str, str]:
    """Check the files of a study against their records, and compute the digests of all files.

    Args:
        study: The folder of the results of the study.
        files: The paths of files and folders. Those outside of the study have no record.

    Returns:
        The SHA-256 of each file or folder, by path.

    Raises:
        Damaged: Files of the study are damaged, or were made from other files than the present
            ones. The message names up to 10 of them.
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
    """Read a file of a study and check it against its record.

    Args:
        study: The folder of the results of the study.
        file: The file in it.

    Returns:
        The content of the file.

    Raises:
        FileNotFoundError: There is no such file.
        Damaged: The file is damaged, or its record cannot be used.
    """
    content = file.read_bytes()
    check_file(study, file, hashlib.sha256(content).hexdigest())
    return content


def recorded_files(study: Path) -> list[Path]:
    """List the files of a study that have a record, sorted by path."""
    folder = study / RECORDS
    found = [
        path for path in sorted(folder.rglob("*.json")) if not path.name.startswith(UNFINISHED)
    ]
    return [study / path.relative_to(folder).with_suffix("") for path in found]


def damaged_and_outdated(study: Path, files: Iterable[Path]) -> tuple[list[str], list[str]]:
    """Check files of a study against their records, and collect all problems.

    Args:
        study: The folder of the results of the study.
        files: The files in it.

    Returns:
        The messages about damaged files, and those about files that were made from other files
        than the present ones.
    """
    whole, damaged = _records(study, {str(file): file_digest(file) for file in files})
    return damaged, list(_outdated(study, whole))


def forget(study: Path, files: Iterable[str]) -> None:
    """Remove the records of files that a job is about to write again."""
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
    """Write the record of each file that a job has written.

    Args:
        study: The folder of the results of the study.
        files: The paths of the files.
        rule: The rule of the job.
        wildcards: The wildcards of the job, by name.
        params: The parameters of the job, by name, except the code that counts.
        made_from: The SHA-256 of each input of the job, by path.
        code: The modules that count in the job, each as "MODULE DIGEST".
    """
    installed = versions()
    for file in map(Path, files):
        name, size, digest = str(file.relative_to(study)), file.stat().st_size, file_digest(file)
        made = (rule, wildcards, params, made_from, code, installed)
        write_record(study, file, Record(name, size, digest, *made))
