"""A config checked before anything runs; what is wrong is said with file, line, key, value and what is allowed."""

import math
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ..errors import UserError, short
from .base import NAME
from .method_files import mistakes_of
from .methods import RegisteredMethod
from .networks import OwnNetwork
from .plain_values import TooLarge, mistakes_in, value_count
from .python_files import defined_names
from .schema import PATTERNS, allowed_at, describe, models_of
from .sources import (
    COMMAND_LINE,
    Path_,
    Source,
    find,
    holds,
    key_of,
    repeated_keys,
    section_of,
    source_of,
    typed,
    value_at,
    where,
)
from .study import Study

LONGEST_GUESSED = 80
MOST_PROBLEMS = 50


def _without_tags(location: Path_, data: Any) -> Path_:
    """pydantic's location without the names of union members, which are no keys of the config."""
    path: list[str | int] = []
    for part in location:
        if (
            isinstance(data, Mapping)
            and part not in data
            and part in [data.get(key) for key in ("family", "kind", "name")]
        ):
            continue
        if part == "[key]":
            continue
        path.append(part)
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            data = None
    return tuple(path)


def _nearest(word: Any, known: Sequence[Any]) -> str:
    options = {str(option).lower(): str(option) for option in known}
    close = get_close_matches(str(word)[:LONGEST_GUESSED].lower(), options, n=1, cutoff=0.5)
    return f" Did you mean {options[close[0]]!r}?" if close else ""


def _given(path: Path_, data: Any) -> str:
    return f" = {short(value_at(path, data))}" if holds(data, path) else ""


def _scientific(value: Any) -> str:
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            return ""
        if math.isfinite(number):
            written = int(number) if number.is_integer() and abs(number) < 1e15 else number
            return f" YAML reads {short(value)} as text: write {written!r} without quotes."
    return ""


def _message(error: ErrorDetails, data: Mapping[str, Any], sources: Sequence[Source]) -> str:
    path = _without_tags(error["loc"], data)
    if error["type"] == "refused" and error["ctx"]["key"]:
        path = (*path, *error["ctx"]["key"])
    allowed, siblings = allowed_at(path, data)
    place, key, kind = where(path, data, sources), key_of(path), error["type"]
    context = error.get("ctx", {})
    if kind == "extra_forbidden":
        return f"{place}: {key}: unknown key.{_nearest(path[-1], siblings)} Allowed here: {', '.join(siblings)}."
    if kind == "missing":
        return f"{place}: {key}: missing. Allowed: {describe(allowed) if allowed else 'see config/README.md'}."
    if kind == "refused":
        return (
            f"{place}: {key}{_given(path, data)}: {context['what']}. Allowed: {context['allowed']}."
        )
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        tag = str(context["discriminator"]).strip("'")
        chosen = error["input"].get(tag) if isinstance(error["input"], Mapping) else None
        options = str(context.get("expected_tags", "")).replace("'", "") or ", ".join(
            _tags(path, data, tag)
        )
        problem = "missing" if chosen is None else "no such value"
        shown = f"{key}.{tag}" + ("" if chosen is None else f" = {short(chosen)}")
        return f"{where((*path, tag), data, sources)}: {shown}: {problem}.{_nearest(chosen, options.split(', '))} Allowed: one of {options}."
    if "[key]" in error["loc"]:
        return f"{place}: {key_of(path[:-1])}: the name {short(path[-1])}: not allowed. Allowed: {PATTERNS[NAME]}."
    value = value_at(path, data)
    options_ = get_args(allowed.annotation) if kind == "literal_error" and allowed else ()
    hint = (
        _nearest(value, options_)
        if kind == "literal_error"
        else _scientific(value)
        if kind in ("float_type", "int_type")
        else ""
    )
    rule = describe(allowed) if allowed else "see config/README.md"
    return f"{place}: {key} = {short(value)}: not allowed.{hint} Allowed: {rule}."


def _tags(path: Path_, data: Mapping[str, Any], tag: str) -> Iterator[str]:
    allowed, _ = allowed_at(path, data)
    for model in models_of(allowed) if allowed else ():
        yield from map(str, get_args(model.model_fields[tag].annotation))


def _own_networks(study: Study) -> Iterator[tuple[str, OwnNetwork]]:
    for name, network in study.networks.items():
        if isinstance(network.architecture, OwnNetwork):
            yield name, network.architecture


def _is(path: str, kind: Literal["file", "folder"]) -> bool:
    try:
        return Path(path).is_file() if kind == "file" else Path(path).is_dir()
    except OSError:  # a name too long for any file, or a folder that may not be looked into
        return False


def _wrong_code(study: Study, data: Mapping[str, Any], sources: Sequence[Source]) -> Iterator[str]:
    """Files of own networks that are no Python, or lack the function; they are parsed, not run."""
    for name, own in _own_networks(study):
        path: Path_ = ("networks", name, "architecture", "path")
        if _is(own.path, "folder") or (_is(own.path, "file") and not own.path.endswith(".py")):
            yield f"{where(path, data, sources)}: {key_of(path)} = {own.path!r}: not a Python file. Allowed: a file that ends with .py."
        if not _is(own.path, "file"):
            continue
        try:
            defined = defined_names(Path(own.path).read_text(encoding="utf-8"))
        # Python's parser gives up on code that is nested too deeply with one of the last two.
        except (SyntaxError, ValueError, RecursionError, MemoryError, OSError) as error:
            place = where(path, data, sources)
            yield f"{place}: {key_of(path)} = {own.path!r}: not a Python file ({error}). Allowed: a file that Python can run."
            continue
        if not {own.function, "*"} & defined:
            path = (*path[:-1], "function")
            options = ", ".join(sorted(defined)) or "a function, which the file has yet to define"
            yield (
                f"{where(path, data, sources)}: {key_of(path)} = {own.function!r}: {own.path} defines no such function."
                f"{_nearest(own.function, sorted(defined))} Allowed: {options}."
            )


def _wrong_methods(
    study: Study, data: Mapping[str, Any], sources: Sequence[Source]
) -> Iterator[str]:
    """Methods of the registry that are not there, or do not take their settings; their files are parsed, not run."""
    for index, method in enumerate(study.methods):
        for mistake in mistakes_of(method) if isinstance(method, RegisteredMethod) else ():
            path: Path_ = ("methods", index, *mistake.key)
            hint = _nearest(mistake.said, mistake.meant)
            yield f"{where(path, data, sources)}: {key_of(path)}{_given(path, data)}: {mistake.what}.{hint} Allowed: {mistake.allowed}."


def _missing_files(
    study: Study, data: Mapping[str, Any], sources: Sequence[Source]
) -> Iterator[str]:
    named: list[tuple[Path_, str]] = []
    if given := getattr(
        study.dataset, "path", None
    ):  # not every kind has one, and cifar10 can do without
        named.append((("dataset", "path"), given))
    named += [
        (("evaluation_tables", name, "path"), table.path)
        for name, table in study.evaluation_tables.items()
    ]
    named += [
        (("networks", name, "weights"), network.weights)
        for name, network in study.networks.items()
        if network.weights
    ]
    named += [
        (("networks", name, "architecture", "path"), own.path) for name, own in _own_networks(study)
    ]
    for path, value in named:
        if not (_is(value, "file") or (path[-1] == "path" and _is(value, "folder"))):
            nested = "PATH"
            for key in reversed(path[1:]):
                nested = f"{{{key}: {nested}}}"
            yield (
                f"{where(path, data, sources)}: {key_of(path)} = {short(value)}: no such file or folder. Allowed: a path from the working "
                f"directory ({Path.cwd()}) or from the root; set it in the file, or on the command line: --config '{path[0]}={nested}'."
            )


def _refuse_unplain(data: Mapping[str, Any], sources: Sequence[Source]) -> None:
    """Raises UserError: code in the config, too many values, or values that are no plain ones."""
    for source in sources:
        if (found := find(source.node, ("__use_yte__",))) is not None:
            raise UserError(
                f"{source.file}, line {found[0]}: __use_yte__: makes Snakemake run code that stands in the config. "
                "Allowed: a config of plain values, without __use_yte__."
            )
    try:
        value_count(data)
    except TooLarge as error:
        file = sources[-1].file if sources else COMMAND_LINE
        raise UserError(
            f"{file}: {error}. Allowed: the keys of a study, see config/README.md."
        ) from error
    problems = [
        f"{where(path, data, sources)}: {key_of(path)}{_given(path, data)}: {what}. Allowed: {allowed}."
        for path, what, allowed in mistakes_in(data)
    ]
    if problems:
        raise UserError(_listed(problems))


def _listed(problems: Sequence[str]) -> str:
    shown = [
        *problems[:MOST_PROBLEMS],
        *([f"and {len(problems) - MOST_PROBLEMS} more"] if len(problems) > MOST_PROBLEMS else []),
    ]
    return (
        f"The config cannot be used ({len(problems)} {'problem' if len(problems) == 1 else 'problems'}):\n"
        + "\n".join(shown)
    )


def read_study(
    data: Mapping[str, Any],
    files: Sequence[str],
    module: str | None = None,
    outer: Mapping[str, Any] | None = None,
    *,
    check_files: bool = True,
) -> Study:
    """The checked study of a config; `files` are where it came from, in the order in which they were merged.

    module: where ParetoPress is a module of another workflow, its name. The files are then those of that workflow's config, `outer`,
    which can hold `data` as a section.
    check_files: whether the dataset and weights that it names must exist; to look at results they need not.

    Raises UserError with one line for each problem: file, line, key, value, what is allowed.
    """
    if module is None:
        return _read(data, [source_of(file) for file in files], check_files)
    section = section_of(data, outer) or ()
    try:
        sources = [source_of(file, section) for file in files] if data else []
        return _read(data, sources, check_files)
    except UserError as error:
        text = str(error).replace(COMMAND_LINE, f"`config` of module {module}")
        raise UserError(f"Module {module}: {text}") from error


def _read(data: Mapping[str, Any], sources: Sequence[Source], check_files: bool) -> Study:
    if not isinstance(data, Mapping) or not data:
        raise UserError(
            f"{', '.join(source.file for source in sources) or COMMAND_LINE}: no config in it. "
            "Allowed: the keys of a study, see config/README.md."
        )
    _refuse_unplain(data, sources)
    data = typed(data, (), sources)
    problems = [
        f"{source.file}, line {line}: {key}: the key stands twice; YAML would silently take the last. Allowed: each key once."
        for source in sources
        for key, line in repeated_keys(source.node)
    ]
    try:
        study = Study.model_validate(dict(data))
        problems += (
            [
                *_missing_files(study, data, sources),
                *_wrong_code(study, data, sources),
                *_wrong_methods(study, data, sources),
            ]
            if check_files
            else []
        )
    except ValidationError as error:
        problems += [_message(detail, data, sources) for detail in error.errors()]
    if problems:
        raise UserError(_listed(problems))
    return study
