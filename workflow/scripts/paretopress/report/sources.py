"""Where each number of the report comes from, and how it is made again."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """What is said, the file that holds it, and the rule that makes the file."""

    what: str
    file: str
    rule: str


OF_THE_STUDY = (
    Source(
        "hypervolume, gain, feasibility and fallbacks of each run",
        "statistics/runs.csv",
        "statistics",
    ),
    Source("the same, by method", "statistics/summary.csv", "statistics"),
    Source(
        "Friedman tests, Kendall's W, critical differences", "statistics/friedman.csv", "statistics"
    ),
    Source("mean ranks", "statistics/ranks.csv", "statistics"),
    Source(
        "pairs of methods: Siegel-Friedman, Nemenyi, Dunn, A12",
        "statistics/pairwise.csv",
        "statistics",
    ),
    Source(
        "main effects of the two metrics",
        "statistics/factors.csv, levels.csv, level_pairs.csv",
        "statistics",
    ),
    Source("dense accuracies, accuracy floors", "statistics/networks.csv", "statistics"),
    Source("costs", "statistics/costs.csv", "statistics"),
    Source("claims and verdicts", "statistics/claims.csv", "claims"),
    Source("all of it for programs", "summary.json", "report"),
)
OF_A_NETWORK = (
    Source("front", "fronts/{network}.csv", "union_front"),
    Source("every evaluation of every run", "runs/{network}/evaluations.csv", "join_runs"),
    Source("hypervolume after each evaluation", "runs/{network}/history.csv", "tabulate_runs"),
    Source("surrogates chosen, scores, fallbacks", "runs/{network}/iterations.csv", "join_runs"),
    Source("seconds, threads, processors", "runs/{network}/timings.csv", "join_runs"),
)
OF_AN_OWN_NETWORK = (
    Source("dense accuracies and sizes", "baselines/{network}/metrics.json", "dense_metrics"),
    Source("accuracy of the front on test images", "fronts/{network}.test.csv", "test_front"),
    Source("sizes of the front's networks", "fronts/{network}.sizes.csv", "front_sizes"),
    Source("inference times", "inference/{network}.csv, {network}.passes.csv", "inference_time"),
)


def sources(own: Sequence[str], imported: Sequence[str]) -> Iterator[Source]:
    """own: networks of the study; imported: networks that only its evaluation tables know."""
    yield from OF_THE_STUDY
    kinds: Mapping[str, tuple[Source, ...]] = dict.fromkeys(
        own, OF_AN_OWN_NETWORK + OF_A_NETWORK
    ) | dict.fromkeys(imported, OF_A_NETWORK)
    for network, templates in kinds.items():
        for source in templates:
            yield Source(
                f"{network}: {source.what}", source.file.format(network=network), source.rule
            )
