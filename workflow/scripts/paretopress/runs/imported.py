"""Read tables of evaluations made elsewhere, check every cell, and split them into runs."""

import csv
import gzip
import hashlib
import io
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..config.evaluation_tables import EvaluationTable
from ..config.variables import OF_THE_PAPER, VARIABLES
from ..errors import LONGEST_SHOWN, UserError, short
from ..jobs.digests import check_digest
from ..words import counted
from .imported_cells import CELLS, Refused

REQUIRED = ("network", "method", "seed", "evaluation", "accuracy", "nonzero_rate")
OPTIONAL = ("bytes", "phase", "iteration", *VARIABLES, "seconds")
GZIP_MAGIC = b"\x1f\x8b"
MOST_PROBLEMS = 10
MOST_COLUMNS = 40  # shown
# About three million evaluations. The limit is there because the whole table is read into memory
# before anything runs.
MOST_BYTES = 256 * 2**20
ID_DIGITS = 12


class Run(NamedTuple):
    """One run of a study, own or imported.

    The runs of one network with the same seed are a block of the statistical tests.

    Attributes:
        network: The name of the network.
        method: The name of the method.
        seed: The seed of the run.
    """

    network: str
    method: str
    seed: int


def _content(path: Path) -> bytes:
    """Read at most MOST_BYTES + 1 bytes of a file, unpacked if it is gzip.

    The one byte more shows that the file is too large.
    """
    with open(path, "rb") as file:
        packed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        file.seek(0)
        if not packed:
            return file.read(MOST_BYTES + 1)
        with gzip.GzipFile(fileobj=file) as stream:
            return stream.read(MOST_BYTES + 1)


def _text(path: Path) -> str:
    """The text of a UTF-8 file, plain or gzip. Raises UserError if it cannot be read."""
    try:
        content = _content(path)
        if len(content) > MOST_BYTES:
            raise UserError(
                f"{path}: more than {MOST_BYTES // 2**20} MiB of text. "
                "Allowed: a smaller table, or several of them."
            )
        return content.decode("utf-8-sig")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{path}: damaged gzip file ({error}). Fetch it again.") from error
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read ({error}). Allowed: a CSV file, plain or compressed with gzip."
        ) from error
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path}: not UTF-8 text ({error}). "
            "Allowed: a CSV file in UTF-8, plain or compressed with gzip."
        ) from error


def _cell(raw: Mapping[str, str], key: str, columns: Mapping[str, Any]) -> str:
    if key == "method":
        return "-".join(filter(None, (raw[name].strip() for name in columns["method"])))
    return raw[columns[key]].strip()


def _listed(header: Sequence[str]) -> str:
    names = [
        name if name.isprintable() and len(name) <= LONGEST_SHOWN else short(name)
        for name in header[:MOST_COLUMNS]
    ]
    return ", ".join(
        [*names, f"and {len(header) - MOST_COLUMNS} more"] if len(header) > MOST_COLUMNS else names
    )


def _header_problems(path: Path, header: list[str], columns: Mapping[str, Any]) -> Iterator[str]:
    for name, count in Counter(header).items():
        if count > 1:
            yield (
                f"{path}, line 1: column {short(name)} occurs {count} times. "
                "Allowed: each column once."
            )
    for key in REQUIRED:
        for name in columns[key] if key == "method" else [columns[key]]:
            if name not in header:
                yield (
                    f"{path}, line 1: no column {name!r} for {key}. Allowed: a column of that "
                    "name, or another one named under `columns` in the config; there are: "
                    f"{_listed(header)}."
                )


def _lines(reader: Any) -> Iterator[tuple[int, list[str] | csv.Error]]:
    """Yield the number and the cells of each line. An error of the CSV reader is the last item."""
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error as error:
        yield reader.line_num, error


def _parsed(table: EvaluationTable) -> Iterator[tuple[int, dict[str, Any]] | str]:
    """Yield the line and the values of each row, or the text of a problem with it."""
    path, columns = Path(table.path), table.columns.model_dump()
    reader = csv.reader(io.StringIO(_text(path), newline=""))
    header = [
        name.strip()
        for name in next(
            (cells for _, cells in _lines(reader) if not isinstance(cells, csv.Error)), []
        )
    ]
    if problems := list(_header_problems(path, header, columns)):
        yield from problems
        return
    keys = [*REQUIRED, *(key for key in OPTIONAL if columns[key] in header)]
    for line, cells in _lines(reader):
        if isinstance(cells, csv.Error):
            yield (
                f"{path}, line {line}: not CSV ({cells}). "
                "Allowed: cells separated by commas, in quotes if they hold a comma."
            )
            return
        if not cells:
            continue
        if len(cells) != len(header):
            yield (
                f"{path}, line {line}: {counted(len(cells), 'cell')}. "
                f"Allowed: {len(header)}, as many as there are columns."
            )
            continue
        raw, wrong = dict(zip(header, cells, strict=True)), False
        row: dict[str, Any] = {}
        for key in keys:
            text = _cell(raw, key, columns)
            if not text and key in OPTIONAL:
                row[key] = None
                continue
            try:
                row[key] = CELLS[key](text)
            except Refused as refused:
                column = " + ".join(columns[key]) if key == "method" else columns[key]
                yield f"{path}, line {line}: column {column!r} = {short(text)}: {refused}"
                wrong = True
        if wrong:
            continue
        if row["network"] not in table.networks:
            yield (
                f"{path}, line {line}: column {columns['network']!r} = {row['network']!r}: "
                "a network without a threshold. Allowed: the names under `networks` of the table "
                f"in the config: {', '.join(table.networks)}."
            )
            continue
        yield line, row


def _identified(row: dict[str, Any]) -> dict[str, Any]:
    """Add a design_id to a row.

    Rows with equal variables and measurements get equal ids. Without variables, every evaluation
    is a design of its own.
    """
    variables = [
        row.get(name) for name in VARIABLES if name in OF_THE_PAPER or row.get(name) is not None
    ]
    told = (
        variables
        if any(value is not None for value in variables)
        else [row["method"], row["seed"], row["evaluation"]]
    )
    known = [row["network"], *told, row["nonzero_rate"], row["accuracy"]]
    return {**row, "design_id": hashlib.sha256(repr(known).encode()).hexdigest()[:ID_DIGITS]}


def read_evaluations(table: EvaluationTable) -> dict[Run, list[dict[str, Any]]]:
    """Read the rows of a table of evaluations.

    Args:
        table: The section of the table in the config.

    Returns:
        The rows of each run, in the order of their evaluation numbers.

    Raises:
        UserError: The table cannot be used. The message has a line for each of the first
            problems, with the file, the line, the column, the value and what is allowed.
    """
    check_digest(Path(table.path), table.checksum, "checksum of the table in the config")
    runs: dict[tuple[str, str, int], dict[int, tuple[int, dict[str, Any]]]] = {}
    problems: list[str] = []
    for parsed in _parsed(table):
        if isinstance(parsed, str):
            problems.append(parsed)
        else:
            line, row = parsed
            run = runs.setdefault((row["network"], row["method"], row["seed"]), {})
            number = row["evaluation"]
            if number in run:
                problems.append(
                    f"{table.path}, line {line}: column {table.columns.evaluation!r} = {number}: "
                    f"line {run[number][0]} is that evaluation of {row['network']}, "
                    f"{row['method']}, seed {row['seed']} already. "
                    "Allowed: each evaluation of a run once."
                )
            run.setdefault(number, (line, _identified(row)))
        if len(problems) == MOST_PROBLEMS:
            problems.append(f"{table.path}: no more is read after {MOST_PROBLEMS} problems.")
            break
    if not problems and not runs:
        problems.append(
            f"{table.path}: no evaluation in it. Allowed: a header and a row for each evaluation."
        )
    if problems:
        raise UserError("\n".join(problems))
    return {
        Run(*run): [numbered[number][1] for number in sorted(numbered)]
        for run, numbered in runs.items()
    }
