"""Check the regressors that a config lists by their dotted names. This imports their modules."""

import inspect
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from textwrap import shorten
from typing import Any

from .candidates import SURROGATES
from .method_files import Mistake
from .methods import SurrogateMethods
from .regressors import built, regressor_class

LONGEST_ERROR = 200
INSTALLED = {"site-packages", "dist-packages"}
ALLOWED = (
    f"one of {', '.join(SURROGATES)}, or MODULE.CLASS of a regressor with fit and predict that is "
    "built without arguments"
)


def _told(error: BaseException) -> str:
    return shorten(f"{type(error).__name__}: {error}", LONGEST_ERROR)


def _is_regressor(found: Any) -> bool:
    return inspect.isclass(found) and all(
        callable(getattr(found, method, None)) for method in ("fit", "predict")
    )


def _kind(model: Any) -> str | None:
    """The kind of estimator that a model calls itself to scikit-learn, None if it says nothing."""
    if hasattr(model, "__sklearn_tags__"):
        return model.__sklearn_tags__().estimator_type
    return getattr(model, "_estimator_type", None)


def _mistake(key: tuple[str | int, ...], path: str) -> Mistake | None:
    module, _, name = path.rpartition(".")
    try:
        found = regressor_class(path)
    except (Exception, SystemExit) as error:  # A module can raise anything when it is imported.
        if there := sys.modules.get(module):
            options = [other for other in vars(there) if _is_regressor(getattr(there, other))]
            return Mistake(key, f"{module} has no {name}", ALLOWED, name, options)
        return Mistake(
            key,
            f"cannot be imported ({_told(error)})",
            f"{ALLOWED}. Install its package, or put your own module beside the Snakefile or into "
            "a folder of PYTHONPATH",
        )
    if not _is_regressor(found):
        return Mistake(key, "not a class with fit and predict", ALLOWED)
    try:
        model = built(path, seed=0)
    except (Exception, SystemExit) as error:
        return Mistake(
            key,
            f"cannot be built without arguments ({_told(error)})",
            f"{ALLOWED}. A class of your own, which inherits from it, can give the arguments",
        )
    if (kind := _kind(model)) not in ("regressor", None):
        return Mistake(key, f"no regressor, since scikit-learn calls it {kind!r}", ALLOWED)
    return None


def wrong_candidates(family: SurrogateMethods) -> Iterator[Mistake]:
    """Find the candidates that cannot be used. Those of SURROGATES are not imported.

    Args:
        family: The entry of the config's `methods`.

    Yields:
        Each mistake.
    """
    for index, name in enumerate(family.candidates):
        if name not in SURROGATES and (mistake := _mistake(("candidates", index), name)):
            yield mistake


def _file_of(name: str) -> Path | None:
    """The file of the user's that defines a candidate, None if that is of an installed package."""
    try:
        file = Path(inspect.getfile(regressor_class(name)))
    except (TypeError, OSError):  # The class is not from a file.
        return None
    return None if INSTALLED & set(file.parts) else file


def own_files(names: Iterable[str]) -> list[str]:
    """List the Python files of the user's that define candidates.

    Args:
        names: Candidates that were checked.

    Returns:
        The files, each once. The path of one in the working directory begins there.
    """
    files = [file for name in names if name not in SURROGATES and (file := _file_of(name))]
    here = Path.cwd()
    return list(
        dict.fromkeys(
            os.path.relpath(file) if file.is_relative_to(here) else str(file) for file in files
        )
    )
