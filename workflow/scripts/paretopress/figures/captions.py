"""Parts that several captions share. Each caption names its network and n."""

from collections.abc import Iterable

import pandas as pd

from ..words import counted


def listed(names: Iterable[str]) -> str:
    """Names in a sentence: "a", "a and b", "a, b and c"; there must be at least one."""
    *head, last = names
    return f"{', '.join(head)} and {last}" if head else last


def name_of(table: pd.DataFrame) -> str:
    """The network of a table of one network."""
    return str(table["network"].iloc[0])


def n_runs(runs: pd.DataFrame) -> str:
    """The size of a table of runs: "n = 90 runs (18 methods, 5 seeds)"."""
    methods, seeds = runs["method"].nunique(), runs["seed"].nunique()
    return (
        f"n = {counted(len(runs), 'run')} ({counted(methods, 'method')}, {counted(seeds, 'seed')})"
    )


def incomplete_note(runs: pd.DataFrame, fate: str) -> str:
    """A sentence that counts the incomplete runs and says how the figure treats them.

    Args:
        runs: A table of runs.
        fate: The end of the sentence, such as "left out".

    Returns:
        The sentence after a space, such as " 2 incomplete runs (of a and b) are left out."
        Nothing where all runs are complete.
    """
    incomplete = runs[~runs["complete"]]
    if incomplete.empty:
        return ""
    methods = listed(dict.fromkeys(incomplete["method"]))
    count = counted(len(incomplete), "incomplete run")
    return f" {count} (of {methods}) {'is' if len(incomplete) == 1 else 'are'} {fate}."


def hidden_note(hidden: int) -> str:
    """A sentence after a space on designs that are not shown. Nothing where there are none."""
    if not hidden:
        return ""
    designs = counted(hidden, "design")
    return f" {designs} far under the floor {'is' if hidden == 1 else 'are'} not shown."


def below_zero_note(count: int) -> str:
    """A sentence after a space on designs with a rate below 0. Nothing where there are none."""
    if not count:
        return ""
    have = f"{counted(count, 'design')} {'has' if count == 1 else 'have'}"
    return f" {have} a non-zero rate below 0, shown as imported."
