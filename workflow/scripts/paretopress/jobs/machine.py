"""The machine that a time was measured on."""

import platform
import subprocess
from pathlib import Path
from typing import Any

import psutil

from ..errors import UserError

CPUINFO = Path("/proc/cpuinfo")
LOAD_SECONDS = 1.0
BYTES_PER_GIB = 1024**3


def processor_name() -> str:
    """The processor's own name where the system tells it, else the kind of machine."""
    if platform.system() == "Darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    lines = CPUINFO.read_text(encoding="utf-8").splitlines() if CPUINFO.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def require_cores(threads: int, cores: int) -> None:
    """Raises UserError where a network is to be timed with more threads (inference_time.threads) than there are cores."""
    if threads > cores:
        raise UserError(
            f"inference_time.threads = {threads}: there are {cores} cores for it. "
            f"Allowed: at most as many threads as cores. Lower it in the config, or run with --cores {threads} or more."
        )


def machine_load() -> float:
    """How many cores other work keeps busy, over LOAD_SECONDS in which this process waits.

    The system's load average would still hold the jobs that ended in the minute before.
    """
    return sum(psutil.cpu_percent(interval=LOAD_SECONDS, percpu=True)) / 100


def this_machine() -> dict[str, Any]:
    """Processor, number of cores, memory in GiB and operating system of the machine that this runs on."""
    return {
        "processor": processor_name(),
        "cores": psutil.cpu_count(),
        "memory_gib": psutil.virtual_memory().total / BYTES_PER_GIB,
        "system": platform.platform(terse=True),
    }
