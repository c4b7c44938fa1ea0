"""Import the class of a candidate surrogate, and build the regressor."""

from functools import cache
from importlib import import_module
from inspect import signature
from typing import Any

from .candidates import SURROGATES, path_of

ARGUMENTS = {known.path: known.arguments for known in SURROGATES.values()}


def regressor_class(path: str) -> Any:
    """Import what a dotted name names.

    Args:
        path: MODULE.CLASS, from this folder on if it begins with a dot.

    Returns:
        The class, or whatever else has this name.

    Raises:
        ImportError: There is no such module. A module can raise other errors.
        AttributeError: The module has nothing of this name.
    """
    module, _, name = path.rpartition(".")
    if module.split(".")[0] == "lightgbm":
        import_module("torch")  # lightgbm needs the OpenMP runtime of torch's wheel.
    return getattr(import_module(module, __package__), name)


@cache
def _parameters(path: str) -> frozenset[str]:
    """The names of the parameters of a class."""
    found = regressor_class(path)
    # XGBoost takes some of its parameters as **kwargs, and get_params lists them.
    listed = found().get_params() if hasattr(found, "get_params") else ()
    return frozenset([*signature(found).parameters, *listed])


def built(name: str, seed: int) -> Any:
    """Build a candidate with default hyperparameters, so that its result depends on the seed alone.

    Args:
        name: A key of SURROGATES, or the dotted name of a class.
        seed: The seed.

    Returns:
        The regressor. It is silent and has one thread where its class has parameters for them, so
        that its result does not depend on the load of the machine.
    """
    path = path_of(name)
    settled = {"random_state": seed, "n_jobs": 1, "verbose": 0}
    own = {key: value for key, value in settled.items() if key in _parameters(path)}
    return regressor_class(path)(**own | dict(ARGUMENTS.get(path, {})))
