"""The best and the worst surrogate setting of a network, and the worst run of a method."""

import pandas as pd

from ..runs.method_names import SETTING


def settings_of(runs: pd.DataFrame) -> pd.DataFrame:
    """Select the runs of surrogate settings by the names of their methods."""
    return runs[runs["method"].astype(str).str.fullmatch(SETTING.pattern)]


def made_here(runs: pd.DataFrame) -> pd.DataFrame:
    """Select the runs of one network that the study made itself, or all if it made none.

    Networks of imported runs cannot be made again, because their weights are not here.

    Args:
        runs: The rows of one network in the run table.

    Returns:
        The own runs, or all runs if all are imported.
    """
    own = runs[~runs["imported"].astype(bool)]
    return own if len(own) else runs


def best_and_worst(runs: pd.DataFrame) -> tuple[str, str] | None:
    """Find the surrogate settings with the largest and the smallest mean hypervolume.

    The means are over complete runs. Only own runs count if there are any (see `made_here`). If
    settings have equal means, the first by name is taken. The worst setting differs from the best.

    Args:
        runs: The rows of one network in the run table.

    Returns:
        The names of the best and the worst setting. None if there are fewer than two settings.
    """
    own = made_here(runs)
    means = (
        settings_of(own[own["complete"].astype(bool)])
        .groupby("method")["hypervolume"]
        .mean()
        .sort_index()
    )
    if len(means) < 2:
        return None
    best = means.idxmax()
    return str(best), str(means.drop(best).idxmin())


def worst_run(runs: pd.DataFrame, method: str) -> int | None:
    """Find the complete run of a method with the smallest hypervolume.

    Args:
        runs: The rows of one network in the run table.
        method: The name of the method.

    Returns:
        The seed of the run, the smallest one if hypervolumes are equal. None if no run is complete.
    """
    own = runs[(runs["method"] == method) & runs["complete"].astype(bool)].sort_values(
        ["hypervolume", "seed"]
    )
    return int(own["seed"].iloc[0]) if len(own) else None
