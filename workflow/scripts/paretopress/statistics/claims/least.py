"""How many seeds or repeats a claim needs: the fewest with which its verdicts can be reached."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from scipy.stats import norm

from ...words import counted
from ..permutations import DRAWS
from ..ranks import LEAST_BLOCKS, LEAST_METHODS, critical_difference
from .evidence import least_units

LEAST_RUNS = 3  # as many runs as the other claims need blocks
# Those of the settings, of the two factors and of their interaction, which Holm adjusts for.
METRIC_TESTS = 4
MOST_BLOCKS = 1000


@dataclass(frozen=True)
class Least:
    """The fewest blocks with which a claim can be supported, and those to be not supported.

    Attributes:
        unit: What a block is, in the singular.
        supported: The fewest to be supported. None where no number of them is enough.
        not_supported: The fewest to be not supported, because an effect that would have been found
            is not shown, or the opposite is. None as above.
        rule: How the two numbers are found.
    """

    unit: str
    supported: int | None
    not_supported: int | None
    rule: str

    def sentence(self, blocks: int) -> str:
        """Tell how many blocks the verdicts need, in a sentence with a space before it.

        Args:
            blocks: The number of blocks that there are.

        Returns:
            The sentence. It is empty if the blocks are enough for both verdicts, or if no number
            of them is enough.
        """
        if self.supported is None or self.not_supported is None:
            return ""
        if blocks >= max(self.supported, self.not_supported):
            return ""
        if self.supported == self.not_supported:
            return f" With {counted(self.supported, self.unit)} or more the claim can be decided."
        return (
            f" With {counted(self.supported, self.unit)} or more the claim can be supported, "
            f"with {counted(self.not_supported, self.unit)} or more it can be not supported."
        )


def _first(enough: Callable[[int], bool]) -> int | None:
    """The smallest number of blocks that is enough, None if none up to MOST_BLOCKS is."""
    return next((blocks for blocks in range(LEAST_BLOCKS, MOST_BLOCKS + 1) if enough(blocks)), None)


def of_signed_rank(unit: str) -> Callable[[float, int], Least]:
    """Find the blocks for a claim that a one-sided signed-rank test over `unit`s decides."""

    def least(level: float, settings: int) -> Least:
        needed = least_units(level)
        rule = "one-sided signed-rank test with all differences on one side: 2^-n is at most"
        return Least(unit, needed, needed, f"{rule} {level:g}")

    return least


def of_metric(level: float, settings: int) -> Least:
    """Find the blocks for the claim that the metric has no effect on so many settings."""
    rule = (
        f"supported: one-sided signed-rank tests can be significant: 2^-n is at most {level:g}; "
        f"not supported: a p by permutation is at most {level:g} after Holm's adjustment for "
        f"{METRIC_TESTS} tests if all seeds rank the settings alike"
    )
    if settings < LEAST_METHODS:
        return Least("seed", None, None, f"at least {LEAST_METHODS} settings are needed")

    def significant(blocks: int) -> bool:
        alike = math.factorial(settings) ** (1 - blocks)  # all orders that are as clear, as a share
        return METRIC_TESTS * max(alike, 1 / (DRAWS + 1)) <= level

    supported = max(LEAST_BLOCKS, least_units(level))
    return Least("seed", supported, _first(significant), rule)


def of_best_and_worst(level: float, settings: int) -> Least:
    """Find the blocks for the claim that the best of so many settings beats the worst."""
    rule = (
        f"supported: Siegel and Castellan's p is at most {level:g} after Holm's adjustment for "
        "all pairs if all seeds rank the settings alike; not supported: one-sided signed-rank "
        f"tests can be significant (2^-n is at most {level:g}), and Nemenyi's critical difference "
        "is possible; fewer are enough if the ranks contradict the means"
    )
    if settings < LEAST_METHODS:
        return Least("seed", None, None, f"at least {LEAST_METHODS} settings are needed")

    def significant(blocks: int) -> bool:
        error = math.sqrt(settings * (settings + 1) / (6 * blocks))
        return math.comb(settings, 2) * 2 * float(norm.sf((settings - 1) / error)) <= level

    def shows_nothing(blocks: int) -> bool:
        possible = critical_difference(blocks, settings, level) < settings - 1
        return possible and blocks >= least_units(level)

    return Least("seed", _first(significant), _first(shows_nothing), rule)


def of_every_run(level: float, settings: int) -> Least:
    """Find the blocks for a claim about every run of a setting: one run refutes it."""
    return Least("seed", LEAST_RUNS, 1, f"every run counts; {LEAST_RUNS} are needed, one refutes")


def of_images(level: float, settings: int) -> Least:
    """Find the blocks for a claim that a test over images decides: one seed is enough."""
    return Least("seed", 1, 1, "the number of images decides, and no number of seeds")
