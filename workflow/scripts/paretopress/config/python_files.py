"""The names that a Python file defines, read from its text without running it."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


def _statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a module's top level, also those under if, try, with and loops."""
    for statement in body:
        yield statement
        if not isinstance(statement, FUNCTIONS | ast.ClassDef):
            for name in ("body", "orelse", "finalbody", "handlers", "cases"):
                for inner in getattr(statement, name, []):
                    yield from _statements([inner] if isinstance(inner, ast.stmt) else inner.body)


@dataclass(frozen=True)
class FieldText:
    """A field of a dataclass.

    Attributes:
        annotation: The annotation, as it is written.
        optional: Whether the field has a default.
    """

    annotation: str
    optional: bool


def _called(node: ast.expr) -> str:
    """The last part of a name or of a called name, as "field" of dataclasses.field(default=1)."""
    node = node.func if isinstance(node, ast.Call) else node
    return ast.unparse(node).rpartition(".")[-1]


def _is_given(field: ast.AnnAssign) -> bool:
    """Tell whether a field is an argument of the class, so no ClassVar and no field(init=False)."""
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
    """Find the fields that a dataclass takes. Inherited fields are not found.

    Args:
        code: The text of a Python file. It is not run.
        name: The name of the dataclass.

    Returns:
        The fields by name; None if the file defines no such dataclass.

    Raises:
        SyntaxError: The text is not Python.
        ValueError: The text is not Python, for example because it has a null byte.
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


def functions_in(tree: ast.Module) -> set[str]:
    """Find the names of the functions and classes that the top level of a Python file defines."""
    return {
        statement.name
        for statement in _statements(tree.body)
        if isinstance(statement, FUNCTIONS | ast.ClassDef)
    }


def defined_names(tree: ast.Module) -> set[str]:
    """Find the names that the top level of a Python file defines or imports.

    Args:
        tree: The parsed file.

    Returns:
        The names. "*" is among them if the file imports all names of another one.
    """
    defined = functions_in(tree)
    for statement in _statements(tree.body):
        if isinstance(statement, ast.Import):
            # `import a.b` defines a.
            defined |= {alias.asname or alias.name.partition(".")[0] for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom):
            defined |= {alias.asname or alias.name for alias in statement.names}
        elif not isinstance(statement, FUNCTIONS | ast.ClassDef):
            defined |= {
                node.id
                for node in ast.walk(statement)
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
            }
    globals_ = (node.names for node in ast.walk(tree) if isinstance(node, ast.Global))
    return defined.union(*globals_)
