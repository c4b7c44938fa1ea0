"""Import the class of a candidate surrogate, and build the regressor."""

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from .candidates import SURROGATES, path_of


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


def _arguments(model: Any) -> Mapping[str, Any]:
    """The arguments of a surrogate of SURROGATES, for its class and those that inherit from it."""
    for known in SURROGATES.values():
        module, _, name = known.path.rpartition(".")
        # A class that was not imported is no class of the model.
        if isinstance(model, getattr(sys.modules.get(module), name, ())):
            return known.arguments
    return {}


def built(name: str, seed: int) -> Any:
    """Build a candidate with default hyperparameters, so that its result depends on the seed alone.

    Args:
        name: A key of SURROGATES, or the dotted name of a class.
        seed: The seed.

    Returns:
        The regressor. It is silent and has one thread where it has parameters or attributes for
        them, so that its result does not depend on the load of the machine.
    """
    model = regressor_class(path_of(name))()
    parameters = model.get_params() if hasattr(model, "get_params") else {}
    for key, value in {"random_state": seed, "n_jobs": 1, "verbose": 0}.items():
        if key in parameters:
            model.set_params(**{key: value})
        elif hasattr(model, key):  # A class that inherits may hide the parameters.
            setattr(model, key, value)
    if arguments := _arguments(model):
        model.set_params(**arguments)
    return model
