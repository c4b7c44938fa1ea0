"""Config files as they stand: their values, and the line that each comes from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ..errors import LONGEST_SHOWN, UserError, short

COMMAND_LINE = "command line (--config)"
# Text on the command line that is longer than this is no number.
LONGEST_NUMBER = 100
Path_ = tuple[str | int, ...]


@dataclass(frozen=True)
class Source:
    """A config file (its path as a person would give it), parsed to nodes that know their lines; None where it is not plain YAML."""

    file: str
    node: yaml.Node | None


def source_of(file: str, section: Path_ = ()) -> Source:
    """section: where in the file the config is."""
    try:
        node = yaml.compose(Path(file).read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        return Source(file, None)
    if section:
        found = find(node, section)
        node = found[1] if found else None
    return Source(file, node)


def section_of(part: Any, whole: Any) -> Path_ | None:
    """Where the section `part` itself, not an equal one, is in a config; None where it is not."""
    if part is whole:
        return ()
    for key, value in whole.items() if isinstance(whole, Mapping) else ():
        if (inner := section_of(part, value)) is not None:
            return (key, *inner)
    return None


def read_config(file: str) -> Any:
    """The content of a config file, of plain YAML without tags.

    Raises UserError: no such file, not text in UTF-8, not YAML, a tag that stands for an object.
    """
    try:
        return yaml.safe_load(Path(file).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(
            f"{file}: no such file. Give the config that the study runs with: --configfile FILE."
        ) from error
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error}). Allowed: a YAML file.") from error
    except UnicodeDecodeError as error:
        raise UserError(
            f"{file}: not text in UTF-8 ({error}). Allowed: a YAML file in UTF-8."
        ) from error
    # Beside its own errors PyYAML lets pass what Python says of a date such as 2020-13-45, of too many digits or of sections in sections.
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError, TypeError) as error:
        raise UserError(f"{file}: not valid YAML.\n{error}") from error


def find(node: yaml.Node | None, path: Path_) -> tuple[int, yaml.Node] | None:
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


def _plain(text: str) -> Any:
    """What YAML reads an unquoted text as; the text itself where it reads nothing."""
    try:
        return yaml.safe_load(text) if len(text) <= LONGEST_NUMBER else text
    except (yaml.YAMLError, ValueError, OverflowError):
        return text


def _is_value(node: yaml.Node, value: Any) -> bool:
    """Whether `value` can be what the file says; one from the command line has taken its place otherwise."""
    if not isinstance(node, yaml.ScalarNode):
        return isinstance(value, Mapping | list)
    said = _plain(node.value) if node.style is None else node.value
    return type(said) is type(value) and said == value


def typed(value: Any, path: Path_, sources: Sequence[Source]) -> Any:
    """Snakemake passes what is nested in --config as text: numbers among it are read as YAML, as they are in a file."""
    if isinstance(value, Mapping):
        return {key: typed(inner, (*path, key), sources) for key, inner in value.items()}
    if isinstance(value, list):
        return [typed(inner, (*path, index), sources) for index, inner in enumerate(value)]
    if isinstance(value, str) and not any(
        (found := find(source.node, path)) and _is_value(found[1], value) for source in sources
    ):
        parsed = _plain(value)
        return parsed if isinstance(parsed, int | float) else value
    return value


def value_at(path: Path_, data: Any) -> Any:
    """Raises KeyError, IndexError or TypeError where there is none."""
    for part in path:
        data = data[part]
    return data


def holds(data: Any, path: Path_) -> bool:
    try:
        value_at(path, data)
    except (KeyError, IndexError, TypeError):
        return False
    return True


def _line(source: Source, path: Path_, data: Any) -> int | None:
    if (found := find(source.node, path)) is None:
        return None
    line, node = found
    return line if not holds(data, path) or _is_value(node, value_at(path, data)) else None


def where(path: Path_, data: Any, sources: Sequence[Source]) -> str:
    """File and line of the key, or of the section that lacks it; the command line for a value that no file holds."""
    for source in reversed(sources):
        if (line := _line(source, path, data)) is not None:
            return f"{source.file}, line {line}"
    if path and holds(data, path):
        return COMMAND_LINE
    return (
        where(path[:-1], data, sources) if path else (sources[-1].file if sources else COMMAND_LINE)
    )


def key_of(path: Path_) -> str:
    """The dotted path of a key, as methods[0].family."""
    parts = (
        str(part) if str(part).isprintable() and len(str(part)) <= LONGEST_SHOWN else short(part)
        for part in path
    )
    text = "".join(
        f"[{shown}]" if isinstance(part, int) else f".{shown}"
        for part, shown in zip(path, parts, strict=True)
    )
    return text.lstrip(".") or "(top level)"


def repeated_keys(
    node: yaml.Node | None, path: str = "", seen: set[int] | None = None
) -> Iterator[tuple[str, int]]:
    """The keys that stand twice in one section, each with its line. seen: ids of nodes that need no second look; an alias repeats one."""
    seen = set() if seen is None else seen
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        keys: set[str] = set()
        for name, value in node.value:
            key = f"{path}.{name.value}".lstrip(".")
            if key in keys:
                yield key, name.start_mark.line + 1
            keys.add(key)
            yield from repeated_keys(value, key, seen)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from repeated_keys(value, f"{path}[{index}]", seen)
