"""The claim about times: compressed networks infer faster than the dense network."""

import numpy as np
import pandas as pd

from ...config.variables import FLOAT_BITS
from ...fronts.union import DENSE
from ...words import counted
from ..load import BUSY_CORES, busy
from .evidence import UNDECIDED, Evidence, Finding, direction, signed_rank_test

STATEMENT = (
    "The networks of the worst run of the best setting infer faster than the dense network: "
    "the median over repeats of the time that their median saves is above 0."
)
NEEDED = (
    "The claim needs repeated passes over the same images, of each design and of the dense "
    "network in turn, on one machine."
)
BUSY = (
    f"Unless other work keeps fewer than {BUSY_CORES:g} cores busy, times decide nothing. "
    "Have the rule inference_time run again on an idle machine."
)
KINDS = (("float32", 0), ("int8", 1))


def _undecided(evidence: str, reason: str, *files: str) -> Finding:
    return Finding(
        STATEMENT, signed_rank_test("repeat"), evidence, UNDECIDED, reason, files, blocks=0
    )


def _without_passes(evidence: Evidence, network: str) -> Finding:
    """Tell which times a table of evaluations has, and why they do not decide the claim."""
    own = evidence.evaluations_of(network)
    timed, files = own[own["seconds"].notna()], [f"runs/{network}/timings.csv"]
    if timed.empty:
        reason = f"The evaluations of this network were made elsewhere, without times. {NEEDED}"
        return _undecided("", reason, *files)
    dense = (timed[["linear_scope", "conv_scope", "quantization"]] == 0).all(axis=1)
    for bits in {"linear_bits", "conv_bits"} & set(timed):
        dense &= timed[bits].fillna(FLOAT_BITS) == FLOAT_BITS
    groups = {"the dense network": timed[dense]}
    if (front := evidence.worst_run_fronts.get(network)) is not None:
        on_front = timed["design_id"].isin(front["design_id"]) & ~dense
        groups["designs of the worst run's front"] = timed[on_front]
        files.append(f"fronts/{network}.worst-run.csv")
    numbers = [
        f"{len(timed):,} of {counted(len(own), 'evaluation')} timed, "
        f"median {timed['seconds'].median():.1f} s"
    ]
    numbers += [
        f"{len(group):,} of {name}"
        + (f", median {group['seconds'].median():.1f} s" if len(group) else "")
        for name, group in groups.items()
    ]
    reason = f"Each of these times is of one whole evaluation, measured once elsewhere. {NEEDED}"
    return _undecided("; ".join(numbers), reason, *files)


def _relative(passes: pd.DataFrame, designs: pd.Series) -> pd.Series:
    """The median time of `designs` in each repeat, as a multiple of the dense network's."""
    wide = passes.pivot(index="repeat", columns="design_id", values="seconds")
    return wide[list(designs)].div(wide[DENSE], axis=0).median(axis=1)


def _load_in_words(load: float) -> str:
    if np.isnan(load):
        return "the load of the machine is not known"
    return f"other work kept {load:.1f} cores busy when the timing began"


def faster_inference(evidence: Evidence, network: str) -> Finding:
    """Judge whether the networks of the worst run's front infer faster than the dense network.

    The test compares within repeats. A drift of the machine then changes the times of a repeat's
    designs and of its dense network alike. Other work on the machine does not: from BUSY_CORES on
    the claim cannot be decided.

    Args:
        evidence: The tables of the study.
        network: The name of the network.

    Returns:
        The finding, with the repeats as blocks.
    """
    front, passes = evidence.worst_run_fronts.get(network), evidence.passes.get(network)
    if passes is None:
        return _without_passes(evidence, network)
    own = f"inference/{network}.csv", f"inference/{network}.passes.csv"
    if front is None:
        return _undecided("", "There is no best setting: fewer than two settings have runs.", *own)
    files = (*own, f"fronts/{network}.worst-run.csv")
    timed = front[front["design_id"].isin(passes["design_id"]) & (front["design_id"] != DENSE)]
    if timed.empty:
        return _undecided("", "No design of that front was timed.", *files)
    ratios, load = _relative(passes, timed["design_id"]), evidence.loads.get(network, np.nan)
    gains = (1 - ratios).to_numpy()
    kinds = {kind: timed.loc[timed["quantization"] == code, "design_id"] for kind, code in KINDS}
    apart = [
        f"{kind} {_relative(passes, ids).median():.2f} ({len(ids)})"
        for kind, ids in kinds.items()
        if len(ids)
    ]
    verdict, reason, p = direction(gains, evidence.level, "repeat", "faster")
    reason += " This holds for the machine that timed them."
    if busy(load):
        verdict, reason = UNDECIDED, BUSY
    numbers = (
        f"median multiple of the dense network's time {ratios.median():.2f}; "
        f"by kind (designs): {', '.join(apart)}; {_load_in_words(load)}"
    )
    return Finding(
        STATEMENT,
        signed_rank_test("repeat", gains),
        numbers,
        verdict,
        reason,
        files,
        p,
        len(gains),
    )
