"""The variables of a design, as a command line names them."""

from collections.abc import Iterator, Mapping, Sequence

from ..compression.designs import design_of
from ..compression.layers import LAYER_KINDS
from ..config.messages import nearest
from ..config.variables import AMOUNT_DIGITS, NONE, VARIABLES, Design
from ..errors import UserError, short

KIND_WORDS = {"linear": "Linear layer", "conv": "convolution layer"}


def _value(name: str, text: str) -> float:
    """Read the value of a variable."""
    known = VARIABLES[name]
    if known.values:
        if text in map(str, known.values):
            return int(text)
        allowed = known.choice
    else:
        try:
            if 0 <= float(text) <= 1:
                return round(float(text), AMOUNT_DIGITS)
        except ValueError:
            pass
        allowed = f"a number from 0 to 1, the {known.meaning}"
    raise UserError(f"{name} = {short(text)}: not allowed. Allowed: {allowed}.")


def read_variables(words: Sequence[str]) -> dict[str, float]:
    """Read the variables of a design.

    Args:
        words: The variables, each as NAME=VALUE.

    Returns:
        The values by name, amounts rounded as in a search.

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
                f"{short(name)}: no variable of a design.{nearest(name, list(VARIABLES))} "
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


def without_effect(asked: Mapping[str, float], folded: Design) -> Iterator[str]:
    """Say which variables have no effect, or another value in effect.

    Args:
        asked: The values by name, from `read_variables`.
        folded: The design with the variables that have an effect, from `plans.canonical`.

    Yields:
        A line for each of them.
    """
    design = design_of(asked)
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
        if getattr(design, bits := f"{kind}_bits") != getattr(folded, bits):
            yield f"{bits} has no effect: the network has no {layer}"
    if design.quantization != folded.quantization:
        yield "quantization has no effect: the network has no Linear layer that torch quantises"
