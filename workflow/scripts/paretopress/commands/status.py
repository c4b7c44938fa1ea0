"""The state of a study at a glance, also while it runs: read from the files of its jobs."""

import json
import socket
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil

from ..config.study import Study
from ..jobs.journal import Status, read_status
from ..jobs.logs import duration
from ..jobs.provenance import Damaged, Unrecorded, read_verified
from ..runs.imported import Run
from ..runs.planned import Planned
from ..words import counted
from .advice import Advice
from .earlier import why_earlier

NO_ADVICE = Advice()
LEAST_SILENCE = 3600.0  # seconds
STATES = ("done", "damaged", "running", "started", "stopped", "waiting")


def _alive(status: Status) -> bool:
    """Tell whether the job's process lives.

    A process on another host of a cluster cannot be seen. Its report counts for twice the time
    that it forecast, and for at least LEAST_SILENCE.
    """
    if status.host != socket.gethostname():
        return time.time() - status.updated < max(LEAST_SILENCE, 2 * (status.seconds_left or 0))
    try:
        process = psutil.Process(status.process)
        # A process that began after the report has only taken over the number.
        return process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= status.updated
    except psutil.NoSuchProcess:
        return False


def _unfinished(folder: Path) -> tuple[str, str]:
    """The state of a job that has not written its outputs, and how far it is."""
    status = read_status(folder)
    if status is None:
        return ("started", "") if folder.is_dir() else ("waiting", "")
    done = f"{status.done}/{status.total}"
    done += "" if status.hypervolume is None else f" hv {status.hypervolume:.4f}"
    done += "" if status.accuracy is None else f", accuracy {status.accuracy:.4f}"
    if not _alive(status):
        return "stopped", f"{done}, goes on from there"
    return "running", done + (
        "" if status.seconds_left is None else f", {duration(status.seconds_left)} left"
    )


def _run_state(planned: Planned, run: Run) -> tuple[str, str]:
    """The state of one run, one of STATES, and how far it is."""
    if not Path(planned.run_file(run, "evaluations.csv")).is_file():
        state, text = _unfinished(Path(planned.search_journal(run)))
        # A journal without a status is left from an earlier budget: the search has not begun again.
        return ("waiting", "") if state == "started" else (state, text)
    volume = Path(planned.run_file(run, "hypervolume.json"))
    try:
        content = json.loads(read_verified(Path(planned.results), volume))
    except (FileNotFoundError, Unrecorded):  # its job has not written it, or not recorded it yet
        return "done", ""
    except Damaged:
        return "damaged", volume.name
    return "done", f"hv {content['hypervolume']:.4f}"


def _sample_state(planned: Planned, network: str, seed: int) -> str:
    if (Path(planned.results) / "designs" / network / f"seed-{seed}.csv").is_file():
        return f"seed {seed}: done"
    state, text = _unfinished(Path(planned.journal(network, "initial", f"seed-{seed}")))
    return f"seed {seed}: {state} {text}".rstrip()


def _baseline_state(planned: Planned, network: str) -> str:
    """The state of a baseline in a few words, from "waiting" to "done"."""
    folder = Path(planned.results) / "baselines" / network
    # The weights first: files made from earlier weights stay while a network is trained again.
    if not (folder / "weights.safetensors").is_file():
        state, text = _unfinished(Path(planned.journal(network, "training")))
        words = {
            "started": "training",
            "running": f"training, epoch {text}",
            "stopped": f"stopped at epoch {text}",
        }
        return words.get(state, state)
    if (folder / "gate.passed").is_file():
        return "done"
    return (
        "measured, gate not passed"
        if (folder / "metrics.json").is_file()
        else "there, not measured yet"
    )


def _of_report(study: Study, results: Path, advice: Advice, states: Iterable[str]) -> Iterator[str]:
    """Yield where the report is, and whether it is of an earlier state than the present one."""
    report = results / "report.html"
    if not report.is_file():
        yield "report: not written yet"
        return
    reason = why_earlier(study, results, sum(state != "done" for state in states))
    yield f"report: {report}" + (f" is of an earlier state: {reason}" if reason else "")
    if reason:
        yield f"To bring it up to date: {advice.start(results)}"


def of_report(study: Study, results: Path, advice: Advice) -> Iterator[str]:
    """Yield the lines on the report: where it is, and whether it is of an earlier state.

    Args:
        study: The study as its config asks for it.
        results: Its folder of results.
        advice: How the study is started here.
    """
    planned = Planned(study, str(results))
    states = [_run_state(planned, run)[0] for run in planned.own_runs]
    baselines = [_baseline_state(planned, network) for network in study.networks]
    yield from _of_report(study, results, advice, [*baselines, *states])


def show(study: Study, results: Path, advice: Advice = NO_ADVICE) -> str:
    """The state of a study, with a block for each network.

    A block has the baseline, the initial samples, and a line for each method with the state of
    each seed.

    Args:
        study: The study as its config asks for it.
        results: Its folder of results.
        advice: How the study is started here.

    Returns:
        The text to print.
    """
    planned = Planned(study, str(results))
    if not results.is_dir():
        return (
            f"{study.study}: nothing of this study is here yet, there is no folder {results}.\n"
            f"To start it: {advice.start(results)}"
        )
    states = {run: _run_state(planned, run) for run in planned.own_runs}
    counts = Counter(state for state, _ in states.values())
    told = [
        counted(len(states), "run"),
        *(f"{counts[name]} {name}" for name in STATES if counts[name]),
    ]
    lines = [
        f"{study.study}: "
        + (", ".join(told) if states else "evaluations made elsewhere, no runs of its own")
    ]
    width = max(map(len, (*planned.methods, "initial sample")))
    baselines = {network: _baseline_state(planned, network) for network in study.networks}
    for network, baseline in baselines.items():
        lines += ["", f"{network} (baseline {baseline})"]
        samples = [_sample_state(planned, network, seed) for seed in planned.sample_seeds()]
        lines.append(f"  {'initial sample':<{width}}  " + "   ".join(samples))
        for method in planned.methods:
            runs = [Run(network, method, seed) for seed in study.seeds]
            own = [f"seed {run.seed}: {' '.join(states[run])}".rstrip() for run in runs]
            lines.append(f"  {method:<{width}}  " + "   ".join(own))
    of_all = [*baselines.values(), *(state for state, _ in states.values())]
    lines += ["", *_of_report(study, results, advice, of_all)]
    return "\n".join(lines)
