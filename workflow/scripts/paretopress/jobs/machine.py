"""The machine that times are measured on."""

import platform
import re
import resource
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from ..errors import UserError
from ..words import are, counted

CPUINFO = Path("/proc/cpuinfo")
# Of x86 (VNNI, AMX) and of Arm (dot products, matrix products), as /proc/cpuinfo has them.
INT8_PRODUCTS = {"avx512_vnni", "avx_vnni", "avx_vnni_int8", "amx_int8", "asimddp", "i8mm"}
X86 = ("x86_64", "AMD64", "i686")
OWN_STATUS, OWN_PEAK = Path("/proc/self/status"), Path("/proc/self/clear_refs")
RESET_PEAK = "5"
LOAD_SECONDS = 1.0
BYTES_PER_GIB = 1024**3


def processor_name() -> str:
    """The name of the processor, or the type of the machine if the system gives no name."""
    if platform.system() == "Darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    lines = CPUINFO.read_text(encoding="utf-8").splitlines() if CPUINFO.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def int8_products() -> list[str]:
    """The processor's instructions for dot products of int8, by the names that Linux gives them.

    Empty where there are none, or where the system does not list them.
    """
    lines = CPUINFO.read_text(encoding="utf-8").splitlines() if CPUINFO.is_file() else []
    flags = {
        flag
        for line in lines
        if line.lower().startswith(("flags", "features"))
        for flag in line.partition(":")[2].split()
    }
    return sorted(flags & INT8_PRODUCTS)


def overflows_int8() -> bool:
    """Tell whether sums of two products of int8 can overflow on this processor.

    On x86 without such instructions, pairs of products are added in 16 bits.
    """
    return platform.machine() in X86 and not int8_products()


def require_cores(threads: int, cores: int) -> None:
    """Check that there is a core for each thread of the timing.

    Args:
        threads: The value of inference_time.threads.
        cores: The number of cores that the job may use.

    Raises:
        UserError: There are more threads than cores.
    """
    if threads > cores:
        raise UserError(
            f"inference_time.threads = {threads}: there {are(cores)} {counted(cores, 'core')} for it. "
            "Allowed: at most as many threads as cores. Lower it in the config, "
            f"or run with --cores {threads} or more."
        )


def machine_load() -> float:
    """Measure how many cores other work keeps busy, while this process waits for LOAD_SECONDS.

    The load average of the system is not used. It would include jobs that have ended within the
    last minute.

    Returns:
        The number of busy cores, with a fraction.
    """
    return sum(psutil.cpu_percent(interval=LOAD_SECONDS, percpu=True)) / 100


def reset_peak_memory() -> None:
    """Let the peak memory of this process begin at what it holds now, where the system can."""
    with suppress(OSError):
        OWN_PEAK.write_text(RESET_PEAK, encoding="utf-8")


def peak_memory() -> int:
    """The peak of the resident memory of this process in bytes."""
    # Linux counts a parent's peak in ru_maxrss.
    text = OWN_STATUS.read_text(encoding="utf-8") if OWN_STATUS.is_file() else ""
    if found := re.search(r"^VmHWM:\s+(\d+) kB", text, re.MULTILINE):
        return 1024 * int(found[1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def this_machine() -> dict[str, Any]:
    """Describe this machine: processor, number of cores, memory in GiB, operating system."""
    return {
        "processor": processor_name(),
        "cores": psutil.cpu_count(),
        "memory_gib": psutil.virtual_memory().total / BYTES_PER_GIB,
        "system": platform.platform(terse=True),
    }
