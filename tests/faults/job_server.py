"""Runs the project's scripts in forked processes that kill themselves at a given point, one request (a line of JSON) after another.

Everything that the scripts import is imported once; a fork of it starts in milliseconds. It computes nothing itself, so that there is no
thread that a fork would lack.
"""

import contextlib
import errno
import json
import os
import runpy
import signal
import subprocess
import sys
import traceback
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "workflow" / "scripts"
sys.path.insert(0, str(SCRIPTS))

import lightgbm  # noqa: E402, F401
import torch._dynamo  # noqa: E402, F401  which the first step of an optimizer loads
import xgboost  # noqa: E402, F401
from snakemake import iocontainers  # noqa: E402

from paretopress import methods  # noqa: E402, F401
from paretopress.methods import ctaea, random, surrogate  # noqa: E402, F401
from paretopress.networks import checkpoints, training  # noqa: E402, F401
from paretopress.runs import tables as run_tables  # noqa: E402, F401
from paretopress.search import targets  # noqa: E402, F401

FILE_EVENTS = ("open", "os.", "shutil.", "fcntl.", "pass.")
REPORT = Path("points.json")


class Points:
    """Counts the points that a process passes, and does something at one of them.

    files: before operations on files, and at the beginning and end of each pass through the network. after files: right after those, where
    a file is open and empty. calls: calls of Python and C functions. no locks: as files, on a file system that has no locks.
    """

    def __init__(self, kind: str, number: int | None, signals: list[int]) -> None:
        self.kind, self.number, self.signals, self.passed = kind, number, signals, 0
        self._process = os.getpid()

    def start(self) -> None:
        if self.kind == "calls":
            sys.setprofile(self._on_call)
        else:
            sys.addaudithook(self._on_audit)

    def _on_audit(self, event: str, arguments: tuple) -> None:
        if self.kind == "no locks" and event == "fcntl.lockf":
            raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
        if event.startswith(FILE_EVENTS):
            self._pass()

    def _on_call(self, frame: FrameType, event: str, argument: Any) -> None:
        if event in ("call", "c_call"):
            self._pass()

    def _pass(self) -> None:
        self.passed += 1
        if self.passed - 1 == self.number and os.getpid() == self._process:
            if self.kind == "after files":
                sys.setprofile(lambda frame, event, argument: self._signal())
            else:
                self._signal()

    def _signal(self) -> None:
        sys.setprofile(None)
        for number in self.signals:
            os.kill(os.getpid(), number)


def inputs_of(job: dict[str, Any]) -> iocontainers.InputFiles:
    """The named inputs of a job: a file, or a list of files."""
    inputs = iocontainers.InputFiles()
    for name, value in job["input"].items():
        files = [value] if isinstance(value, str) else value
        start = len(inputs)
        inputs.extend(files)
        inputs._set_name(name, start, end=None if isinstance(value, str) else len(inputs))
    return inputs


def snakemake_object(job: dict[str, Any]) -> iocontainers.Snakemake:
    return iocontainers.Snakemake(
        inputs_of(job),
        iocontainers.OutputFiles(fromdict=job["output"]),
        iocontainers.Params(fromdict=job["params"]),
        iocontainers.Wildcards(fromdict=job["wildcards"]),
        1,
        iocontainers.ResourceList(fromdict={}),
        iocontainers.Log(fromdict={"log": job["log"]}),
        {},
        job["rule"],
        None,
        str(SCRIPTS),
    )


def run_job(request: dict[str, Any]) -> int:
    """In the child: the script as Snakemake runs it."""
    os.chdir(request["folder"])
    with open("terminal.txt", "w") as terminal:
        os.dup2(terminal.fileno(), 1)
        os.dup2(terminal.fileno(), 2)
    job, point = request["job"], request["point"]
    for output in job["output"].values():  # as Snakemake does before a job
        Path(output).parent.mkdir(parents=True, exist_ok=True)
        Path(output).unlink(missing_ok=True)
    points = Points(point["kind"], point["number"], point["signals"])
    given = snakemake_object(job)
    code = 0
    points.start()
    try:
        runpy.run_path(str(SCRIPTS / job["script"]), {"snakemake": given})
    except SystemExit as error:
        code = int(error.code or 0)
    except BaseException:
        traceback.print_exc()
        code = 70
    finally:
        sys.setprofile(None)
        passed = points.passed
    with contextlib.suppress(OSError):  # the disk may be full on purpose
        REPORT.write_text(json.dumps(passed), encoding="utf-8")
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def forked(request: dict[str, Any]) -> int:
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            os._exit(run_job(request))
        except BaseException:
            traceback.print_exc()
            os._exit(71)
    return child


def exit_of(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def answer(request: dict[str, Any]) -> dict[str, Any]:
    if "command" in request:
        done = subprocess.run(
            ["bash", "-euc", request["command"]], capture_output=True, text=True, check=False
        )
        return {"code": done.returncode, "output": done.stdout + done.stderr}
    children = [forked(each) for each in request["together"]]
    return {"codes": [exit_of(child) for child in children]}


signal.signal(signal.SIGINT, signal.SIG_IGN)
print("ready", flush=True)
for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
