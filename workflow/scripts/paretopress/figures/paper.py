"""Which figures of the paper (Ferreira, de Barros, Ibrahim and Silva 2023) correspond to ours."""

from collections.abc import Sequence

from .captions import listed

# Four of our figures correspond to these eight of the paper. Which of the eight belongs to which of
# the four is not recorded in this project. With the paper at hand, narrow the four entries below.
OF_SETTINGS = (2, 3, 4, 5, 6, 7, 8, 10)
OF_TIMES = (9, 11)
NETWORKS = 2  # in the paper: ours have one figure for each network, and so at most two there

PAPER_FIGURES: dict[str, tuple[int, ...]] = {
    "front": (),
    "worst-run-front": OF_SETTINGS,
    "inference": (),
    "worst-run-inference": OF_TIMES,
    "hypervolume": (),
    "convergence": (),
    "attainment": (),
    "critical-difference": (),
    "hypervolume-by-objective-metric": OF_SETTINGS,
    "hypervolume-by-constraint-metric": OF_SETTINGS,
    "best-and-worst": OF_SETTINGS,
    "surrogates": (),
    "fallbacks": (),
    "time": (),
}


def in_words(numbers: Sequence[int]) -> str:
    """Ascending numbers in words: "9 and 11", "2 to 8 and 10"."""
    stretches: list[list[int]] = []
    for number in numbers:
        if stretches and stretches[-1][-1] == number - 1:
            stretches[-1].append(number)
        else:
            stretches.append([number])
    return listed(
        str(stretch[0]) if len(stretch) == 1 else f"{stretch[0]} to {stretch[-1]}"
        for stretch in stretches
    )


def paper_note(figure: str) -> str:
    """The sentence of a caption that names the figures of the paper.

    Args:
        figure: A key of `PAPER_FIGURES`.
    """
    numbers = PAPER_FIGURES[figure]
    if not numbers:
        every = sorted(set().union(*PAPER_FIGURES.values()))
        return f"This figure is not among Figures {in_words(every)} of the paper."
    some = "Some of " if len(numbers) > NETWORKS else ""
    return f"{some}Figures {in_words(numbers)} of the paper show this for its own networks."


def figure_of(stem: str) -> str | None:
    """The figure that a file shows, a key of `PAPER_FIGURES`; None where it shows none of them.

    Args:
        stem: The name of the file without its suffix, FIGURE-NETWORK.
    """
    # "hypervolume" starts the names of two other figures.
    return max(
        (name for name in PAPER_FIGURES if stem.startswith(f"{name}-")), key=len, default=None
    )
