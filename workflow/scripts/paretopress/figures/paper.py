"""Which figures of the paper (Ferreira, de Barros, Ibrahim and Silva 2023) correspond to ours."""

# A figure of ours shows one network, and the paper has one for each of its two. Which of 2 to 5 is
# by which metric is not recorded here. The figures that are not listed are none of the paper's.
PAPER_FIGURES = {
    "hypervolume-by-objective-metric": "Figures 2 to 5",
    "hypervolume-by-constraint-metric": "Figures 2 to 5",
    "best-and-worst": "Figures 6 and 7",
    "worst-run-front": "Figures 8 and 10",
    "worst-run-inference": "Figures 9 and 11",
}


def paper_note(file: str) -> str:
    """The end of a caption that names the figures of the paper, "" for a figure that it lacks.

    Args:
        file: The name of the figure's file without its suffix, FIGURE-NETWORK.
    """
    for figure, numbers in PAPER_FIGURES.items():
        if file.startswith(f"{figure}-"):
            return f" In the paper: {numbers}."
    return ""
