# The category, the label and the caption file of each figure in Snakemake's report.
FIGURES = {
    "front": ("Fronts", "front", "front"),
    "worst-run-front": ("Fronts", "front of the worst run of the best setting", "worst-run-front"),
    "inference": ("Fronts", "inference time", "inference"),
    "worst-run-inference": ("Fronts", "inference time of the worst run's front", "inference"),
    "hypervolume": ("Methods compared", "final hypervolume", "hypervolume"),
    "convergence": ("Methods compared", "hypervolume against evaluations", "convergence"),
    "attainment": ("Methods compared", "empirical attainment", "attainment"),
    "critical-difference": ("Methods compared", "critical difference", "critical-difference"),
    "hypervolume-by-objective-metric": (
        "Surrogate settings",
        "hypervolume by objective metric",
        "by-metric",
    ),
    "hypervolume-by-constraint-metric": (
        "Surrogate settings",
        "hypervolume by constraint metric",
        "by-metric",
    ),
    "best-and-worst": ("Surrogate settings", "best and worst setting", "best-and-worst"),
    "surrogates": ("Searches", "surrogates chosen", "surrogates"),
    "fallbacks": ("Searches", "random fallbacks", "fallbacks"),
    "time": ("Searches", "time", "time"),
}


def drawn(*figures):
    """The outputs of some figures of one network, SVG and PNG, by name with _ for -."""

    def files(figure):
        category, label, caption = FIGURES[figure]
        svg = report(
            f"<study>/figures/{figure}-{{network}}.svg",
            caption=f"../report/{caption}.rst",
            category=category,
            labels={"network": "{network}", "figure": label},
        )
        return [svg, f"<study>/figures/{figure}-{{network}}.png"]

    return {figure.replace("-", "_"): files(figure) for figure in figures}
