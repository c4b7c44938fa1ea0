"""SIGKILL at any point of a job, again and again: the same bytes in the end, and at most one evaluation or epoch repeated for each kill."""

import signal
from typing import Any

import pytest
from cases import cases
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from faults.jobs import (
    BATCH,
    BUDGET,
    EPOCHS,
    IMAGES,
    INITIAL,
    INITIAL_DESIGNS,
    SEARCH,
    TRAINING,
    Point,
    Workplace,
)
from paretopress.jobs.files import UNFINISHED

pytestmark = pytest.mark.slow

STEPS = IMAGES // BATCH  # of an epoch


def evaluations_repeated(place: Workplace, wanted: int) -> float:
    return place.evaluations() - wanted


def epochs_repeated(place: Workplace) -> float:
    return place.training_steps() / STEPS - EPOCHS


# Each example kills once for certain: together 10 kills in `make test`, 40 in `make test-all`.
JOBS = {
    "search": (SEARCH, lambda place: evaluations_repeated(place, BUDGET - INITIAL), cases(16)),
    "training": (TRAINING, epochs_repeated, cases(16)),
    "initial sample": (
        INITIAL_DESIGNS,
        lambda place: evaluations_repeated(place, INITIAL),
        cases(8),
    ),
}


@pytest.mark.parametrize("name", JOBS)
def test_a_job_that_is_killed_anywhere_goes_on_to_the_same_bytes(name, workplace, capsys):
    job, repeated, examples = JOBS[name]
    points = {kind: workplace().points(job, kind) for kind in ("files", "calls")}
    points["after files"] = points["files"]
    undisturbed = workplace()
    undisturbed.complete(job)
    assert repeated(undisturbed) == 0
    kills = 0

    @settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    @given(st.data())
    def killed(data: Any) -> None:
        nonlocal kills
        place = workplace()
        killed_here = 0
        for number in range(data.draw(st.integers(1, 3), label="kills in a row")):
            kind = data.draw(st.sampled_from(sorted(points)), label="kind")
            # A job that goes on is shorter: most of the later kills are to find it alive.
            at = data.draw(st.integers(0, points[kind] // 2**number - 1), label="point")
            code = place.start(job, Point(kind, at))
            assert code == -signal.SIGKILL or (code == 0 and number), place.terminal()
            killed_here += code == -signal.SIGKILL
            assert repeated(place) <= killed_here
        kills += killed_here
        place.complete(job)
        assert place.outputs(job) == undisturbed.outputs(job)
        assert "damaged" not in place.log(job), "a kill leaves no half of a file"
        made = repeated(place)
        assert 0 <= made <= killed_here
        assert not list((place.folder / "results").rglob(f"{UNFINISHED}*")), (
            "what the dead left is gone"
        )
        # Snakemake was killed before it noted that the job is done: it deletes the outputs, and runs the job again.
        place.complete(job)
        assert place.outputs(job) == undisturbed.outputs(job)
        assert repeated(place) == made, "everything was recorded"

    killed()
    assert kills >= examples
    with capsys.disabled():
        print(f" [{kills} kills of the {name} job]", end="")
