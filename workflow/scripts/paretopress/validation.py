"""A config checked before anything runs; what is wrong is said with file, line, key, value and what is allowed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from .config import Study
from .config.methods import RegisteredMethod
from .config.networks import OwnNetwork
from .errors import UserError
from .method_files import mistakes_of
from .python_files import defined_names
from .schema import allowed_at, describe

COMMAND_LINE = "command line (--config)"
Path_ = tuple[str | int, ...]


@dataclass(frozen=True)
class Source:
    """A config file (its path as a person would give it), parsed to nodes that know their lines; None where it is not plain YAML."""

    file: str
    node: yaml.Node | None


def _source(file: str) -> Source:
    try:
        return Source(file, yaml.compose(Path(file).read_text(encoding="utf-8"), Loader=yaml.SafeLoader))
    except yaml.YAMLError:
        return Source(file, None)


def _find(node: yaml.Node | None, path: Path_) -> tuple[int, yaml.Node] | None:
    """The line (from 1) of the key or list entry at `path`, and its value; None where the file does not hold it."""
    line = 0
    for key in path:
        if isinstance(node, yaml.MappingNode):
            found = [(name, value) for name, value in node.value if name.value == str(key)]
            if not found:
                return None
            line, node = found[-1][0].start_mark.line + 1, found[-1][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
            node = node.value[key]
            line = node.start_mark.line + 1
        else:
            return None
    return (line, node) if node is not None and path else None


def _is_value(node: yaml.Node, value: Any) -> bool:
    """Whether `value` can be what the file says; one from the command line has taken its place otherwise."""
    if not isinstance(node, yaml.ScalarNode):
        return isinstance(value, Mapping | list)
    said = yaml.safe_load(node.value) if node.style is None else node.value
    return type(said) is type(value) and said == value


def _line(source: Source, path: Path_, data: Any) -> int | None:
    if (found := _find(source.node, path)) is None:
        return None
    line, node = found
    return line if not _holds(data, path) or _is_value(node, _value_at(path, data)) else None


def _typed(value: Any, path: Path_, sources: Sequence[Source]) -> Any:
    """Snakemake passes what is nested in --config as text: numbers among it are read as YAML, as they are in a file."""
    if isinstance(value, Mapping):
        return {key: _typed(inner, (*path, key), sources) for key, inner in value.items()}
    if isinstance(value, list):
        return [_typed(inner, (*path, index), sources) for index, inner in enumerate(value)]
    if isinstance(value, str) and not any((found := _find(source.node, path)) and _is_value(found[1], value) for source in sources):
        try:
            parsed = yaml.safe_load(value)
        except yaml.YAMLError:
            return value
        return parsed if isinstance(parsed, int | float) else value
    return value


def _holds(data: Any, path: Path_) -> bool:
    try:
        _value_at(path, data)
    except (KeyError, IndexError, TypeError):
        return False
    return True


def _where(path: Path_, data: Any, sources: Sequence[Source]) -> str:
    """File and line of the key, or of the section that lacks it; the command line for a value that no file holds."""
    for source in reversed(sources):
        if (line := _line(source, path, data)) is not None:
            return f"{source.file}, line {line}"
    if path and _holds(data, path):
        return COMMAND_LINE
    return _where(path[:-1], data, sources) if path else (sources[-1].file if sources else COMMAND_LINE)


def _key(path: Path_) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.lstrip(".") or "(top level)"


def _without_tags(location: Path_, data: Any) -> Path_:
    """pydantic's location without the names of union members, which are no keys of the config."""
    path: list[str | int] = []
    for part in location:
        if isinstance(data, Mapping) and part not in data and part in [data.get(key) for key in ("family", "kind", "name")]:
            continue
        if part == "[key]":
            continue
        path.append(part)
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            data = None
    return tuple(path)


def _value_at(path: Path_, data: Any) -> Any:
    for part in path:
        data = data[part]
    return data


def _nearest(word: Any, known: Sequence[Any]) -> str:
    options = {str(option).lower(): str(option) for option in known}
    close = get_close_matches(str(word).lower(), options, n=1, cutoff=0.5)
    return f" Did you mean {options[close[0]]!r}?" if close else ""


def _scientific(value: Any) -> str:
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            return ""
        written = int(number) if number.is_integer() else number
        return f" YAML reads {value!r} as text: write {written!r} without quotes."
    return ""


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _message(error: ErrorDetails, data: Mapping[str, Any], sources: Sequence[Source]) -> str:
    path = _without_tags(error["loc"], data)
    if error["type"] == "refused" and error["ctx"]["key"]:
        path = (*path, *error["ctx"]["key"].split("."))
    allowed, siblings = allowed_at(path, data)
    where, key, kind = _where(path, data, sources), _key(path), error["type"]
    context = error.get("ctx", {})
    if kind == "extra_forbidden":
        return f"{where}: {key}: unknown key.{_nearest(path[-1], siblings)} Allowed here: {', '.join(siblings)}."
    if kind == "invalid_key":
        return f"{where}: {key}: a key that is no text. Allowed here: {', '.join(siblings)}."
    if kind == "missing":
        return f"{where}: {key}: missing. Allowed: {describe(allowed) if allowed else 'see config/README.md'}."
    if kind == "refused":
        given = f" = {_short(_value_at(path, data))}" if _holds(data, path) else ""
        return f"{where}: {key}{given}: {context['what']}. Allowed: {context['allowed']}."
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        tag = str(context["discriminator"]).strip("'")
        chosen = error["input"].get(tag) if isinstance(error["input"], Mapping) else None
        options = str(context.get("expected_tags", "")).replace("'", "") or ", ".join(_tags(path, data, tag))
        problem = "missing" if chosen is None else "no such value"
        shown = f"{key}.{tag}" + ("" if chosen is None else f" = {_short(chosen)}")
        return (
            f"{_where((*path, tag), data, sources)}: {shown}: {problem}.{_nearest(chosen, options.split(', '))} Allowed: one of {options}."
        )
    value = _value_at(path, data) if "[key]" not in error["loc"] else path[-1]
    options_ = get_args(allowed.annotation) if kind == "literal_error" and allowed else ()
    hint = _nearest(value, options_) if kind == "literal_error" else _scientific(value) if kind in ("float_type", "int_type") else ""
    rule = "a name of letters, digits, '.', '_' and '-'" if "[key]" in error["loc"] or allowed is None else describe(allowed)
    return f"{where}: {key} = {_short(value)}: not allowed.{hint} Allowed: {rule}."


def _tags(path: Path_, data: Mapping[str, Any], tag: str) -> Iterator[str]:
    allowed, _ = allowed_at(path, data)
    for model in get_args(allowed.annotation) if allowed else ():
        yield from map(str, get_args(model.model_fields[tag].annotation))


def _repeated_keys(node: yaml.Node | None, path: str = "") -> Iterator[tuple[str, int]]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for name, value in node.value:
            key = f"{path}.{name.value}".lstrip(".")
            if key in seen:
                yield key, name.start_mark.line + 1
            seen.add(key)
            yield from _repeated_keys(value, key)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _repeated_keys(value, f"{path}[{index}]")


def _own_networks(study: Study) -> Iterator[tuple[str, OwnNetwork]]:
    for name, network in study.networks.items():
        if isinstance(network.architecture, OwnNetwork):
            yield name, network.architecture


def _wrong_code(study: Study, data: Mapping[str, Any], sources: Sequence[Source]) -> Iterator[str]:
    """Files of own networks that are no Python, or lack the function; they are parsed, not run."""
    for name, own in _own_networks(study):
        path: Path_ = ("networks", name, "architecture", "path")
        if Path(own.path).exists() and not (Path(own.path).is_file() and own.path.endswith(".py")):
            yield f"{_where(path, data, sources)}: {_key(path)} = {own.path!r}: not a Python file. Allowed: a file that ends with .py."
        if not Path(own.path).is_file():
            continue
        try:
            defined = defined_names(Path(own.path).read_text(encoding="utf-8"))
        except (SyntaxError, UnicodeDecodeError, ValueError) as error:
            where = _where(path, data, sources)
            yield f"{where}: {_key(path)} = {own.path!r}: not a Python file ({error}). Allowed: a file that Python can run."
            continue
        if not {own.function, "*"} & defined:
            path = (*path[:-1], "function")
            options = ", ".join(sorted(defined)) or "a function, which the file has yet to define"
            yield (
                f"{_where(path, data, sources)}: {_key(path)} = {own.function!r}: {own.path} defines no such function."
                f"{_nearest(own.function, sorted(defined))} Allowed: {options}."
            )


def _wrong_methods(study: Study, data: Mapping[str, Any], sources: Sequence[Source]) -> Iterator[str]:
    """Methods of the registry that are not there, or do not take their settings; their files are parsed, not run."""
    for index, method in enumerate(study.methods):
        for mistake in mistakes_of(method) if isinstance(method, RegisteredMethod) else ():
            path: Path_ = ("methods", index, *mistake.key)
            given = f" = {_short(_value_at(path, data))}" if _holds(data, path) else ""
            hint = _nearest(mistake.said, mistake.meant)
            yield f"{_where(path, data, sources)}: {_key(path)}{given}: {mistake.what}.{hint} Allowed: {mistake.allowed}."


def _missing_files(study: Study, data: Mapping[str, Any], sources: Sequence[Source]) -> Iterator[str]:
    named: list[tuple[Path_, str]] = []
    if given := getattr(study.dataset, "path", None):  # not every kind has one, and cifar10 can do without
        named.append((("dataset", "path"), given))
    named += [(("evaluation_tables", name, "path"), table.path) for name, table in study.evaluation_tables.items()]
    named += [(("networks", name, "weights"), network.weights) for name, network in study.networks.items() if network.weights]
    named += [(("networks", name, "architecture", "path"), own.path) for name, own in _own_networks(study)]
    for path, value in named:
        if not (Path(value).is_file() or (path[-1] == "path" and Path(value).is_dir())):
            nested = "PATH"
            for key in reversed(path[1:]):
                nested = f"{{{key}: {nested}}}"
            yield (
                f"{_where(path, data, sources)}: {_key(path)} = {value!r}: no such file or folder. Allowed: a path from the working "
                f"directory ({Path.cwd()}) or from the root; set it in the file, or on the command line: --config '{path[0]}={nested}'."
            )


def read_study(data: Mapping[str, Any], files: Sequence[str], *, check_files: bool = True) -> Study:
    """The checked study of a config; `files` are where it came from, in the order in which they were merged.

    check_files: whether the dataset and weights that it names must exist; to look at results they need not.

    Raises UserError with one line for each problem: file, line, key, value, what is allowed.
    """
    sources = [_source(file) for file in files]
    if not isinstance(data, Mapping) or not data:
        raise UserError(f"{', '.join(files)}: no config in it. Allowed: the keys of a study, see config/README.md.")
    data = _typed(data, (), sources)
    problems = [
        f"{source.file}, line {line}: {key}: the key stands twice; YAML would silently take the last. Allowed: each key once."
        for source in sources
        for key, line in _repeated_keys(source.node)
    ]
    try:
        study = Study.model_validate(dict(data))
        problems += (
            [*_missing_files(study, data, sources), *_wrong_code(study, data, sources), *_wrong_methods(study, data, sources)]
            if check_files
            else []
        )
    except ValidationError as error:
        problems += [_message(detail, data, sources) for detail in error.errors()]
    if problems:
        raise UserError(
            f"The config cannot be used ({len(problems)} {'problem' if len(problems) == 1 else 'problems'}):\n" + "\n".join(problems)
        )
    return study
