"""A results folder on a real file system that is full or read-only."""

from typing import Any

import pytest
from cases import cases
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from faults.jobs import BUDGET, EPOCHS, INITIAL, SEARCH, TRAINING, Workplace

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("_mounts")]

PAGE = 4096
FILLER = "results/filler"
JOBS = {
    "search": (SEARCH, Workplace.evaluations, BUDGET - INITIAL),
    "training": (TRAINING, lambda place: place.training_steps() / 4, EPOCHS),
}


class SmallDisk:
    """A workplace whose results lie on a file system of a given size; only the server's processes see what is on it."""

    def __init__(self, place: Workplace, pages: int) -> None:
        self.place, self.results = place, place.folder / "results"
        self.shell(f"mkdir -p results && mount -t tmpfs -o size={pages * PAGE} tmpfs results")

    def shell(self, command: str) -> str:
        return self.place.server.shell(f"cd {self.place.folder} && {command}")

    def pages_used(self) -> int:
        return int(self.shell("df --output=used -B 4096 results | tail -1"))

    def leave(self, pages: int) -> None:
        """Fills the disk but for so many pages."""
        self.shell(
            f"dd if=/dev/zero of={FILLER} bs={PAGE} status=none 2>/dev/null || true; truncate -s -{pages * PAGE} {FILLER}"
        )

    def unmount(self) -> None:
        """Leaves what was on the disk in the folder, where everybody sees it."""
        self.shell("cp -a results kept && umount results && rm -r results && mv kept results")


@pytest.mark.parametrize("name", JOBS)
def test_a_full_disk_stops_a_job_with_a_sentence_and_costs_one_step(name, workplace):
    job, made, wanted = JOBS[name]
    undisturbed = SmallDisk(workplace(), 4096)
    undisturbed.place.complete(job)
    needed = undisturbed.pages_used()
    undisturbed.unmount()
    stopped = 0

    @settings(
        max_examples=cases(8),
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    @given(st.data())
    def full(data: Any) -> None:
        nonlocal stopped
        disk = SmallDisk(workplace(), 4096)
        disk.leave(data.draw(st.integers(0, needed - 1), label="pages left"))
        code = disk.place.start(job)
        assert code in (0, 1), disk.place.terminal()
        if code:
            stopped += 1
            assert (
                "the disk is full. Free some space and start the study again"
                in disk.place.terminal()
            )
            assert "Traceback" not in disk.place.terminal()
        disk.shell(f"rm {FILLER}")
        assert disk.place.start(job) == 0, disk.place.terminal()
        disk.unmount()
        assert disk.place.outputs(job) == undisturbed.place.outputs(job)
        assert "damaged" not in disk.place.log(job)
        assert 0 <= made(disk.place) - wanted <= 1

    full()
    assert stopped
