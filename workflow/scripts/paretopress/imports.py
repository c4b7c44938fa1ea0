"""The files of this package that a Python file imports, read from its import statements."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent


def _module_file(parts: tuple[str, ...]) -> Path | None:
    """Find the file of a module by the parts of its name after the package's own."""
    base = PACKAGE.joinpath(*parts)
    for candidate in (base / "__init__.py", base.with_suffix(".py")):
        if candidate.is_file():
            return candidate
    return None


def _statements(block: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield every statement of a block and of the blocks in it."""
    # An import is never inside an expression. Most of a file is expressions, so these are skipped.
    for statement in block:
        yield statement
        for inner in ("body", "orelse", "finalbody"):
            yield from _statements(getattr(statement, inner, []))
        for branch in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
            yield from _statements(branch.body)


@cache
def imported(file: Path) -> frozenset[Path]:
    """List the files of the package that a file imports by its own statements.

    Args:
        file: A Python file inside or outside of the package.

    Returns:
        The files. A module brings the __init__.py of each package above it along.
    """
    inside = file.relative_to(PACKAGE).parts[:-1] if file.is_relative_to(PACKAGE) else None
    modules: set[tuple[str, ...]] = set()
    for node in _statements(ast.parse(file.read_text(encoding="utf-8"), str(file)).body):
        if isinstance(node, ast.Import):
            names = [tuple(alias.name.split(".")) for alias in node.names]
            modules |= {name[1:] for name in names if name[0] == PACKAGE.name}
        elif isinstance(node, ast.ImportFrom):
            module = tuple(node.module.split(".")) if node.module else ()
            if node.level and inside is not None:
                base = (*inside[: len(inside) - node.level + 1], *module)
            elif not node.level and module and module[0] == PACKAGE.name:
                base = module[1:]
            else:
                continue
            modules |= {base} | {(*base, alias.name) for alias in node.names}
    parents = {module[:length] for module in modules for length in range(len(module) + 1)}
    return frozenset(found for module in parents if (found := _module_file(module)) is not None)
