"""The best rows of each network's front, and where the report is."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..config.study import Study
from ..errors import UserError
from ..fronts.union import DENSE
from ..jobs.provenance import Damaged, verified
from ..networks.metrics import read_metrics, repaired_accuracy
from ..report.networks import front_rows
from ..report.units import unit_of_bytes
from ..search.objectives import threshold_of
from ..tables import read_table, records
from ..words import counted
from .advice import Advice
from .status import of_report

ROWS = 5
NO_ADVICE = Advice()


def _of_network(
    network: str,
    file: Path,
    test: Path | None,
    metrics: Mapping[str, Any] | None,
    constraint: Mapping[str, float | None],
    split: str,
) -> Iterator[str]:
    front = read_table(file)
    tested: dict[str, dict[str, Any]] = {}
    if test is not None:
        tested = {row["design_id"]: row for row in records(read_table(test))}

    def on_test_images(design_id: str) -> str:
        if (row := tested.get(design_id)) is None:
            return ""
        below = "" if row["test_feasible"] else ", below the floor"
        return f" ({row['test_accuracy']:.2%} on test images{below})"

    dense = front.loc[front["design_id"] == DENSE, "accuracy"]
    rows = front_rows(front)
    known = f"{dense.iloc[0]:.2%}{on_test_images(DENSE)}" if len(dense) else "not known"
    if metrics is not None:
        if repaired := repaired_accuracy(metrics):
            known += f", repaired {repaired[split]:.2%} ({repaired['test']:.2%})"
        floor, there = (threshold_of(metrics, images, constraint) for images in (split, "test"))
        known += f", floor {floor:.2%} ({there:.2%})"
    # A study of an earlier version knows no bytes, in either file.
    whole = (metrics or {}).get("dense_bytes") if "bytes" in front else None
    unit = None if whole is None else unit_of_bytes(whole)
    yield f"\n{network}: {counted(len(rows), 'design')} on the front; dense accuracy {known}"
    for row in rows[:ROWS]:
        int8 = ", int8" if row["int8"] else ""
        below = " (a rate below 0, as imported)" if row["nonzero_rate"] < 0 else ""
        packed = ""
        if unit is not None:
            packed = f"{unit.show(row['bytes'] * whole):>9} {unit.prefix}B ({row['bytes']:.1%})"
        yield (
            f"{packed}  {row['nonzero_rate']:6.1%} non-zero  "
            f"{row['accuracy']:.2%} accuracy{on_test_images(row['design_id'])}  "
            f"{row['design_id']}  Linear: {row['linear']} | convolutions: {row['conv']}{int8}{below}"
        )
    if len(rows) > ROWS:
        yield f"  and {len(rows) - ROWS} more, larger and more accurate, in {file}"


def show(study: Study, results: Path, advice: Advice = NO_ADVICE) -> str:
    """The best rows of each network's front, and where the report is.

    Args:
        study: The study as its config asks for it.
        results: Its folder of results.
        advice: How the study is started here.

    Returns:
        The text to print.

    Raises:
        UserError: The study is not finished, or a front is damaged.
    """
    report = results / "report.html"
    if not report.is_file():
        raise UserError(f"{report}: not there yet. Run the study first: {advice.start(results)}")
    fronts = {network: results / "fronts" / f"{network}.csv" for network in study.network_names()}
    # Evaluations made elsewhere have no test images here.
    tests = {network: results / "fronts" / f"{network}.test.csv" for network in study.networks}
    metrics = {
        network: file
        for network in study.networks
        if (file := results / "baselines" / network / "metrics.json").is_file()
    }
    try:
        verified(results, map(str, [*fronts.values(), *tests.values(), *metrics.values()]))
    except FileNotFoundError as error:
        raise UserError(
            f"{error.filename}: not there. Start the study again, which makes it: "
            f"{advice.start(results)}"
        ) from error
    except Damaged as error:
        raise UserError(advice.made_right(str(error))) from error
    constraint = study.constraint.model_dump(mode="json")
    lines = [
        line
        for network, file in fronts.items()
        for line in _of_network(
            network,
            file,
            tests.get(network),
            read_metrics(metrics[network]) if network in metrics else None,
            constraint,
            study.evaluation.split,
        )
    ]
    exports = [advice.export(network, "--smallest") for network in study.networks]
    return "\n".join(
        [*lines, "", *(f"export: {one}" for one in exports), *of_report(study, results, advice)]
    )
