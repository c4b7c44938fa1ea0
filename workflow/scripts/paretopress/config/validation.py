"""Check a config before anything runs, and report all its mistakes at once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from ..errors import UserError, short
from ..folders import within
from .dataset import FolderDataset
from .image_folders import TAR, ZIP, is_archive, layout
from .messages import given, message, nearest
from .method_files import Mistake
from .method_settings import mistakes_of
from .methods import RegisteredMethod, SurrogateMethods
from .network_code import mistakes_in_code
from .networks import OwnNetwork
from .plain_values import TooLarge, mistakes_in, value_count
from .regressor_checks import wrong_candidates
from .sources import (
    COMMAND_LINE,
    Path_,
    Source,
    find,
    key_of,
    repeated_keys,
    section_of,
    source_of,
    typed,
    where,
)
from .study import Study
from .weight_files import WANTED, format_of

MOST_PROBLEMS = 50
METHOD_CHECKS: dict[type, Callable[[Any], Iterator[Mistake]]] = {
    RegisteredMethod: lambda method: mistakes_of(method.family, method.settings),
    SurrogateMethods: wrong_candidates,
}


def _own_networks(study: Study) -> Iterator[tuple[str, OwnNetwork]]:
    for name, network in study.networks.items():
        if isinstance(network.architecture, OwnNetwork):
            yield name, network.architecture


def _is(path: str, kind: Literal["file", "folder"]) -> bool:
    try:
        return Path(path).is_file() if kind == "file" else Path(path).is_dir()
    except OSError:  # The name is too long for any file, or the folder above may not be read.
        return False


def _wrong_code(study: Study, data: Mapping[str, Any], sources: Sequence[Source]) -> Iterator[str]:
    """Find own networks whose files are not Python or lack something. No file is run."""
    for name, own in _own_networks(study):
        for mistake in mistakes_in_code(own):
            path: Path_ = ("networks", name, "architecture", *mistake.key)
            yield (
                f"{where(path, data, sources)}: {key_of(path)} = "
                f"{short(getattr(own, str(mistake.key[0])))}: {mistake.what}."
                f"{nearest(mistake.said, mistake.meant)} Allowed: {mistake.allowed}."
            )


def _wrong_weights(
    study: Study, data: Mapping[str, Any], sources: Sequence[Source]
) -> Iterator[str]:
    """Find files that are of no format of weights. Only their first bytes are read."""
    for name, network in study.networks.items():
        if network.weights is None or not _is(network.weights, "file"):
            continue
        try:
            format_of(Path(network.weights))
        except ValueError as error:
            path: Path_ = ("networks", name, "weights")
            yield (
                f"{where(path, data, sources)}: {key_of(path)} = {short(network.weights)}: {error}. "
                f"Allowed: {WANTED}."
            )


def _wrong_methods(
    study: Study, data: Mapping[str, Any], sources: Sequence[Source]
) -> Iterator[str]:
    """Find methods that lack a package or refuse their settings, and candidates.

    No file of a method is run. The module of a candidate is imported.
    """
    for index, method in enumerate(study.methods):
        check = METHOD_CHECKS.get(type(method))
        for mistake in check(method) if check else ():
            path: Path_ = ("methods", index, *mistake.key)
            hint = nearest(mistake.said, mistake.meant)
            yield (
                f"{where(path, data, sources)}: {key_of(path)}{given(path, data)}: {mistake.what}."
                f"{hint} Allowed: {mistake.allowed}."
            )


def _missing_files(
    study: Study, data: Mapping[str, Any], sources: Sequence[Source]
) -> Iterator[str]:
    named: list[tuple[Path_, str]] = []
    # Not every kind of dataset has a path, and cifar10 can do without one.
    if images := getattr(study.dataset, "path", None):
        named.append((("dataset", "path"), images))
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
                f"{where(path, data, sources)}: {key_of(path)} = {short(value)}: no such file or "
                f"folder. Allowed: a path from the working directory ({Path.cwd()}) or from the "
                "root. Set it in the file, or on the command line: "
                f"--config '{path[0]}={nested}'."
            )


def _wrong_images(
    study: Study, data: Mapping[str, Any], sources: Sequence[Source]
) -> Iterator[str]:
    """Find a folder of images without its splits and classes. What is in an archive is not read."""
    images = study.dataset
    if not isinstance(images, FolderDataset):
        return
    path: Path_ = ("dataset", "path")
    place = f"{where(path, data, sources)}: {key_of(path)} = {short(images.path)}"
    if _is(images.path, "folder"):
        try:
            layout(Path(images.path))
        except UserError as error:
            yield f"{place}: {within(images.path, error)}"
        if images.checksum is not None:
            path = ("dataset", "checksum")
            yield (
                f"{where(path, data, sources)}: {key_of(path)}: the SHA-256 of an archive, and "
                "dataset.path is a folder. Allowed: the key beside an archive. Leave it out."
            )
    elif _is(images.path, "file") and not is_archive(images.path):
        yield f"{place}: not an image archive. Allowed: a folder, or {', '.join(ZIP + TAR)}."


def _refuse_unplain(data: Mapping[str, Any], sources: Sequence[Source]) -> None:
    """Raise a UserError if a config has code, too many values or values that are not plain."""
    for source in sources:
        if (found := find(source.node, ("__use_yte__",))) is not None:
            raise UserError(
                f"{source.file}, line {found[0]}: __use_yte__: makes Snakemake run code in the "
                "config. Allowed: a config of plain values, without __use_yte__."
            )
    try:
        value_count(data)
    except TooLarge as error:
        file = sources[-1].file if sources else COMMAND_LINE
        raise UserError(
            f"{file}: {error}. Allowed: the keys of a study, see config/README.md."
        ) from error
    problems = [
        f"{where(path, data, sources)}: {key_of(path)}{given(path, data)}: {what}. "
        f"Allowed: {allowed}."
        for path, what, allowed in mistakes_in(data)
    ]
    if problems:
        raise UserError(_listed(problems))


def _listed(problems: Sequence[str]) -> str:
    shown = [
        *problems[:MOST_PROBLEMS],
        *([f"and {len(problems) - MOST_PROBLEMS} more"] if len(problems) > MOST_PROBLEMS else []),
    ]
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return f"The config cannot be used ({count}):\n" + "\n".join(shown)


def read_study(
    data: Mapping[str, Any],
    files: Sequence[str],
    module: str | None = None,
    outer: Mapping[str, Any] | None = None,
    *,
    check_files: bool = True,
) -> Study:
    """Check a config and make its study.

    Args:
        data: The config.
        files: The files that it comes from, in the order in which they were merged.
        module: The name of this workflow as a module of another workflow; None if it is no module.
        outer: The config of the other workflow, which can hold `data` as a section. The files are
            then those of this config.
        check_files: Whether the files that the config names are checked. They need not exist to
            look at results.

    Returns:
        The study.

    Raises:
        UserError: The config has mistakes. The message has one line for each of them, with file,
            line, key, value and what is allowed.
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
        f"{source.file}, line {line}: {key}: the key is there twice. YAML would silently take the "
        "last one. Allowed: each key once."
        for source in sources
        for key, line in repeated_keys(source.node)
    ]
    try:
        study = Study.model_validate(dict(data))
        problems += (
            [
                *_missing_files(study, data, sources),
                *_wrong_images(study, data, sources),
                *_wrong_code(study, data, sources),
                *_wrong_weights(study, data, sources),
                *_wrong_methods(study, data, sources),
            ]
            if check_files
            else []
        )
    except ValidationError as error:
        problems += [message(detail, data, sources) for detail in error.errors()]
    if problems:
        raise UserError(_listed(problems))
    return study
