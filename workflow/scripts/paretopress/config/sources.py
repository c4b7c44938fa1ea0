"""Read config files, and find the line of each value."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ..errors import LONGEST_SHOWN, UserError, short

COMMAND_LINE = "command line (--config)"
# A longer text on the command line is not read as a number.
LONGEST_NUMBER = 100
Path_ = tuple[str | int, ...]


@dataclass(frozen=True)
class Source:
    """A config file.

    Attributes:
        file: The path of the file, as it is shown in messages.
        node: The parsed file with line numbers; None if it is not YAML or lacks the section.
    """

    file: str
    node: yaml.Node | None


def source_of(file: str, section: Path_ = ()) -> Source:
    """Parse a config file.

    Args:
        file: The path of the file.
        section: The path of the section in the file that is the config, () for the whole file.

    Returns:
        The parsed file.
    """
    try:
        node = yaml.compose(Path(file).read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        return Source(file, None)
    if section:
        found = find(node, section)
        node = found[1] if found else None
    return Source(file, node)


def section_of(part: Any, whole: Any) -> Path_ | None:
    """Find the place of a section in a config.

    Args:
        part: The section. It is found by identity: an equal section is not it.
        whole: The config.

    Returns:
        The path of the section; None if the config does not hold it.
    """
    if part is whole:
        return ()
    for key, value in whole.items() if isinstance(whole, Mapping) else ():
        if (inner := section_of(part, value)) is not None:
            return (key, *inner)
    return None


def read_config(file: str) -> Any:
    """Read a config file of plain YAML without tags.

    Args:
        file: The path of the file.

    Returns:
        The content of the file.

    Raises:
        UserError: The file is missing, is not text in UTF-8, is not YAML, or has a tag that stands
            for an object.
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
    # PyYAML raises its own errors. It also lets through Python's errors for a date such as
    # 2020-13-45, for too many digits and for too many levels.
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError, TypeError) as error:
        raise UserError(f"{file}: not valid YAML.\n{error}") from error


def find(node: yaml.Node | None, path: Path_) -> tuple[int, yaml.Node] | None:
    """Find a key or a list entry in a parsed config file.

    Args:
        node: The parsed file.
        path: The path of the key or entry.

    Returns:
        The line of the key or entry, from 1, and its value; None if the file does not hold it.
    """
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
    """The value that YAML reads an unquoted text as; the text itself if YAML cannot read it."""
    try:
        return yaml.safe_load(text) if len(text) <= LONGEST_NUMBER else text
    except (yaml.YAMLError, ValueError, OverflowError):
        return text


def _is_value(node: yaml.Node, value: Any) -> bool:
    """Tell whether a value can come from this node. If not, it comes from the command line."""
    if not isinstance(node, yaml.ScalarNode):
        return isinstance(value, Mapping | list)
    said = _plain(node.value) if node.style is None else node.value
    return type(said) is type(value) and said == value


def typed(value: Any, path: Path_, sources: Sequence[Source]) -> Any:
    """Convert the numbers among the values of --config, which Snakemake passes as text if nested.

    Args:
        value: The config, or a part of it.
        path: The path of `value` in the config.
        sources: The config files. A text that a file holds stays as it is.

    Returns:
        A copy of `value` with numbers as YAML reads them.
    """
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
    """Return the value at a path of the config.

    Args:
        path: The path.
        data: The config.

    Returns:
        The value.

    Raises:
        KeyError: A section on the path lacks the key.
        IndexError: A list on the path is too short.
        TypeError: A value on the path is no section or list.
    """
    for part in path:
        data = data[part]
    return data


def holds(data: Any, path: Path_) -> bool:
    """Tell whether a config has a value at a path."""
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
    """Say where a key is: its file and line.

    Args:
        path: The path of the key in the config.
        data: The config.
        sources: The config files. The last one that holds the value counts.

    Returns:
        The file and the line. For a missing key, those of the section that lacks it. For a value
        that no file holds, the command line.
    """
    for source in reversed(sources):
        if (line := _line(source, path, data)) is not None:
            return f"{source.file}, line {line}"
    if path and holds(data, path):
        return COMMAND_LINE
    return (
        where(path[:-1], data, sources) if path else (sources[-1].file if sources else COMMAND_LINE)
    )


def key_of(path: Path_) -> str:
    """Write the path of a key with dots, like methods[0].family."""
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
    """Find the keys that are in one section twice.

    Args:
        node: The parsed config file, or a part of it.
        path: The dotted path of `node` in the file.
        seen: The ids of the nodes that are searched already. An alias repeats a node.

    Yields:
        The dotted path of each repeated key, and the line of its repetition.
    """
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
