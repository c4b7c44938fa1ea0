"""The code that counts: what a rule's script imports, less everything that no result depends on.

A rule depends on a digest of it, so that an edited surrogate has searches made again, and a mended
docstring nothing. The digest is of the syntax tree, without comments, formatting, docstrings,
annotations of functions and of their local names, texts of errors and of log lines, and descriptions
of config keys. Nothing in jobs/ counts but its format number: it keeps jobs alive and honest.
"""

import ast
import hashlib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from .imports import PACKAGE, imported
from .jobs.job import CODE
from .jobs.sealed import FORMAT

JOBS = PACKAGE / "jobs"
OF_JOBS = f"jobs format {FORMAT}"
DIGITS = 12  # of a digest
LOGGERS = ("log", "logger", "logging")
LEVELS = ("debug", "info", "warning", "error", "exception", "critical", "log")
# Decorators that take no notice of annotations. Any other one may, as functools.singledispatch does.
BLIND_TO_ANNOTATIONS = (
    "cache", "cached_property", "classmethod", "contextmanager", "lru_cache", "model_validator",
    "override", "property", "staticmethod",
)  # fmt: skip
WITHOUT_MEANING = ("ctx", "kind", "type_comment", "type_ignores")  # fields of the syntax tree


def _name_of(node: ast.expr) -> str:
    """The last part of a dotted name; of a call, that of what is called."""
    node = node.func if isinstance(node, ast.Call) else node
    return getattr(node, "attr", getattr(node, "id", ""))


def _is_log_call(call: ast.Call) -> bool:
    function = call.func
    return (
        isinstance(function, ast.Attribute)
        and function.attr in LEVELS
        and _name_of(function.value).lstrip("_") in LOGGERS
    )


class _WithoutTexts(ast.NodeTransformer):
    """String literals are empty; of an f-string, the values are left that stand in it."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return ast.Constant("") if isinstance(node.value, str) else node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:
        values = [
            self.visit(part.value) for part in node.values if isinstance(part, ast.FormattedValue)
        ]
        return ast.Tuple(values, ast.Load()) if values else ast.Constant("")


class _Counted(ast.NodeTransformer):
    """What a module does. reads_docstrings: whether it does something with `__doc__`."""

    def __init__(self, reads_docstrings: bool) -> None:
        self._reads_docstrings = reads_docstrings
        self._in_function = False

    def _within(self, node: Any, in_function: bool) -> Any:
        outside, self._in_function = self._in_function, in_function
        self.generic_visit(node)
        self._in_function = outside
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.stmt | None:
        docstring = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if docstring and not self._reads_docstrings else self.generic_visit(node)  # type: ignore[return-value]

    def visit_Pass(self, node: ast.Pass) -> None:
        """A body of a docstring alone, or of that and `pass`, does the same."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.stmt:
        if {_name_of(decorator) for decorator in node.decorator_list} <= set(BLIND_TO_ANNOTATIONS):
            given = node.args
            every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
            for argument in every:
                if argument is not None:
                    argument.annotation = None
            node.returns = None
        return self._within(node, in_function=True)

    visit_AsyncFunctionDef = visit_FunctionDef  # type: ignore[assignment]

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.stmt:
        return self._within(node, in_function=False)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt | None:
        if not self._in_function:
            return self.generic_visit(node)  # type: ignore[return-value]
        if node.value is None:
            return None
        return self.generic_visit(ast.Assign([node.target], node.value))  # type: ignore[return-value]

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        return _WithoutTexts().visit(self.generic_visit(node))

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if _is_log_call(node) or _name_of(node).endswith("Error"):
            return _WithoutTexts().visit(node)
        if _name_of(node) == "Field":
            for keyword in node.keywords:
                if keyword.arg == "description":
                    keyword.value = _WithoutTexts().visit(keyword.value)
        return node


def _plain(node: Any) -> Any:
    """A syntax tree as nested tuples, the same in every version of Python that parses it alike."""
    if isinstance(node, ast.AST):
        fields = [
            (name, _plain(value))
            for name, value in ast.iter_fields(node)
            if name not in WITHOUT_MEANING and value is not None and value != []
        ]
        return (type(node).__name__, *fields)
    return [_plain(item) for item in node] if isinstance(node, list) else repr(node)


def code_digest(text: str) -> str:
    """Of the code that counts in a module; "" where there is none, as in an __init__.py.

    Raises SyntaxError: the text is no Python.
    """
    tree = ast.parse(text)
    # As an attribute, a name, a text given to getattr, or something imported.
    said = ("attr", "id", "value", "name")
    reads_docstrings = any(
        getattr(node, field, None) == "__doc__" for node in ast.walk(tree) for field in said
    )
    counted = _Counted(reads_docstrings).visit(tree)
    if not counted.body:
        return ""
    return hashlib.sha256(repr(_plain(counted)).encode()).hexdigest()[:DIGITS]


@cache
def _digest_of(file: Path) -> str:
    return code_digest(file.read_text(encoding="utf-8"))


def counted_files(script: Path) -> Iterator[Path]:
    """A script, and every file of the package whose code counts in it: imported directly or through
    others, but for jobs/, and what is imported there alone."""
    found: set[Path] = set()
    waiting = {script}
    while waiting:
        file = waiting.pop()
        found.add(file)
        waiting |= {path for path in imported(file) if not path.is_relative_to(JOBS)} - found
    yield from sorted(found)


def module_name(file: Path) -> str:
    """As it is shown: "statistics/summary.py" within the package, else the file's own name."""
    return str(file.relative_to(PACKAGE)) if file.is_relative_to(PACKAGE) else file.name


def _told(file: Path) -> str:
    digest = _digest_of(file)
    return f"{module_name(file)} {digest}" if digest else OF_JOBS


def code_params(
    script: Path, by_wildcard: Mapping[str, Path] = MappingProxyType({}), wildcard: str = ""
) -> dict[str, str | Callable[[Any], str]]:
    """The code that counts in a rule as its parameters, one for each module: Snakemake says which of
    them made a job run again.

    by_wildcard: files that count, too, in the jobs with these values of `wildcard`, with what they
    import. A value is "MODULE DIGEST". For a job in which the module does not count it is OF_JOBS,
    which every job has: Snakemake compares sets of values, so that another method adds nothing to
    the jobs of this one. They are functions, since a job needs the digests of its own rule alone.
    """

    def of(file: Path, values: frozenset[str] | None) -> Callable[[Any], str]:
        def told(wildcards: Any) -> str:
            counts = values is None or getattr(wildcards, wildcard) in values
            return _told(file) if counts else OF_JOBS

        return told

    values_of: dict[Path, frozenset[str]] = {}
    for value, path in by_wildcard.items():
        for file in counted_files(path):
            values_of[file] = values_of.get(file, frozenset()) | {value}
    found = {file: of(file, values) for file, values in values_of.items()}
    found |= {file: of(file, None) for file in counted_files(script)}
    return {f"{CODE}jobs": OF_JOBS} | {
        f"{CODE}{module_name(file)}": told for file, told in found.items()
    }
