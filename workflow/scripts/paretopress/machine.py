"""The machine that a time was measured on."""

import platform
import subprocess
from pathlib import Path

import psutil

CPUINFO = Path("/proc/cpuinfo")
LOAD_SECONDS = 1.0


def processor_name() -> str:
    """The processor's own name where the system tells it, else the kind of machine."""
    if platform.system() == "Darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    lines = CPUINFO.read_text(encoding="utf-8").splitlines() if CPUINFO.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def machine_load() -> float:
    """How many cores other work keeps busy, over LOAD_SECONDS in which this process waits.

    The system's load average would still hold the jobs that ended in the minute before.
    """
    return sum(psutil.cpu_percent(interval=LOAD_SECONDS, percpu=True)) / 100
