"""The names that a Python file defines, read from its text without running it."""

import ast
from collections.abc import Iterator, Mapping, Sequence
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


@dataclass(frozen=True)
class ClassText:
    """A class, with what it inherits from other classes of its file.

    Attributes:
        is_dataclass: Whether it is a dataclass, or inherits from one.
        functions: The names of its methods.
        fields: The fields that it takes as a dataclass, by name.
    """

    is_dataclass: bool
    functions: frozenset[str]
    fields: Mapping[str, FieldText]


def _class_text(node: ast.ClassDef, above: Mapping[str, ClassText]) -> ClassText:
    decorated = "dataclass" in map(_called, node.decorator_list)
    bases = [above[name] for name in map(ast.unparse, reversed(node.bases)) if name in above]
    inherited = {name: field for base in bases for name, field in base.fields.items()}
    own = {
        ast.unparse(inner.target): FieldText(
            ast.unparse(inner.annotation), _is_optional(inner.value)
        )
        for inner in node.body
        if decorated and isinstance(inner, ast.AnnAssign) and _is_given(inner)
    }
    functions = {inner.name for inner in node.body if isinstance(inner, ast.FunctionDef)}
    return ClassText(
        decorated or any(base.is_dataclass for base in bases),
        frozenset(functions.union(*(base.functions for base in bases))),
        inherited | own,
    )


def classes_in(tree: ast.Module) -> dict[str, ClassText]:
    """Find the classes at the top level of a file, and not what they inherit from other files.

    Args:
        tree: The parsed file.

    Returns:
        The classes by name.
    """
    found: dict[str, ClassText] = {}
    for statement in _statements(tree.body):
        if isinstance(statement, ast.ClassDef):
            found[statement.name] = _class_text(statement, found)
    return found


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
