"""Snakemake that looks at its SLURM jobs every second.

The plugin looks ten seconds later after each look in which no job has ended: in a study of seconds
that is most of its time. Nothing else of it changes.
"""

import asyncio
import sys

from snakemake.cli import main
from snakemake_executor_plugin_slurm import Executor

Executor.sleep = lambda self: asyncio.sleep(1)

if __name__ == "__main__":
    sys.exit(main())
