"""The code that counts: the part of a rule's script and its imports that can change a result.

A rule depends on digests of this code. An edit of a surrogate repeats the searches, and an edit of
a docstring repeats nothing. A digest is that of the syntax tree without these parts:

- comments, formatting and docstrings,
- annotations of functions and of their local names,
- texts of errors and of log lines,
- descriptions of config keys.

Of the folder jobs/ only its format number counts, since no result depends on that folder.
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
DIGITS = 12  # The digits of a digest that are kept.
Param = str | Callable[[Any], str]
LOGGERS = ("log", "logger", "logging")
LEVELS = ("debug", "info", "warning", "error", "exception", "critical", "log")
# Decorators that do not read annotations. Any other decorator may, like functools.singledispatch.
BLIND_TO_ANNOTATIONS = (
    "cache", "cached_property", "classmethod", "contextmanager", "lru_cache", "model_validator",
    "override", "property", "staticmethod",
)  # fmt: skip
# Fields of the syntax tree that change nothing in what a program does.
WITHOUT_MEANING = ("ctx", "kind", "type_comment", "type_ignores")


def _name_of(node: ast.expr) -> str:
    """The last part of a dotted name, or of the name of the function that a call calls."""
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
    """Empty every string literal, and keep only the values of an f-string."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return ast.Constant("") if isinstance(node.value, str) else node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:
        values = [
            self.visit(part.value) for part in node.values if isinstance(part, ast.FormattedValue)
        ]
        return ast.Tuple(values, ast.Load()) if values else ast.Constant("")


class _Counted(ast.NodeTransformer):
    """Remove the parts of a module that do not count; docstrings stay if the module reads them."""

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
        left_out = docstring and not self._reads_docstrings
        return None if left_out else self.generic_visit(node)  # type: ignore[return-value]

    def visit_Pass(self, node: ast.Pass) -> None:
        """Remove `pass`: a body of a docstring alone does the same as one of both."""

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
        assigned = ast.Assign([node.target], node.value)
        return self.generic_visit(assigned)  # type: ignore[return-value]

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
    """A syntax tree as nested tuples, the same in all versions of Python that parse it alike."""
    if isinstance(node, ast.AST):
        fields = [
            (name, _plain(value))
            for name, value in ast.iter_fields(node)
            if name not in WITHOUT_MEANING and value is not None and value != []
        ]
        return (type(node).__name__, *fields)
    return [_plain(item) for item in node] if isinstance(node, list) else repr(node)


def code_digest(text: str) -> str:
    """Compute the digest of the code that counts in a module.

    Args:
        text: The source of the module.

    Returns:
        The first digits of a SHA-256; "" if no code counts, as in an __init__.py.

    Raises:
        SyntaxError: The text is not Python.
    """
    tree = ast.parse(text)
    # `__doc__` can be an attribute, a name, a text that getattr gets, or an imported name.
    said = ("attr", "id", "value", "name")
    reads_docstrings = any(
        getattr(node, field, None) == "__doc__" for node in ast.walk(tree) for field in said
    )
    counted = _Counted(reads_docstrings).visit(tree)
    if not counted.body:
        return ""
    return hashlib.sha256(repr(_plain(counted)).encode()).hexdigest()[:DIGITS]


def counted_files(script: Path) -> Iterator[Path]:
    """List the files whose code counts in a script.

    Args:
        script: The file of the script.

    Yields:
        The script and the package's files that it imports, directly or through others, sorted.
        The files of jobs/ are left out, and so are the files that only jobs/ imports.
    """
    found: set[Path] = set()
    waiting = {script}
    while waiting:
        file = waiting.pop()
        found.add(file)
        waiting |= {path for path in imported(file) if not path.is_relative_to(JOBS)} - found
    yield from sorted(found)


def module_name(file: Path) -> str:
    """The name of a file in messages, such as "statistics/summary.py" for a file of the package."""
    return str(file.relative_to(PACKAGE)) if file.is_relative_to(PACKAGE) else file.name


@cache
def told(file: Path) -> str:
    """Tell a module and the digest of its code: "MODULE DIGEST", or OF_JOBS if no code counts."""
    digest = code_digest(file.read_text(encoding="utf-8"))
    return f"{module_name(file)} {digest}" if digest else OF_JOBS


def code_params(
    script: Path,
    by_wildcard: Mapping[str, Path] = MappingProxyType({}),
    wildcard: str = "",
    *,
    many_jobs: bool = False,
) -> dict[str, Param]:
    """Make the parameters of a rule that hold the code that counts in it.

    There is one parameter for each module, so that Snakemake can say which module repeats a job.

    Args:
        script: The file of the rule's script.
        by_wildcard: Files that count only in the jobs with a certain value of `wildcard`, by this
            value. The files that they import count there too.
        wildcard: The name of the wildcard.
        many_jobs: Whether the rule has a job for each run or seed.

    Returns:
        The parameters by name. A value is "MODULE DIGEST", or OF_JOBS in a job in which the module
        does not count. Every job has the value OF_JOBS, and Snakemake compares sets of values.
        So the file of another method changes nothing for the jobs of this one. The values are
        functions, so that digests are computed only for the rules that have jobs. With `many_jobs`
        they are texts where a module counts in all jobs, since Snakemake takes long to call a
        function for each module in each job.
    """
    every = frozenset(by_wildcard)

    def param(file: Path, values: frozenset[str]) -> Param:
        if values != every:
            return lambda of_job: told(file) if getattr(of_job, wildcard) in values else OF_JOBS
        return told(file) if many_jobs else lambda of_job: told(file)

    values_of: dict[Path, frozenset[str]] = {}
    for value, path in by_wildcard.items():
        for file in counted_files(path):
            values_of[file] = values_of.get(file, frozenset()) | {value}
    values_of |= dict.fromkeys(counted_files(script), every)
    return {f"{CODE}jobs": OF_JOBS} | {
        f"{CODE}{module_name(file)}": param(file, values) for file, values in values_of.items()
    }
