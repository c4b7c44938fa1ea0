"""SIGTERM at any point: the step at hand is finished and recorded, the job ends and says where it stands; nothing is done twice."""

import re
import signal

import pytest
from cases import cases
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from faults.jobs import BUDGET, EPOCHS, INITIAL, SEARCH, TRAINING, Point, Workplace
from paretopress.jobs.stopping import Stopped, finished_first

pytestmark = pytest.mark.slow

JOBS = {
    "search": (
        SEARCH,
        Workplace.evaluations,
        BUDGET - INITIAL,
        r"stopped by a signal after \d recorded (evaluations|iterations)\. Start",
    ),
    "training": (
        TRAINING,
        lambda place: place.training_steps() // 4,
        EPOCHS,
        r"stopped by a signal after epoch \d of 4\. Start",
    ),
}


@pytest.mark.parametrize("name", JOBS)
def test_a_job_that_is_asked_to_stop_loses_nothing(name, workplace):
    job, made, wanted, message = JOBS[name]
    points = workplace().points(job, "files")
    undisturbed = workplace()
    undisturbed.complete(job)
    ends = []

    def stop_at(point: int) -> None:
        place = workplace()
        code = place.start(job, Point("files", point, [signal.SIGTERM]))
        ends.append(code)
        assert code in (1, -signal.SIGTERM), "between two steps it ends at once"
        if code == 1:
            assert re.search(message, place.log(job))
            assert re.search(message, place.terminal())
        place.complete(job)
        assert place.outputs(job) == undisturbed.outputs(job)
        assert made(place) == wanted, "what it was in was finished"

    @settings(
        max_examples=cases(8),
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    @given(st.integers(0, points - 1))
    def stopped(point: int) -> None:
        stop_at(point)

    stopped()
    for part in (4, 5):  # sixths of the job, whose steps come late: at least one is in a step
        stop_at(points * part // 6)
    assert 1 in ends


def test_an_interrupted_job_says_what_to_do_and_loses_the_evaluation_it_was_in(workplace):
    undisturbed, place = workplace(), workplace()
    points = undisturbed.points(SEARCH, "files")
    for at in (points // 3, points // 3):
        assert place.start(SEARCH, Point("files", at, [signal.SIGINT])) == 1
        assert "interrupted. Start the study again: finished work is kept." in place.log(SEARCH)
        assert "Traceback" not in place.terminal()
    place.complete(SEARCH)
    assert place.outputs(SEARCH) == undisturbed.outputs(SEARCH)
    assert place.evaluations() <= BUDGET - INITIAL + 2


def test_the_second_signal_ends_the_job_at_once(workplace):
    half, once, twice = (
        workplace().points(SEARCH, "files") // 2,
        [signal.SIGTERM],
        [signal.SIGTERM, signal.SIGTERM],
    )
    in_a_step = next(
        at
        for at in range(half, 2 * half)
        if workplace().start(SEARCH, Point("files", at, once)) == 1
    )
    assert workplace().start(SEARCH, Point("files", in_a_step, twice)) == -signal.SIGTERM


def test_a_step_that_fails_fails_as_it_is_and_the_signals_are_as_before():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyError), finished_first(lambda: "it"):
        raise KeyError
    with pytest.raises(Stopped, match="after it"), finished_first(lambda: "it"):
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before
