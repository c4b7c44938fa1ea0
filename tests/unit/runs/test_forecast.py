"""The forecast of a study: the kinds of its evaluations, what is left of them, and what that takes. With made-up times."""

from pathlib import Path

import pytest
from project import TINY
from spaces import WHOLE
from torch import nn

from paretopress.compression.layers import layout_of
from paretopress.compression.plans import Plan, canonical
from paretopress.config.study import Study
from paretopress.config.variables import Design
from paretopress.runs.forecast import (
    Cost,
    Kind,
    Step,
    Times,
    cost,
    read_times,
    run_cost,
    times_json,
)
from paretopress.runs.planned import Planned
from paretopress.runs.remaining import FORECAST, SAMPLES, forecast_lines, remaining
from paretopress.runs.timed import (
    PART,
    continued,
    drawn,
    kinds_of,
    light_plan,
    several,
    time_step,
)

KINDS = (Kind(True, False, share=0.75, seconds=4.0), Kind(False, True, share=0.25, seconds=2.0))
MEMORY = 1_100_000_000
STEPS = {
    "surrogate-mse-random": Step(12, seconds=1.0, memory=1_260_000_000),
    "ctaea-7x2": Step(7, seconds=0.0, memory=900_000_000),
    "random": Step(12, seconds=0.0, memory=MEMORY),
}
TIMES = Times(threads=1, memory=MEMORY, kinds=KINDS, steps=STEPS)
NETWORK = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 8))
LAYOUT = layout_of(NETWORK)


@pytest.fixture
def plan(tmp_path) -> Planned:
    """Two seeds of 14 evaluations, 10 of them initial."""
    return Planned(Study.model_validate(TINY), str(tmp_path))


def record(folder: str, evaluations: int) -> None:
    for number in range(evaluations):
        path = Path(folder, "evaluations", f"{number}.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}", encoding="utf-8")


def write(file: str) -> None:
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    Path(file).write_text("", encoding="utf-8")


def test_an_evaluation_takes_the_mean_of_the_kinds_by_their_shares():
    assert TIMES.evaluation == 3.5
    assert cost(TIMES, 4) == Cost(4, 14.0, 0.0, MEMORY)
    assert cost(TIMES, 4, STEPS["surrogate-mse-random"]) == Cost(4, 14.0, 4.0, 1_260_000_000)
    assert cost(TIMES, 4, STEPS["ctaea-7x2"]).memory == MEMORY
    assert cost(TIMES, 0, STEPS["surrogate-mse-random"]) == Cost()
    assert read_times(times_json(TIMES)) == TIMES


def test_a_run_has_its_own_evaluations_behind_its_part_of_the_sample():
    assert run_cost(TIMES, "surrogate-mse-random", 10, 14) == Cost(14, 49.0, 4.0, 1_260_000_000)
    assert run_cost(TIMES, "surrogate-mse-random", 10, 6) == Cost(6, 21.0, 0.0, MEMORY)


def test_what_is_done_is_not_forecast(plan):
    assert remaining(plan, "first", TIMES) == {
        SAMPLES: Cost(20, 70.0, 0.0, MEMORY),
        "surrogate-mse-random": Cost(8, 28.0, 8.0, 1_260_000_000),
        "ctaea-7x2": Cost(14, 49.0, 0.0, MEMORY),
        "random": Cost(8, 28.0, 0.0, MEMORY),
    }
    runs = {(run.method, run.seed): run for run in plan.own_runs if run.network == "first"}
    record(plan.journal("first", "initial", "seed-1"), 3)
    write(plan.sample_file(runs["random", 2], ".csv"))
    record(plan.search_journal(runs["surrogate-mse-random", 1]), 9)  # of a larger budget
    write(plan.run_file(runs["random", 1], "evaluations.csv"))
    record(plan.search_journal(runs["random", 2]), 1)
    write(plan.run_file(runs["random", 2], "evaluations.csv"))  # of a smaller one
    left = {name: cost.evaluations for name, cost in remaining(plan, "first", TIMES).items()}
    assert left == {SAMPLES: 7, "surrogate-mse-random": 4, "ctaea-7x2": 14, "random": 3}
    assert remaining(plan, "second", TIMES)[SAMPLES].evaluations == 20
    of_one = Planned(
        Study.model_validate(TINY | {"budget": TINY["budget"] | {"initial_seed": 3}}), "x"
    )
    assert remaining(of_one, "first", TIMES)[SAMPLES].evaluations == 10, "one for all"


def test_a_line_says_what_is_left_of_each_network_that_was_timed(plan):
    path = Path(plan.results, "baselines", "first", FORECAST)
    write(str(path))
    assert list(forecast_lines(plan)) == [], "a damaged forecast stops no study"
    path.write_text(times_json(TIMES), encoding="utf-8")
    assert list(forecast_lines(plan)) == [
        "forecast of first: 2 min 55 s of evaluations and 8 s of searches, one after the other on "
        "1 thread; 1.3 GB each (done: 0 of 6 runs)"
    ]
    for run in plan.own_runs:
        write(plan.run_file(run, "evaluations.csv"))
        write(plan.sample_file(run, ".csv"))
    assert list(forecast_lines(plan)) == [], "nothing is left"


def test_a_kind_is_what_changes_and_whether_it_is_int8():
    def of(*design: float) -> tuple[bool, bool]:
        (kind,) = kinds_of([canonical(Design(*design), LAYOUT, 0)], LAYOUT)
        return kind

    assert of(2, 0, 0.5, 0.5, 1, 1, 0) == (False, False)
    assert of(2, 0, 0.5, 0.5, 1, 1, 1) == (False, True)
    assert of(0, 2, 0.5, 0.5, 1, 1, 0) == (True, False)
    assert of(2, 2, 0.5, 0.5, 1, 1, 1) == (True, True)
    assert of(0, 0, 0.5, 0.5, 1, 1, 0) == (False, False), "nothing changes"
    kinds = kinds_of(drawn(WHOLE, LAYOUT, 100), LAYOUT)
    networks = {plan.design_id for _, plan in drawn(WHOLE, LAYOUT, 100)}
    assert sum(map(len, kinds.values())) == len(networks) < 100
    assert len(kinds) == 4
    for kind, plans in kinds.items():
        assert list(kinds_of([(None, light_plan(plans[0], kind[0], LAYOUT))], LAYOUT)) == [kind]


def test_a_time_with_a_part_of_the_images_is_continued_to_all():
    def seconds(share: float) -> float:
        return 3 + 40 * share

    timed = continued(7 + 40 * 0.2, seconds(0.2), seconds(0.2 / PART), 0.2)
    assert timed == pytest.approx(7 + 40)
    assert continued(5.0, 2.0, 2.5, 0.2) == 5.0, "noise makes no time shorter"


def test_plans_that_take_long_are_timed_once():
    plans = [Plan((("0.weight", zeros),), False) for zeros in range(1, 6)]
    assert several(lambda plan: 9.0 * plan.zeros[0][1], plans) == [9.0]
    assert several(lambda plan: 0.1 * plan.zeros[0][1], plans) == pytest.approx([0.1, 0.2, 0.3])


@pytest.mark.parametrize(
    ("method", "taken"), [("surrogate-mse-random", 12), ("ctaea-7x2", 7), ("random", 12)]
)
def test_a_search_is_timed_without_an_evaluation_of_the_network(method, taken):
    settings = Study.model_validate(TINY).methods_by_name()[method]
    step = time_step(settings, WHOLE, LAYOUT, "bytes", drawn(WHOLE, LAYOUT, 12))
    assert step.taken == taken
    assert step.seconds > 0
    assert step.memory > 10**7
