"""What a Python file defines, read from its text."""

import ast
from collections.abc import Iterator, Sequence


def _statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module's top level, those under if, try, with and loops among them."""
    for statement in body:
        yield statement
        if not isinstance(statement, ast.FunctionDef | ast.ClassDef):
            for name in ("body", "orelse", "finalbody", "handlers"):
                for inner in getattr(statement, name, []):
                    yield from _statements(inner.body if isinstance(inner, ast.ExceptHandler) else [inner])


def defined_names(code: str) -> set[str]:
    """The names that the top level of a Python file defines or imports; "*" where it imports all of another. The code is not run.

    Raises SyntaxError or ValueError: it is no Python.
    """
    defined: set[str] = set()
    for statement in _statements(ast.parse(code).body):
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            defined.add(statement.name)
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            defined |= {alias.asname or alias.name for alias in statement.names}
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            defined |= {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}
    return defined
