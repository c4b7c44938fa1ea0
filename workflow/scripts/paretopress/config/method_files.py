"""Find the method that a file in the folder methods/ defines, by its text and without importing it."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..imports import PACKAGE
from .base import refuse
from .own_modules import NOT_PYTHON, Import, imports_in, module_beside, parsed
from .python_files import ClassText, classes_in

METHODS = PACKAGE / "methods"
WANTED = (
    "a file with one dataclass that has a method run(self, archive, after_iteration), as in "
    "docs/extending.md. Classes with a name that begins with _ do not count, nor does what is "
    "inherited from another file"
)


def families() -> list[str]:
    """List the families of methods: the names of the files in the folder methods/."""
    return sorted(file.stem for file in METHODS.glob("[!_]*.py") if "." not in file.stem)


def method_file(implementation: str) -> Path:
    """The file of a method in the folder methods/, from its FILE.CLASS or its family."""
    return METHODS / f"{implementation.split('.')[0]}.py"


def _parsed(family: str) -> ast.Module:
    try:
        return parsed(method_file(family))
    except NOT_PYTHON as error:
        what = f"methods/{family}.py is not Python ({error})"
        raise refuse(what, "a file that Python can run") from error


def method_class(family: str) -> tuple[str, ClassText]:
    """Find the class of a method: the one dataclass of its file that has a method run.

    Args:
        family: The name of the file.

    Returns:
        The name of the class, and the class.

    Raises:
        PydanticCustomError: The file is not Python, or has none or several of these classes.
    """
    classes = {
        name: found
        for name, found in classes_in(_parsed(family)).items()
        if not name.startswith("_")
    }
    runs = [name for name, found in classes.items() if "run" in found.functions]
    dataclasses = [name for name, found in classes.items() if found.is_dataclass]
    methods = [name for name in runs if name in dataclasses]
    if len(methods) == 1:
        return methods[0], classes[methods[0]]
    file = f"methods/{family}.py"
    if methods:
        raise refuse(
            f"{file} defines {len(methods)} methods: {', '.join(methods)}",
            "one method in each file. Begin the names of classes that are none with _",
        )
    lacks = (
        f": @dataclass is missing above class {', '.join(runs)}"
        if runs
        else f": a method run is missing in class {', '.join(dataclasses)}"
        if dataclasses
        else ""
    )
    raise refuse(f"{file} defines no method{lacks}", WANTED)


@dataclass(frozen=True)
class Mistake:
    """A mistake in an entry of the config's `methods`.

    Attributes:
        key: The path of the wrong key within the entry.
        what: The problem.
        allowed: What is allowed there.
        said: A value that may be a misspelt word.
        meant: The words that `said` may be a misspelling of.
    """

    key: tuple[str | int, ...]
    what: str
    allowed: str
    said: Any = ""
    meant: Sequence[str] = ()


def is_found(name: str) -> bool:
    """Tell whether Python here finds a top-level name."""
    try:
        return find_spec(name) is not None
    except (ValueError, ImportError):  # Of odd names such as __main__.
        return True


def _how_to_install(tree: ast.Module) -> str:
    """What a file says with the constant INSTALL, "" if it says nothing."""
    for statement in tree.body:
        match statement:
            case ast.Assign([ast.Name("INSTALL")], ast.Constant(str(command))):
                return f" ({command} installs them)"
    return ""


def missing_packages(family: str) -> Iterator[Mistake]:
    """Find the packages that the file of a method surely imports and that are not installed."""
    # Another Python than that of the jobs does not tell what is installed there.
    if not is_found("torch"):
        return
    tree = _parsed(family)
    missing: dict[str, Import] = {}
    for given in imports_in(tree):
        name = given.module.partition(".")[0]
        beside = given.level or module_beside(PACKAGE.parent, (name,))
        if given.certain and not beside and not is_found(name):
            missing.setdefault(name, given)
    allowed = f"a method whose packages are installed{_how_to_install(tree)}"
    for name, given in missing.items():
        yield Mistake(
            ("family",),
            f"methods/{family}.py, line {given.line}: {given}: {name} is not installed",
            allowed,
        )
