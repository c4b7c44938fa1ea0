"""The paper's claims, and the findings of a study on each of them.

To add a claim, write one more function and one more entry in CLAIMS.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ...config.sizes import NONZERO_RATE
from ...words import counted
from ..factors import factors
from ..levels import level_pairs
from ..pairs import pairwise
from ..ranks import friedman
from .accuracy import more_accurate
from .evidence import ADDED, NOT_SUPPORTED, PAPER, SUPPORTED, UNDECIDED, Evidence, Finding
from .least import Least, of_best_and_worst, of_every_run, of_images, of_metric, of_signed_rank
from .methods import surrogate_beats_ctaea, surrogate_beats_random
from .settings import best_differs_from_worst, metric_without_effect
from .times import faster_inference
from .weights import weights_removed

ALL_NETWORKS = "all networks"
OF_STUDY = "of the study"
# Where a study minimises bytes, these tables are by bytes.
TABLES = dict.fromkeys(
    (f"statistics/{name}.csv" for name in ("friedman", "factors", "pairwise", "level_pairs")),
    "statistics/runs.csv",
)
BY_NONZERO_RATE = "By the non-zero rate, the paper's size, in the run table."
LEAST_NETWORKS = 2  # the paper's claim is about its two
CLAIM_COLUMNS = [
    "claim",
    "source",
    "network",
    "statement",
    "test",
    "evidence",
    "p",
    "p_adjusted",
    "blocks",
    "verdict",
    "reason",
    "files",
    "figures",
    "size",
]
BY_METRIC = (
    "hypervolume-by-objective-metric-{network}.svg",
    "hypervolume-by-constraint-metric-{network}.svg",
)
BEST_AND_WORST = "best-and-worst-{network}.svg"


@dataclass(frozen=True)
class Claim:
    """A claim.

    Attributes:
        name: Its name in claims.csv.
        source: PAPER or ADDED.
        size: The size that its verdict rests on: the paper's, or OF_STUDY where it rests on a front
            or a search of ours.
        judge: Gives the finding on a network.
        figures: The names of the files that draw it, with {network} to be filled in.
        joint_statement: What it says of all networks together. Empty for a claim about each
            network by itself.
        least: Gives what it needs, from the significance level and the number of settings.
    """

    name: str
    source: str
    size: str
    judge: Callable[[Evidence, str], Finding]
    figures: tuple[str, ...]
    joint_statement: str = ""
    least: Callable[[float, int], Least] = of_images


CLAIMS = (
    Claim(
        "selection-metric-without-effect",
        PAPER,
        NONZERO_RATE,
        metric_without_effect,
        (*BY_METRIC, "critical-difference-{network}.svg"),
        least=of_metric,
    ),
    Claim(
        "surrogate-beats-plain-ctaea",
        PAPER,
        NONZERO_RATE,
        surrogate_beats_ctaea,
        (BEST_AND_WORST,),
        f"On each of at least {LEAST_NETWORKS} networks the mean hypervolume of the surrogate "
        "settings is larger than that of plain CTAEA: "
        "the median over seeds of the difference is above 0.",
        of_signed_rank("seed"),
    ),
    Claim(
        "best-and-worst-setting",
        PAPER,
        NONZERO_RATE,
        best_differs_from_worst,
        (BEST_AND_WORST, "critical-difference-{network}.svg"),
        least=of_best_and_worst,
    ),
    Claim(
        "weights-removed",
        PAPER,
        NONZERO_RATE,
        weights_removed,
        ("worst-run-front-{network}.svg",),
        least=of_every_run,
    ),
    Claim(
        "more-accurate-than-dense",
        PAPER,
        OF_STUDY,
        more_accurate,
        ("worst-run-front-{network}.svg", "front-{network}.svg"),
    ),
    Claim(
        "faster-inference",
        PAPER,
        OF_STUDY,
        faster_inference,
        ("worst-run-inference-{network}.svg",),
        least=of_signed_rank("repeat"),
    ),
    Claim(
        "surrogate-beats-random",
        ADDED,
        OF_STUDY,
        surrogate_beats_random,
        ("hypervolume-{network}.svg", "convergence-{network}.svg"),
        least=of_signed_rank("seed"),
    ),
)


def joint(statement: str, findings: dict[str, Finding]) -> Finding:
    """The finding on all networks together.

    The claim is supported if it is supported on each of at least two networks. It is not supported
    if it is not supported on any one. Its p is the largest p of the networks: that is the
    intersection-union test of a claim that must hold on each of them.

    Args:
        statement: The claim in words.
        findings: The finding on each network, by its name.

    Returns:
        The joint finding.
    """
    verdicts = {network: finding.verdict for network, finding in findings.items()}
    agreeing = sum(verdict == SUPPORTED for verdict in verdicts.values())
    ps = [finding.p for finding in findings.values()]
    evidence = "; ".join(f"{network}: {verdict}" for network, verdict in verdicts.items())
    if against := [network for network, verdict in verdicts.items() if verdict == NOT_SUPPORTED]:
        verdict, reason = NOT_SUPPORTED, f"It is not supported on {', '.join(against)}."
    elif agreeing == len(verdicts) >= LEAST_NETWORKS:
        verdict, reason = SUPPORTED, "It is supported on each."
    elif len(verdicts) < LEAST_NETWORKS:
        verdict, reason = (
            UNDECIDED,
            f"The study has {counted(len(verdicts), 'network')}; the claim takes {LEAST_NETWORKS}.",
        )
    else:
        open_ones = [network for network, verdict in verdicts.items() if verdict == UNDECIDED]
        verdict, reason = UNDECIDED, f"It cannot be decided on {', '.join(open_ones)}."
    files = tuple(dict.fromkeys(file for finding in findings.values() for file in finding.files))
    p = math.nan if any(map(math.isnan, ps)) else max(ps)
    return Finding(
        statement, "intersection-union of the networks' tests", evidence, verdict, reason, files, p
    )


def _sizes(evidence: Evidence, networks: Sequence[str]) -> str:
    sizes = evidence.networks.set_index("network")["size"]
    return ";".join(dict.fromkeys(sizes[network] for network in networks))


def by_nonzero_rate(evidence: Evidence) -> Evidence:
    """The evidence by the paper's size: hypervolumes of non-zero rate and accuracy.

    Tables and figures of the study are by its own size. So the tests are made from the run table.
    """
    every, level = _by_nonzero_rate(evidence.every_run), evidence.level
    return replace(
        evidence,
        runs=_by_nonzero_rate(evidence.runs),
        friedman=friedman(every, level),
        factors=factors(every, level),
        pairwise=pairwise(every, level, evidence.smallest),
        level_pairs=level_pairs(every, level, evidence.smallest),
        figures=(),
    )


def _by_nonzero_rate(runs: pd.DataFrame) -> pd.DataFrame:
    return runs.assign(hypervolume=runs["nonzero_rate_hypervolume"])


def _of_run_table(finding: Finding) -> Finding:
    """The same finding, resting on the run table in place of tables by another size."""
    files = tuple(dict.fromkeys(TABLES.get(file, file) for file in finding.files))
    return replace(finding, files=files, reason=f"{finding.reason} {BY_NONZERO_RATE}")


def _row(
    claim: Claim, network: str, networks: Sequence[str], finding: Finding, evidence: Evidence
) -> dict[str, Any]:
    figures = [name.format(network=each) for each in networks for name in claim.figures]
    return {
        "claim": claim.name,
        "source": claim.source,
        "network": network,
        "statement": finding.statement,
        "test": finding.test,
        "evidence": finding.evidence,
        "p": finding.p,
        "blocks": finding.blocks,
        "verdict": finding.verdict,
        "reason": finding.reason,
        "files": ";".join(finding.files),
        "figures": ";".join(name for name in figures if name in evidence.figures),
        "size": _sizes(evidence, networks) if claim.size == OF_STUDY else claim.size,
    }


def claims(evidence: Evidence) -> pd.DataFrame:
    """Judge every claim on every network.

    Args:
        evidence: The tables of the study.

    Returns:
        A row for each claim and network, and one for all networks together if the claim is about
        them; the columns are CLAIM_COLUMNS. The files are relative to results/{study}, the figures
        to its figures/. Both are separated by ";". p_adjusted is p after Holm's adjustment for the
        tests of all claims and networks. A joint claim follows from tests that count, and has
        none. The blocks are the number of seeds, runs or repeats that the verdict rests on. The
        size is the one that hypervolumes or weights are of.
    """
    by_bytes = (evidence.networks["size"] != NONZERO_RATE).any()
    of_paper = by_nonzero_rate(evidence) if by_bytes else evidence
    rows = []
    names = [str(network) for network in evidence.networks["network"]]
    for claim in CLAIMS:
        known = of_paper if claim.size == NONZERO_RATE else evidence
        findings = {network: claim.judge(known, network) for network in names}
        if known is not evidence:
            findings = {name: _of_run_table(finding) for name, finding in findings.items()}
        rows += [
            _row(claim, network, [network], finding, known) for network, finding in findings.items()
        ]
        if claim.joint_statement:
            rows.append(
                _row(claim, ALL_NETWORKS, names, joint(claim.joint_statement, findings), known)
            )
    table = pd.DataFrame(rows, columns=CLAIM_COLUMNS).astype({"p": float, "blocks": "Int64"})
    return table.assign(p_adjusted=holm(table["p"].where(table["network"] != ALL_NETWORKS)))


def holm(p: pd.Series) -> pd.Series:
    """Adjust p for the number of tests (Holm 1979). Missing p are of no test, and stay missing.

    Example:
        >>> import pandas as pd
        >>> holm(pd.Series([0.01, 0.04, None, 0.03])).tolist()
        [0.03, 0.06, nan, 0.06]
    """
    ascending = p.dropna().sort_values()
    adjusted = (ascending * np.arange(len(ascending), 0, -1)).cummax().clip(upper=1.0)
    return adjusted.reindex(p.index)


def needed_blocks(level: float, settings: int) -> pd.DataFrame:
    """The fewest blocks with which each claim can be decided.

    Args:
        level: The significance level, in (0, 1).
        settings: The number of surrogate settings that are compared.

    Returns:
        A row for each claim: claim, unit (what a block is), supported and not_supported (the
        fewest blocks for that verdict, missing where no number is enough), and rule.
    """
    rows = [{"claim": claim.name, **asdict(claim.least(level, settings))} for claim in CLAIMS]
    return pd.DataFrame(rows).astype({"supported": "Int64", "not_supported": "Int64"})
