"""Check the regressors that a config lists by their dotted names. This imports and fits them."""

import inspect
import os
import sys
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from textwrap import shorten
from typing import Any

from .candidates import SURROGATES, path_of
from .method_files import Mistake
from .methods import SurrogateMethods
from .regressors import built, regressor_class

LONGEST_ERROR = 200
ROWS = 20  # samples of the trial
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
    try:
        return model.__sklearn_tags__().estimator_type
    except AttributeError:  # It is no estimator of scikit-learn, or half of one.
        return getattr(model, "_estimator_type", None)


def _fails(path: str) -> str | None:
    """Fit a candidate twice to a few samples with one seed, and tell what is wrong with it."""
    import numpy as np  # Most studies list no class, and each start of Snakemake reads this file.

    rng = np.random.default_rng(0)
    X, y = rng.random((ROWS, 7)), rng.random(ROWS)
    predictions = []
    try:
        with warnings.catch_warnings(action="ignore"):
            for _ in range(2):
                model = built(path, seed=1)
                model.fit(X, y)
                predictions.append(np.asarray(model.predict(X)))
    except (Exception, SystemExit) as error:
        return f"cannot be fitted to {ROWS} samples ({_told(error)})"
    first, second = predictions
    if first.shape != (ROWS,):
        return f"predicts an array of shape {first.shape} for {ROWS} samples, not ({ROWS},)"
    if not np.array_equal(first, second):
        return (
            "predicts something else when it is fitted again with the same seed. Its attribute "
            "random_state must decide all of its random numbers"
        )
    return None


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
    wrong = _fails(path)
    return Mistake(key, wrong, ALLOWED) if wrong else None


def wrong_candidates(family: SurrogateMethods) -> Iterator[Mistake]:
    """Find the candidates that cannot be used. Those of SURROGATES are not imported.

    Args:
        family: The entry of the config's `methods`.

    Yields:
        Each mistake.
    """
    mistakes = [
        _mistake(("candidates", index), name)
        for index, name in enumerate(family.candidates)
        if name not in SURROGATES
    ]
    if found := list(filter(None, mistakes)):
        yield from found
        return
    classes: dict[Any, str] = {}
    for index, name in enumerate(family.candidates):
        path = path_of(name)
        # A class of SURROGATES that was not imported by now is in the list once.
        if path.rpartition(".")[0] in sys.modules:
            other = classes.setdefault(regressor_class(path), name)
            if other != name:
                key = ("candidates", index)
                yield Mistake(key, f"the same class as {other!r}", "each class once")


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
        The files, each once. The path of one in the working directory is relative to it.
    """
    files = [file for name in names if name not in SURROGATES and (file := _file_of(name))]
    here = Path.cwd()
    return list(
        dict.fromkeys(
            os.path.relpath(file) if file.is_relative_to(here) else str(file) for file in files
        )
    )
