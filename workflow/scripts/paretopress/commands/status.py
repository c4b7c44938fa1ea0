"""The state of a study at a glance, from what its jobs have written so far; works while they run."""

import json
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from ..config.study import Study
from ..jobs.journal import Status, read_status
from ..jobs.logs import duration
from ..jobs.provenance import Damaged, Unrecorded, read_verified

LEAST_SILENCE = 3600.0  # seconds


@dataclass(frozen=True)
class RunState:
    """One run in a few words: waiting, running, stopped, done or damaged; `text` says how far."""

    network: str
    method: str
    seed: int
    state: str
    text: str


def _alive(status: Status) -> bool:
    """Whether the job's process lives; on another host (a cluster) a job is believed for as long as two of its own forecasts."""
    if status.host != socket.gethostname():
        return time.time() - status.updated < max(LEAST_SILENCE, 2 * (status.seconds_left or 0))
    try:
        process = psutil.Process(status.process)
        # A process that began after the report has only taken over the number.
        return process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= status.updated
    except psutil.NoSuchProcess:
        return False


def _unfinished(folder: Path) -> tuple[str, str]:
    """State and text of a job that has not written its outputs."""
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


def _run_state(results: Path, network: str, method: str, seed: int) -> RunState:
    folder = results / "runs" / network / method / f"seed-{seed}"
    if not (folder / "evaluations.csv").is_file():
        return RunState(
            network,
            method,
            seed,
            *_unfinished(results / "progress" / network / method / f"seed-{seed}"),
        )
    try:
        volume = json.loads(read_verified(results, folder / "hypervolume.json"))["hypervolume"]
    except (FileNotFoundError, Unrecorded):  # its job has not written it, or not recorded it yet
        return RunState(network, method, seed, "done", "")
    except Damaged:
        return RunState(network, method, seed, "damaged", "hypervolume.json")
    return RunState(network, method, seed, "done", f"hv {volume:.4f}")


def run_states(study: Study, results: Path) -> Iterator[RunState]:
    for network in study.networks:
        for method in study.methods_by_name():
            for seed in study.seeds:
                yield _run_state(results, network, method, seed)


def _sample_state(results: Path, network: str, seed: int) -> str:
    if (results / "designs" / network / f"seed-{seed}.csv").is_file():
        return f"seed {seed}: done"
    state, text = _unfinished(results / "progress" / network / "initial" / f"seed-{seed}")
    return f"seed {seed}: {state} {text}".rstrip()


def _baseline_state(results: Path, network: str) -> str:
    """The baseline in a few words: waiting, training with the epoch, stopped, trained, measured (not past its gate) or done."""
    folder = results / "baselines" / network
    # The weights first: while a network is trained again, what was made from the weights before still stands.
    if not (folder / "weights.safetensors").is_file():
        state, text = _unfinished(results / "progress" / network / "training")
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


def show(study: Study, results: Path) -> str:
    """A block for each network: its baseline, its initial samples, a line for each method with the state of each seed."""
    states = list(run_states(study, results))
    counts = {
        name: sum(run.state == name for run in states)
        for name in ("done", "damaged", "running", "started", "stopped", "waiting")
    }
    told = [f"{len(states)} runs", *(f"{count} {name}" for name, count in counts.items() if count)]
    lines = [
        f"{study.study}: "
        + (", ".join(told) if states else "evaluations made elsewhere, no runs of its own")
    ]
    width = max(map(len, (*study.methods_by_name(), "initial sample")))
    for network in study.networks:
        lines += ["", f"{network} (baseline {_baseline_state(results, network)})"]
        lines.append(
            f"  {'initial sample':<{width}}  "
            + "   ".join(_sample_state(results, network, seed) for seed in study.sample_seeds())
        )
        for method in study.methods_by_name():
            own = [run for run in states if (run.network, run.method) == (network, method)]
            lines.append(
                f"  {method:<{width}}  "
                + "   ".join(f"seed {run.seed}: {run.state} {run.text}".rstrip() for run in own)
            )
    report = results / "report.html"
    lines += ["", f"report: {report}" if report.is_file() else "report: not written yet"]
    return "\n".join(lines)
