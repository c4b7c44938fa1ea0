"""Words that the captions share; every caption names its network and n."""

from collections.abc import Iterable

import pandas as pd


def counted(count: int, noun: str, plural: str = "") -> str:
    """ "1 run", "2 runs"."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def listed(names: Iterable[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    *head, last = names
    return f"{', '.join(head)} and {last}" if head else last


def name_of(table: pd.DataFrame) -> str:
    """The network of a table of one network."""
    return str(table["network"].iloc[0])


def n_runs(runs: pd.DataFrame) -> str:
    """ "n = 90 runs (18 methods, 5 seeds)"."""
    methods, seeds = runs["method"].nunique(), runs["seed"].nunique()
    return (
        f"n = {counted(len(runs), 'run')} ({counted(methods, 'method')}, {counted(seeds, 'seed')})"
    )


def incomplete_note(runs: pd.DataFrame, fate: str) -> str:
    """ " 10 incomplete runs (of a and b) are FATE."; nothing where all runs are complete."""
    incomplete = runs[~runs["complete"]]
    if incomplete.empty:
        return ""
    methods = listed(dict.fromkeys(incomplete["method"]))
    return f" {counted(len(incomplete), 'incomplete run')} (of {methods}) {'is' if len(incomplete) == 1 else 'are'} {fate}."
