"""What a Python file defines, read from its text."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


def _statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module's top level, those under if, try, with and loops among them."""
    for statement in body:
        yield statement
        if not isinstance(statement, ast.FunctionDef | ast.ClassDef):
            for name in ("body", "orelse", "finalbody", "handlers"):
                for inner in getattr(statement, name, []):
                    yield from _statements(
                        inner.body if isinstance(inner, ast.ExceptHandler) else [inner]
                    )


@dataclass(frozen=True)
class FieldText:
    """A field of a dataclass: its annotation as it is written, and whether it has a default."""

    annotation: str
    optional: bool


def _called(node: ast.expr) -> str:
    """The last part of a name, of a call the name of what is called: "field" for dataclasses.field(default=1)."""
    node = node.func if isinstance(node, ast.Call) else node
    return ast.unparse(node).rpartition(".")[-1]


def _is_given(field: ast.AnnAssign) -> bool:
    """Whether the field is an argument of the class: neither a ClassVar nor a field(init=False)."""
    derived = isinstance(field.value, ast.Call) and any(
        keyword.arg == "init" and ast.unparse(keyword.value) == "False"
        for keyword in field.value.keywords
    )
    return not derived and not ast.unparse(field.annotation).startswith(
        ("ClassVar", "typing.ClassVar")
    )


def _is_optional(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Call) and _called(value) == "field":
        return any(keyword.arg in ("default", "default_factory") for keyword in value.keywords)
    return value is not None


def dataclass_fields(code: str, name: str) -> dict[str, FieldText] | None:
    """The fields that the dataclass `name` takes, by its own body; None where the code defines no such dataclass. The code is not run.

    Raises SyntaxError or ValueError: it is no Python.
    """
    for statement in _statements(ast.parse(code).body):
        if (
            isinstance(statement, ast.ClassDef)
            and statement.name == name
            and "dataclass" in map(_called, statement.decorator_list)
        ):
            fields = [
                inner
                for inner in statement.body
                if isinstance(inner, ast.AnnAssign) and _is_given(inner)
            ]
            return {
                ast.unparse(field.target): FieldText(
                    ast.unparse(field.annotation), _is_optional(field.value)
                )
                for field in fields
            }
    return None


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
            defined |= {
                node.id
                for target in targets
                for node in ast.walk(target)
                if isinstance(node, ast.Name)
            }
    return defined
