"""An interpreter that starts in milliseconds: each start is a fork of a process that has loaded the libraries.

`interpreter()` gives a command that is used in place of `sys.executable`; Snakemake, started with it,
starts its jobs with it too. It has loaded what is not the project's, and none of the project's own code.
It computes nothing itself, so that there is no thread that a fork would lack.

All forks have one seed of hashes, and are in no process group of who started them: what is killed,
measured or submitted in the tests is a true interpreter, and so is all of a study of tables.
"""

import array
import atexit
import contextlib
import gc
import json
import os
import runpy
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from functools import cache
from importlib import import_module
from pathlib import Path

LIBRARIES = (
    "jinja2", "lightgbm", "matplotlib.backends.backend_agg", "matplotlib.backends.backend_svg", "matplotlib.pyplot", "moocore",
    "PIL.Image", "psutil", "pydantic", "pymoo.algorithms.moo.ctaea", "pymoo.indicators.hv", "pymoo.operators.survival.rank_and_crowding",
    "pymoo.optimize", "pymoo.util.ref_dirs", "safetensors.torch", "scikit_posthocs", "scipy.stats", "sklearn.datasets",
    "sklearn.ensemble", "sklearn.model_selection", "sklearn.neighbors", "snakemake.cli", "snakemake.dag", "snakemake.executors.local",
    "snakemake.script", "snakemake.scheduling.greedy", "snakemake.scheduling.milp", "torch._dynamo", "tqdm", "xgboost", "yaml",
)  # fmt: skip
# As Snakemake has it for a job of one thread; OpenMP reads it when it is loaded.
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
)
# It runs without the environment's packages: it only hands over its arguments and files, and takes an exit code.
CLIENT = """
import array, json, os, signal, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect(sys.argv[1])
files = array.array("i", [0, 1, 2])
server.sendmsg([b"f"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, files)])
server.sendall(json.dumps([os.getcwd(), dict(os.environ), sys.argv[2:]]).encode() + b"\\n")
code = int(server.makefile().readline() or 70)
if code < 0:
    signal.signal(-code, signal.SIG_DFL) if code not in (-9, -19) else None
    os.kill(os.getpid(), -code)
sys.exit(code)
"""


@cache
def interpreter() -> str:
    """The command, whose server is started with the first call and ends with this process.

    It is `sys.executable` itself where a fork of loaded libraries is not safe, as on macOS.
    """
    if not sys.platform.startswith("linux"):
        return sys.executable
    folder = Path(tempfile.mkdtemp(prefix="warm-"))
    (folder / "client.py").write_text(CLIENT, encoding="utf-8")
    command = folder / "python"
    client = shlex.join([sys.executable, "-IS", str(folder / "client.py"), str(folder / "socket")])
    command.write_text(f'#!/bin/sh\nexec {client} "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    server = subprocess.Popen(
        [sys.executable, __file__, str(folder / "socket"), str(command)],
        stdin=subprocess.PIPE,  # the server ends when this process does, however it ends
        stdout=subprocess.PIPE,
        env=os.environ | ONE_THREAD,
    )
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    assert server.stdout.readline() == b"ready\n"
    return str(command)


def _run(arguments: list[str]) -> None:
    """As Python does with the arguments -m MODULE ..., -c CODE ..., or SCRIPT ..."""
    first, *rest = arguments
    if first == "-m":
        sys.argv, sys.path[0] = rest, os.getcwd()
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    elif first == "-c":
        sys.argv, sys.path[0] = ["-c", *rest[1:]], ""
        exec(compile(rest[0], "<string>", "exec"), {"__name__": "__main__"})
    else:
        sys.argv, sys.path[0] = arguments, str(Path(first).parent)
        runpy.run_path(first, run_name="__main__")


def _become(folder: str, environment: dict[str, str], files: list[int], command: str) -> None:
    """In the fork: what another process had at its start."""
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[1:1] = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.executable = command
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _exit_code(arguments: list[str]) -> int:
    try:
        _run(arguments)
    except SystemExit as error:
        if error.code is None or isinstance(error.code, int):
            return error.code or 0
        print(error.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _answer(client: socket.socket, command: str) -> None:
    """In a fork: forks the interpreter, waits for it, and tells its exit code."""
    files = array.array("i")
    _, [(_, _, data)], _, _ = client.recvmsg(1, socket.CMSG_SPACE(3 * files.itemsize))
    files.frombytes(data)
    folder, environment, arguments = json.loads(client.makefile().readline())
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    if child == 0:
        client.close()
        _become(folder, environment, list(files), command)
        code = _exit_code(arguments)
        threading._shutdown()
        atexit._run_exitfuncs()
        with contextlib.suppress(OSError):  # who reads it may be gone
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
    for file in files:
        os.close(file)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with contextlib.suppress(OSError):
        client.sendall(f"{code}\n".encode())


def _serve(path: str, command: str) -> None:
    for library in LIBRARIES:
        import_module(library)
    get_argument_parser = import_module("snakemake.cli").get_argument_parser
    get_argument_parser()  # loads the plugins of Snakemake
    assert threading.active_count() == 1
    gc.freeze()  # a collection in a fork leaves the pages of what is loaded as they are
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(64)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print("ready", flush=True)
    while listener in select.select([listener, sys.stdin], [], [])[0]:
        client, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            try:
                _answer(client, command)
            finally:
                os._exit(0)
        client.close()


if __name__ == "__main__":
    _serve(*sys.argv[1:])
