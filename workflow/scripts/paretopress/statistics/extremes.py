"""Which surrogate setting of a network is best and which worst, and the worst run of a method."""

import pandas as pd

from ..runs.method_names import SETTING


def settings_of(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs of surrogate settings, by the names of their methods."""
    return runs[runs["method"].astype(str).str.fullmatch(SETTING.pattern)]


def made_here(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs of one network that the study made itself, where there are any; else all of them, which are imported.

    Those made elsewhere cannot be made again: the weights behind them are not here.
    """
    own = runs[~runs["imported"].astype(bool)]
    return own if len(own) else runs


def best_and_worst(runs: pd.DataFrame) -> tuple[str, str] | None:
    """The surrogate settings with the largest and the smallest mean hypervolume over their complete runs; None with fewer than two.

    runs: of one network; those made here count where there are any, see made_here. Of settings with equal means the first by
    name is taken, and the worst is another than the best.
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
    """The seed of the complete run of `method` with the smallest hypervolume, the smallest such seed; None without a complete run.

    runs: of one network.
    """
    own = runs[(runs["method"] == method) & runs["complete"].astype(bool)].sort_values(
        ["hypervolume", "seed"]
    )
    return int(own["seed"].iloc[0]) if len(own) else None
