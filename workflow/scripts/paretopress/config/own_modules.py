"""The files beside a network file that it imports, found in its text without running it.

The folder of the network file is looked in, as Python looks in the folder of a script. An installed
package, or a module of Python itself, goes before a file of the same name.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path

# What calls with the name of a module import it.
IMPORTERS = ("import_module", "__import__")
PACKAGE_FILE = "__init__.py"
# What reading and parsing a file can raise. Python's parser raises RecursionError or MemoryError if
# code is nested too deeply.
NOT_PYTHON = (SyntaxError, ValueError, RecursionError, MemoryError, OSError)


@dataclass(frozen=True)
class Import:
    """An import in a Python file.

    Attributes:
        line: The line.
        level: The leading dots, 0 for an absolute import.
        module: The dotted name after them, "" for `from . import x`.
        names: What `from` takes out of the module: (name, name in the file). Empty for `import`.
        certain: Whether it surely runs when the file does, and nothing catches its failure.
    """

    line: int
    level: int
    module: str
    names: tuple[tuple[str, str], ...] = ()
    certain: bool = False

    def __str__(self) -> str:
        source = "." * self.level + self.module
        if not self.names:
            return f"import {source}"
        return f"from {source} import {', '.join(name for name, _ in self.names)}"


@dataclass(frozen=True)
class Module:
    """A network file, or a module beside it.

    Attributes:
        folder: The folder of the network file.
        parts: The parts of the module's dotted name, seen from the folder.
        file: Its file. The __init__.py of a folder of modules need not exist.
    """

    folder: Path
    parts: tuple[str, ...]
    file: Path

    @property
    def package(self) -> tuple[str, ...]:
        """The parts of the name that its relative imports begin at."""
        return self.parts if self.file.name == PACKAGE_FILE else self.parts[:-1]


def network_module(path: Path) -> Module:
    """The module of a network file."""
    return Module(path.parent, (path.stem.replace(".", "_"),), path)


def module_beside(folder: Path, parts: tuple[str, ...]) -> Module | None:
    """Find a module by the parts of its name seen from a folder; None if there is none."""
    if not parts:
        return None
    place = folder.joinpath(*parts)
    for file in (place / PACKAGE_FILE, place.with_name(f"{place.name}.py")):
        if file.is_file():
            return Module(folder, parts, file)
    return Module(folder, parts, place / PACKAGE_FILE) if place.is_dir() else None


def is_installed(name: str) -> bool:
    """Tell whether a top-level name is a module of Python itself or of an installed package."""
    if name in sys.stdlib_module_names:
        return True
    # Not all of sys.path: it has the folders of this workflow too.
    folders = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    found = PathFinder.find_spec(name, folders)
    return found is not None and found.origin is not None


def is_beside(folder: Path, name: str) -> bool:
    """Tell whether the user's files mean a module beside them by a top-level name."""
    found = module_beside(folder, (name,))
    if found is None or is_installed(name):
        return False
    # As in Python, a folder without an __init__.py comes after a package of this name elsewhere.
    elsewhere = PathFinder.find_spec(name)
    return found.file.is_file() or elsewhere is None or elsewhere.origin is None


def _inner(node: ast.stmt) -> list[ast.stmt]:
    """The statements directly in a statement, also in its handlers and cases."""
    found: list[ast.stmt] = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ExceptHandler | ast.match_case):
            found += child.body
        elif isinstance(child, ast.stmt):
            found.append(child)
    return found


def _statements(nodes: list[ast.stmt], certain: bool) -> Iterator[Import]:
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(node.lineno, 0, alias.name, (), certain)
        elif isinstance(node, ast.ImportFrom):
            names = tuple((alias.name, alias.asname or alias.name) for alias in node.names)
            yield Import(node.lineno, node.level, node.module or "", names, certain)
        else:
            runs = isinstance(node, ast.ClassDef | ast.With)
            yield from _statements(_inner(node), certain and runs)


def _calls(tree: ast.Module, importers: set[str]) -> Iterator[Import]:
    """Find calls such as importlib.import_module("blocks"), with a text as the name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            function, name = ast.unparse(node.func).rpartition(".")[-1], node.args[0].value
            if function in importers and isinstance(name, str):
                module = name.lstrip(".")
                yield Import(node.lineno, len(name) - len(module), module)


def imports_in(tree: ast.Module) -> list[Import]:
    """List the imports of a file, also those inside functions."""
    found = list(_statements(tree.body, certain=True))
    renamed = {own for given in found for name, own in given.names if name in IMPORTERS}
    return [*found, *_calls(tree, renamed.union(IMPORTERS))]


def parsed(path: Path) -> ast.Module:
    """Parse a Python file.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: It is not Python, or nested too deeply
            for Python's parser.
        OSError: It cannot be read.
    """
    return ast.parse(path.read_bytes(), path.name)


def target(module: Module, given: Import) -> tuple[str, ...] | None:
    """The parts of the name that an import of a module beside is of; None for one from elsewhere.

    Raises:
        ValueError: A relative import leaves the folder of the network file.
    """
    parts = tuple(filter(None, given.module.split(".")))
    if not given.level:
        return parts if parts and is_beside(module.folder, parts[0]) else None
    base, up = module.package, given.level - 1
    if up > len(base):
        raise ValueError("it leaves the folder of the network file")
    return (*base[: len(base) - up], *parts)


def imported_beside(module: Module, given: Import) -> list[Module]:
    """List the modules beside that an import loads, with the packages above them."""
    try:
        parts = target(module, given)
    except ValueError:
        return []
    if parts is None:
        return []
    names = [(*parts, name) for name, _ in given.names if name != "*"]
    above = [parts[:length] for length in range(1, len(parts) + 1)]
    found = (module_beside(module.folder, name) for name in (*above, *names))
    return [one for one in found if one is not None]


def modules_of(path: Path) -> list[Module]:
    """List the module of a network file, and those beside it that it imports, also through others.

    Args:
        path: The network file.

    Returns:
        The modules, that of the network file first. What a file imports that is not Python is not
        found.
    """
    found: dict[tuple[str, ...], Module] = {}
    waiting = [network_module(path)]
    while waiting:
        module = waiting.pop(0)
        if module.parts in found:
            continue
        found[module.parts] = module
        try:
            imports = imports_in(parsed(module.file))
        except NOT_PYTHON:  # Also a folder without an __init__.py.
            continue
        waiting += [one for given in imports for one in imported_beside(module, given)]
    return list(found.values())


def code_files(path: Path) -> list[Path]:
    """List the files that build a network: the network file, and those beside it that it imports.

    Args:
        path: The network file.

    Returns:
        The files, that of the network first. Their paths begin as `path` does.
    """
    return [module.file for module in modules_of(path) if module.file.is_file()]
