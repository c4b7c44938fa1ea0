"""Several processes on one job, as when a killed Snakemake's job still runs on a cluster and the study is started again."""

import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cases import cases
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from paths import ROOT

from faults.jobs import BUDGET, INITIAL, SEARCH, TRAINING, Point
from paretopress.jobs.locks import LOCK

pytestmark = pytest.mark.slow

SCRIPTS = ROOT / "workflow" / "scripts"
WANTED = BUDGET - INITIAL


@pytest.mark.parametrize("job", [SEARCH, TRAINING], ids=["search", "training"])
def test_processes_on_one_job_take_turns_and_do_nothing_twice(job, workplace):
    undisturbed = workplace()
    undisturbed.complete(job)
    place = workplace()
    assert place.together(job, Point(), Point(), Point()) == [0, 0, 0]
    assert place.outputs(job) == undisturbed.outputs(job)
    assert (place.evaluations(), place.training_steps()) == (
        undisturbed.evaluations(),
        undisturbed.training_steps(),
    )


def test_a_process_that_waits_takes_over_from_one_that_is_killed(workplace):
    points = workplace().points(SEARCH, "files")
    undisturbed = workplace()
    undisturbed.complete(SEARCH)

    @settings(
        max_examples=cases(8),
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    @given(st.data())
    def killed(data: Any) -> None:
        place = workplace()
        at = data.draw(st.integers(0, points // 2), label="point")
        codes = place.together(SEARCH, Point("files", at), Point())
        assert codes == [-signal.SIGKILL, 0], place.terminal()
        assert place.outputs(SEARCH) == undisturbed.outputs(SEARCH)
        assert WANTED <= place.evaluations() <= WANTED + 1

    killed()


HOLDER = """
import sys
from pathlib import Path
from paretopress.jobs.journal import Journal
journal = Journal(Path(sys.argv[1]), "this job")
journal.report(3, 14)
print("has it", flush=True)
sys.stdin.read()
"""


def start(journal: Path) -> subprocess.Popen[str]:
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    command = [sys.executable, "-c", HOLDER, str(journal)]
    return subprocess.Popen(
        command, text=True, env={**os.environ, "PYTHONPATH": str(SCRIPTS)}, **pipes
    )


def test_a_process_that_waits_says_for_whom(tmp_path):
    with start(tmp_path / "journal") as first:
        assert first.stdout.readline() == "has it\n"
        with start(tmp_path / "journal") as second:
            expected = f"{tmp_path / 'journal'}: process {first.pid} on {socket.gethostname()} works on this job; this one waits until it ends"
            assert any(expected in line for line in second.stderr)
            first.kill()  # the kernel gives the lock back
            assert second.stdout.readline() == "has it\n"


def test_a_removed_lock_sets_the_waiting_process_free(tmp_path):
    """As the page on trust advises where the lock of a crashed node stays."""
    with start(tmp_path / "journal") as first, start(tmp_path / "journal") as second:
        ready = [process.stdout for process in (first, second)]
        [has_it] = select.select(ready, [], [])[0]
        holder, waiting = (first, second) if has_it is first.stdout else (second, first)
        assert any("this one waits until it ends" in line for line in waiting.stderr)
        (tmp_path / "journal" / LOCK).unlink()
        assert waiting.stdout.readline() == "has it\n"
        assert holder.poll() is None, "the holder did not have to end"
        for process in (first, second):
            process.kill()


@pytest.mark.parametrize("job", [SEARCH, TRAINING], ids=["search", "training"])
def test_without_locks_records_stay_whole(job, workplace):
    undisturbed = workplace()
    undisturbed.complete(job)
    place = workplace()
    alone = Point("no locks")
    assert place.together(job, alone, alone) == [0, 0], place.terminal()
    assert place.outputs(job) == undisturbed.outputs(job)
    assert "no locks on this file system" in place.log(job)
    made = place.evaluations(), place.training_steps()
    place.complete(job)
    assert place.outputs(job) == undisturbed.outputs(job)
    assert (place.evaluations(), place.training_steps()) == made, "every record can be read"
