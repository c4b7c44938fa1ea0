"""A real SLURM of one machine, for tests alone: its own slurmctld and slurmd, with all their state in one folder and on private ports.

It trusts whoever asks (auth/none), so that it needs no munge; nothing but loopback addresses is used.
"""

import getpass
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

PROGRAMS = ("slurmctld", "slurmd", "slurmstepd", "sbatch", "srun", "squeue", "scancel", "scontrol")
HOW_TO_INSTALL = "apt-get install slurmctld slurmd slurm-client slurm-wlm-basic-plugins"
NODE = "machine"
CPUS, MEMORY_MB = (
    8,
    64_000,
)  # declared, not looked up: jobs of any profile fit, on however small a machine
CGROUPS_CAN_BE_DISABLED = (23, 11)  # later versions ask systemd for one, which only root may
DEADLINE = (
    900.0  # seconds that any single wait may take; far longer than it should on the busiest machine
)

# KillWait: seconds between TERM and KILL. OverTimeLimit: a job ends at its limit, not minutes later. OverMemoryKill: a step above its memory is
# killed, as cgroups do on a cluster. config_overrides: the CPUs and memory of the node are those declared.
CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={controller_port}
SlurmdPort={daemon_port}
AuthType=auth/none
CredType=cred/none
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
ReturnToService=2
MinJobAge=86400
KillWait=5
OverTimeLimit=0
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,bf_interval=2
SlurmdParameters=config_overrides
NodeName={node} NodeAddr=127.0.0.1 NodeHostname={host} CPUs={cpus} RealMemory={memory} State=UNKNOWN
PartitionName=main Nodes={node} Default=YES MaxTime=INFINITE State=UP
"""
UNFINISHED = ("PENDING", "RUNNING", "SUSPENDED", "COMPLETING")
# Debian has the daemons where only root looks.
PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


def missing_programs() -> list[str]:
    """What the cluster needs and the machine lacks."""
    return [program for program in PROGRAMS if not shutil.which(program, path=PATH)]


def installed(program: str) -> str:
    path = shutil.which(program, path=PATH)
    assert path, f"{program}: {HOW_TO_INSTALL}"
    return path


def installed_version() -> tuple[int, ...]:
    shown = subprocess.run(
        [installed("slurmd"), "-V"], capture_output=True, text=True, check=True
    ).stdout
    return tuple(int(part) for part in shown.split()[-1].split(".")[:2])


def wait_until(condition: Callable[[], object], what: str, seconds: float = DEADLINE) -> None:
    """Returns as soon as `condition` holds; fails with `what` where it does not come to hold."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds:.0f} s in vain: {what}"
        time.sleep(0.05)


def free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


@dataclass
class Cluster:
    """A started cluster; `environment` is what a command needs to speak to it."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    daemons: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        host = socket.gethostname().split(".")[0]
        ports = free_ports(2)
        for name in ("state", "spool", "bin"):
            (self.folder / name).mkdir()
        configuration = self.folder / "slurm.conf"
        configuration.write_text(
            CONFIGURATION.format(
                host=host, user=getpass.getuser(), controller_port=ports[0], daemon_port=ports[1], folder=self.folder,
                node=NODE, cpus=CPUS, memory=MEMORY_MB,
            ),
            encoding="utf-8",
        )  # fmt: skip
        if installed_version() >= CGROUPS_CAN_BE_DISABLED:
            (self.folder / "cgroup.conf").write_text("CgroupPlugin=disabled\n", encoding="utf-8")
        # Within a job Snakemake calls srun without the SLURM_* variables that it was given; on a cluster it finds /etc/slurm/slurm.conf.
        srun = self.folder / "bin" / "srun"
        srun.write_text(
            f'#!/bin/sh\nSLURM_CONF={configuration} exec {installed("srun")} "$@"\n',
            encoding="utf-8",
        )
        srun.chmod(0o755)
        self.environment = os.environ | {
            "SLURM_CONF": str(configuration),
            "PATH": f"{srun.parent}{os.pathsep}{PATH}",
        }
        self._launch("slurmctld", "-D", "-f", str(configuration))
        self._launch(
            "slurmd", "-D", "-f", str(configuration), "-N", NODE, "-d", installed("slurmstepd")
        )
        wait_until(
            lambda: self.node_state() == "idle",
            f"the cluster starts; see the logs in {self.folder}",
        )

    def _launch(self, *command: str) -> None:
        with open(self.folder / f"{command[0]}.out", "wb") as output:
            self.daemons.append(
                subprocess.Popen(
                    [installed(command[0]), *command[1:]],
                    env=self.environment,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
            )

    def stop(self) -> None:
        if self.daemons:
            self.cancel()
        for daemon in reversed(self.daemons):
            daemon.terminate()
            daemon.wait(timeout=DEADLINE)

    def run(self, *command: str) -> str:
        """What the command prints; empty where it failed, as while the cluster starts."""
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False
        ).stdout

    def node_state(self) -> str:
        return self.run("sinfo", "--noheader", "--format=%T").strip()

    def jobs(self, *states: str, comment: str = ".*") -> list[str]:
        """Ids of the jobs in the given states whose comment, which names the rule and its wildcards, has the pattern `comment`."""
        rows = self.run(
            "squeue", "--noheader", "--format=%i|%k", "--states", ",".join(states)
        ).splitlines()
        found = (row.split("|", 1) for row in rows)
        return sorted((job for job, said in found if re.fullmatch(comment, said)), key=int)

    def field(self, job: str, name: str) -> str:
        """A field of `scontrol show job`; empty where the controller does not answer."""
        shown = dict(
            word.split("=", 1)
            for word in self.run("scontrol", "show", "job", job).split()
            if "=" in word
        )
        return shown.get(name, "")

    def cancel(self) -> None:
        """Cancels all jobs, and waits until they are gone."""
        for job in self.jobs(*UNFINISHED):
            self.run("scancel", job)
        wait_until(lambda: not self.jobs(*UNFINISHED), "cancelled jobs end")
