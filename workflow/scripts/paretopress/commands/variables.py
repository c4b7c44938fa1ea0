"""The variables of a design, as a command line names them."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ..compression.designs import INTEGER_VARIABLES, NONE, VARIABLES, Design, design_from_vector
from ..compression.layers import LAYER_KINDS
from ..config.messages import nearest
from ..errors import UserError, short

# What the values of the integer variables mean, by the last part of a variable's name.
MEANINGS = {
    "scope": ("no layer", "a random subset of the layers", "all layers"),
    "target": ("biases", "weights", "weights and biases"),
    "quantization": ("none", "dynamic int8 of the Linear layers"),
}
KIND_WORDS = {"linear": "Linear layer", "conv": "convolution layer"}


def _value(name: str, text: str) -> float:
    """Read the value of a variable."""
    if name in INTEGER_VARIABLES:
        words = MEANINGS[name.rpartition("_")[2]]
        if text in map(str, range(len(words))):
            return int(text)
        allowed = ", ".join(f"{number} ({meaning})" for number, meaning in enumerate(words))
    else:
        try:
            if 0 <= float(text) <= 1:
                return float(text)
        except ValueError:
            pass
        allowed = "a number from 0 to 1, the share of the entries that becomes zero"
    raise UserError(f"{name} = {short(text)}: not allowed. Allowed: {allowed}.")


def read_variables(words: Sequence[str]) -> dict[str, float]:
    """Read the variables of a design.

    Args:
        words: The variables, each as NAME=VALUE.

    Returns:
        The values by name.

    Raises:
        UserError: A name or a value cannot be used, or a scope comes without its amount and target.
    """
    asked: dict[str, float] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise UserError(
                f"{short(word)}: not a variable with a value. "
                "Allowed: NAME=VALUE, such as conv_scope=2."
            )
        if name not in VARIABLES:
            raise UserError(
                f"{short(name)}: no variable of a design.{nearest(name, VARIABLES)} "
                f"Allowed: {', '.join(VARIABLES)}."
            )
        if name in asked:
            raise UserError(f"{name}: given twice. Allowed: each variable once.")
        asked[name] = _value(name, text)
    for kind in LAYER_KINDS:
        names = [f"{kind}_amount", f"{kind}_target"]
        if asked.get(f"{kind}_scope", NONE) != NONE and not asked.keys() >= set(names):
            missing = [name for name in names if name not in asked]
            raise UserError(
                f"{' and '.join(missing)}: not given. {kind}_scope = {asked[f'{kind}_scope']} needs "
                f"both {' and '.join(names)}, such as {kind}_amount=0.9 {kind}_target=1."
            )
    return asked


def design_of_variables(asked: Mapping[str, float]) -> Design:
    """The design with these variables. The others are 0, and amounts are rounded as in a search."""
    return design_from_vector(np.array([asked.get(name, 0) for name in VARIABLES], dtype=float))


def without_effect(asked: Mapping[str, float], folded: Design) -> Iterator[str]:
    """Say which variables have no effect, or another value in effect.

    Args:
        asked: The values by name, from `read_variables`.
        folded: The design with the variables that have an effect, from `plans.canonical`.

    Yields:
        A line for each of them.
    """
    design = design_of_variables(asked)
    for kind, layer in KIND_WORDS.items():
        scope, target = f"{kind}_scope", f"{kind}_target"
        wanted, kept = getattr(design, scope), getattr(folded, scope)
        if wanted == NONE:
            for name in (f"{kind}_amount", target):
                if name in asked:
                    yield f"{name} has no effect: {scope} is {NONE}"
        elif kept == NONE:
            yield f"{scope} has no effect: no entry of a chosen {layer} becomes zero"
        elif kept != wanted:
            yield f"{scope} is {kept}: the random subset has every {layer} that loses entries"
        if kept != NONE and getattr(design, target) != getattr(folded, target):
            yield f"{target} is {getattr(folded, target)}: no {layer} has a bias"
    if design.quantization != folded.quantization:
        yield "quantization has no effect: the network has no Linear layer that torch quantises"
