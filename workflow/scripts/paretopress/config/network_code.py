"""Check the file of a network, and the files beside it that it imports, without running them."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from .method_files import Mistake, is_found
from .networks import OwnNetwork
from .own_modules import (
    NOT_PYTHON,
    Import,
    Module,
    imports_in,
    is_installed,
    module_beside,
    modules_of,
    parsed,
    target,
)
from .python_files import defined_names, functions_in

STAR = "*"
# A file with one of these may have names that its text does not show.
HIDDEN = {STAR, "__getattr__"}
WRITERS = ("globals", "vars", "locals", "exec", "setattr")
FILES = "files in the folder of the network file, and installed packages"


@dataclass(frozen=True)
class _Code:
    """The files of a network, by path. Those that are not Python are missing."""

    trees: Mapping[Path, ast.Module]

    def imports(self, module: Module) -> list[Import]:
        return imports_in(self.trees[module.file]) if module.file in self.trees else []

    def _sources(self, module: Module) -> Iterator[tuple[Import, Module | None]]:
        """Each `from` import of a module, with the module beside that it names, if it does."""
        for given in self.imports(module):
            if given.names:
                try:
                    parts = target(module, given)
                except ValueError:
                    parts = None
                yield given, module_beside(module.folder, parts or ())

    def names(self, module: Module, seen: frozenset[Path] = frozenset()) -> set[str]:
        """The names in a module. "*" is among them if there may be more."""
        if module.file in seen or module.file not in self.trees:
            return set()
        tree = self.trees[module.file]
        found, seen = defined_names(tree) - {STAR}, seen | {module.file}
        if any(getattr(node, "id", None) in WRITERS for node in ast.walk(tree)):
            found |= {STAR}
        for given, source in self._sources(module):
            if STAR in dict(given.names):
                found |= {STAR} if source is None else self.names(source, seen)
        return found

    def functions(self, module: Module, seen: frozenset[Path] = frozenset()) -> set[str]:
        """The functions and classes of the user's own files that a module has by name."""
        if module.file in seen or module.file not in self.trees:
            return set()
        found, seen = functions_in(self.trees[module.file]), seen | {module.file}
        top = defined_names(self.trees[module.file])
        for given, source in self._sources(module):
            there = self.functions(source, seen) if source is not None else set()
            named = {own for name, own in given.names if name in there and own in top}
            found |= named | (there if STAR in dict(given.names) else set())
        return found


def _mistake(
    module: Module, given: Import, what: str, allowed: str = FILES, *meant: str
) -> Mistake:
    said = f"{module.file}, line {given.line}: {given}: {what}"
    last = given.names[0][0] if given.names and not given.module else given.module.split(".")[-1]
    return Mistake(("path",), said, allowed, last, meant)


def _wrong_names(
    code: _Code, module: Module, given: Import, parts: tuple[str, ...]
) -> Iterator[Mistake]:
    """Find what `from` takes out of a module beside that does not have it."""
    folder, source = module.folder.joinpath(*parts), module_beside(module.folder, parts)
    if source is None or not source.file.is_file():
        source, known = None, set(_beside(folder))
    elif source.file in code.trees:
        known = code.names(source)
    else:
        return
    for name, _ in [] if known & HIDDEN else given.names:
        if name == STAR or module_beside(module.folder, (*parts, name)) is not None:
            continue
        if source is None:
            what = f"there is no {folder / name}.py and no folder {folder / name}"
            yield replace(_mistake(module, given, what, FILES, *sorted(known)), said=name)
        elif name not in known:
            what = f"{source.file} has no {name!r}"
            options = ", ".join(sorted(known)) or "a name that it defines"
            yield replace(_mistake(module, given, what, options, *sorted(known)), said=name)


def _same_name(module: Module, given: Import) -> Iterator[Mistake]:
    """Find an import from an installed package that a file beside has the names of."""
    same = module_beside(module.folder, (given.module.partition(".")[0],))
    if same is not None and same.file.is_file():
        try:
            there = functions_in(parsed(same.file))
        except NOT_PYTHON:
            return
        if {name for name, _ in given.names} & there:
            what = f"an installed package has the same name as {same.file}, and goes before it"
            yield _mistake(module, given, what, "another name for the file beside it")


def _wrong_import(
    code: _Code, module: Module, given: Import, jobs_python: bool
) -> Iterator[Mistake]:
    """Find what is wrong with an import that surely runs."""
    try:
        parts = target(module, given)
    except ValueError as error:
        yield _mistake(module, given, f"{error} ({module.folder})")
        return
    top = given.module.partition(".")[0]
    if parts is None and is_installed(top):
        yield from _same_name(module, given)
    elif parts is None and jobs_python and not is_found(top):
        place = module.folder / top
        what = f"there is no {place}.py, no folder {place}, and no such installed package"
        yield _mistake(module, given, what, FILES, *_beside(module.folder))
    elif parts is not None:
        named = [parts[:length] for length in range(1, len(parts) + 1)]
        lacking = [name for name in named if module_beside(module.folder, name) is None]
        if not lacking:
            yield from _wrong_names(code, module, given, parts)
            return
        place = module.folder.joinpath(*lacking[0])
        what = f"there is no {place}.py and no folder {place}"
        yield _mistake(module, given, what, FILES, *_beside(place.parent))


def _changes_path(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.Attribute) and ast.unparse(node) == "sys.path"
        for node in ast.walk(tree)
    )


def _beside(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.py"))


def mistakes_in_code(own: OwnNetwork) -> Iterator[Mistake]:
    """Find the mistakes in the files of a network that the user has written.

    Args:
        own: The architecture. Its file may be missing.

    Yields:
        Each mistake.
    """
    path = Path(own.path)
    try:
        is_file, is_folder = path.is_file(), path.is_dir()
    except OSError:  # The name is too long for any file, or the folder above may not be read.
        return
    if is_folder or (is_file and not own.path.endswith(".py")):
        yield Mistake(("path",), "not a Python file", "a file that ends with .py")
    elif is_file:
        yield from _mistakes_in(path, own.function)


def _mistakes_in(path: Path, function: str) -> Iterator[Mistake]:
    trees: dict[Path, ast.Module] = {}
    modules = modules_of(path)
    for file in [module.file for module in modules if module.file.is_file()]:
        try:
            trees[file] = parsed(file)
        except NOT_PYTHON as error:
            what = "" if file == path else f"it imports {file}, "
            allowed = "a file that Python can run"
            yield Mistake(("path",), f"{what}not a Python file ({error})", allowed)
    if path not in trees:
        return
    code = _Code(trees)
    # Another Python than that of the jobs does not tell what is installed there. Nor is it known
    # where a file looks that changes sys.path.
    jobs_python = is_found("torch") and not any(map(_changes_path, trees.values()))
    for module in modules:
        for given in filter(lambda given: given.certain, code.imports(module)):
            yield from _wrong_import(code, module, given, jobs_python)
    if not {function, STAR} & code.names(modules[0]):
        offered = sorted(code.functions(modules[0]))
        public = [name for name in offered if not name.startswith("_")] or offered
        options = ", ".join(public) or "a function, which the file has yet to define"
        what = f"{path} defines no such function"
        yield Mistake(("function",), what, options, function, public)
