"""Jobs of a Snakemake that is gone are ended; those of one that lives are left alone. With stand-ins for squeue and scancel."""

import subprocess
import sys
from pathlib import Path

import pytest
from paths import ROOT

from paretopress.errors import UserError
from paretopress.jobs.hooks import end_leftover_jobs

ALIVE = """
import sys
from pathlib import Path
from paretopress.jobs.hooks import mark_run
mark_run(Path(sys.argv[1]), sys.argv[2])
print("marked", flush=True)
sys.stdin.read()
"""


def snakemake_of(folder: Path, run: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", ALIVE, str(folder), run],
        cwd=ROOT / "workflow" / "scripts",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "marked\n"
    return process


@pytest.fixture
def queue(tmp_path, monkeypatch) -> Path:
    """A folder with a file for each job, named after its run and its id."""
    jobs = tmp_path / "queue"
    (tmp_path / "bin").mkdir()
    jobs.mkdir()
    scripts = {
        "squeue": f'while [ "$1" != --name ]; do shift; done; ls {jobs} | sed -n "s/^$2\\.//p"',
        "scancel": f"for job; do rm {jobs}/*.$job; done",
    }
    for name, script in scripts.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return jobs


def test_only_the_jobs_of_a_snakemake_that_is_gone_are_ended(tmp_path, queue):
    marks = tmp_path / "cluster"
    alive, dead = snakemake_of(marks, "alive"), snakemake_of(marks, "dead")
    for job in ("alive.1", "dead.2", "dead.3", "unmarked.4"):
        (queue / job).touch()
    assert list(end_leftover_jobs(marks)) == []
    dead.kill()
    dead.wait()
    assert list(end_leftover_jobs(marks)) == ["2", "3"]
    assert sorted(job.name for job in queue.iterdir()) == ["alive.1", "unmarked.4"]
    assert [mark.name for mark in marks.iterdir()] == ["alive.run"]
    alive.kill()
    alive.wait()
    assert list(end_leftover_jobs(marks)) == ["1"]


def test_nothing_is_started_where_the_queue_cannot_be_read(tmp_path, queue):
    dead = snakemake_of(tmp_path / "cluster", "dead")
    dead.kill()
    dead.wait()
    (tmp_path / "bin" / "squeue").write_text("#!/bin/sh\necho no controller >&2\nexit 1\n")
    with pytest.raises(UserError, match="no controller"):
        list(end_leftover_jobs(tmp_path / "cluster"))
    assert (tmp_path / "cluster" / "dead.run").exists(), "it is looked for again at the next start"
