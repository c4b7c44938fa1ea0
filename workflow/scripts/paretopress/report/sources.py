"""The file that each number of the report comes from, and the rule that makes it again."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Origin:
    """The origin of some numbers.

    Attributes:
        what: The numbers in words.
        file: The file that holds them, relative to the study's results.
        rule: The rule that makes the file.
    """

    what: str
    file: str
    rule: str


OF_THE_STUDY = (
    Origin(
        "hypervolume, gain, feasibility and fallbacks of each run",
        "statistics/runs.csv",
        "statistics",
    ),
    Origin("the same, by method", "statistics/summary.csv", "statistics"),
    Origin(
        "Friedman tests, Kendall's W, critical differences", "statistics/friedman.csv", "statistics"
    ),
    Origin("mean ranks", "statistics/ranks.csv", "statistics"),
    Origin(
        "pairs of methods: Siegel-Friedman, Nemenyi, Dunn, A12",
        "statistics/pairwise.csv",
        "statistics",
    ),
    Origin(
        "main effects of the two metrics",
        "statistics/factors.csv, levels.csv, level_pairs.csv",
        "statistics",
    ),
    Origin("dense accuracies, accuracy floors", "statistics/networks.csv", "statistics"),
    Origin("costs", "statistics/costs.csv", "statistics"),
    Origin("claims and verdicts", "statistics/claims.csv", "claims"),
    Origin("all of it for programs", "summary.json", "report"),
)
OF_A_NETWORK = (
    Origin("front", "fronts/{network}.csv", "union_front"),
    Origin("every evaluation of every run", "runs/{network}/evaluations.csv", "join_runs"),
    Origin("hypervolume after each evaluation", "runs/{network}/history.csv", "tabulate_runs"),
    Origin("surrogates chosen, scores, fallbacks", "runs/{network}/iterations.csv", "join_runs"),
    Origin("seconds, threads, processors", "runs/{network}/timings.csv", "join_runs"),
)
OF_AN_OWN_NETWORK = (
    Origin("dense accuracies and sizes", "baselines/{network}/metrics.json", "dense_metrics"),
    Origin("times behind the forecast", "baselines/{network}/forecast.json", "forecast"),
    Origin("accuracy of the front on test images", "fronts/{network}.test.csv", "test_front"),
    Origin(
        "sizes and pruned layers of the front's networks",
        "fronts/{network}.sizes.csv",
        "front_sizes",
    ),
    Origin("inference times", "inference/{network}.csv, {network}.passes.csv", "inference_time"),
)
ON_TEST_IMAGES = Origin(
    "methods compared on the test images", "statistics/*.test.csv", "statistics_on_test_images"
)
OF_RUN_FRONTS = Origin(
    "accuracy of the front of each run on test images",
    "fronts/{network}.runs.test.csv",
    "test_run_fronts",
)


def sources(
    own: Sequence[str], imported: Sequence[str], on_test: Sequence[str] = ()
) -> Iterator[Origin]:
    """List the origins of all numbers of a report.

    Args:
        own: The networks of the study.
        imported: The networks that only its tables of evaluations know.
        on_test: The networks whose methods are compared on the test images too.

    Yields:
        The origins, those of the whole study first.
    """
    yield from OF_THE_STUDY
    if on_test:
        yield ON_TEST_IMAGES
    kinds: Mapping[str, tuple[Origin, ...]] = dict.fromkeys(
        own, OF_AN_OWN_NETWORK + OF_A_NETWORK
    ) | dict.fromkeys(imported, OF_A_NETWORK)
    for network, templates in kinds.items():
        for source in (*templates, *([OF_RUN_FRONTS] if network in on_test else ())):
            yield Origin(
                f"{network}: {source.what}", source.file.format(network=network), source.rule
            )
