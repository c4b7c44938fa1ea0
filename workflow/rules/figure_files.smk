# The category and the label of each figure in Snakemake's report. report/FIGURE.rst is its caption.
FIGURES = {
    "front": ("Fronts", "front"),
    "worst-run-front": ("Fronts", "front of the worst run of the best setting"),
    "inference": ("Fronts", "inference time"),
    "worst-run-inference": ("Fronts", "inference time of the worst run's front"),
    "hypervolume": ("Methods compared", "final hypervolume"),
    "convergence": ("Methods compared", "hypervolume against evaluations"),
    "attainment": ("Methods compared", "empirical attainment"),
    "critical-difference": ("Methods compared", "critical difference"),
    "hypervolume-by-objective-metric": ("Surrogate settings", "hypervolume by objective metric"),
    "hypervolume-by-constraint-metric": ("Surrogate settings", "hypervolume by constraint metric"),
    "best-and-worst": ("Surrogate settings", "best and worst setting"),
    "surrogates": ("Searches", "surrogates chosen"),
    "fallbacks": ("Searches", "random fallbacks"),
    "time": ("Searches", "time"),
}


def drawn(*figures):
    """The outputs of some figures of one network, SVG and PNG, by name with _ for -."""

    def files(figure):
        category, label = FIGURES[figure]
        svg = report(
            f"<study>/figures/{figure}-{{network}}.svg",
            caption=f"../report/{figure}.rst",
            category=category,
            labels={"network": "{network}", "figure": label},
        )
        return [svg, f"<study>/figures/{figure}-{{network}}.png"]

    return {figure.replace("-", "_"): files(figure) for figure in figures}
