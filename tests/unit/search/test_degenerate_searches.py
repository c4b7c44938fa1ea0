"""Searches that cannot go well end well: every method, on targets where nothing, everything or hardly anything is to be found."""

import re
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from zlib import crc32

import numpy as np
import pytest
from cases import cases
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from paths import ROOT
from sklearn.tree import DecisionTreeRegressor
from spaces import WHOLE, bounded, result_of, vector_of
from test_search import FAMILIES, METHODS, NO_LAYERS, START, FoldedTarget, tables

from paretopress.compression.designs import SearchSpace, space_of
from paretopress.compression.evaluation import Measurement
from paretopress.compression.plans import Plan
from paretopress.config.candidates import SURROGATES
from paretopress.config.regressors import built
from paretopress.config.sizes import NONZERO_RATE, SIZES, functions_of
from paretopress.config.variables import VARIABLES, Design
from paretopress.errors import UserError
from paretopress.jobs.journal import Journal
from paretopress.methods import build_method
from paretopress.runs.tables import evaluation_table, iteration_table
from paretopress.search import archive as search
from paretopress.search import selection
from paretopress.search.archive import Archive, Evaluation, Target, sample_initial
from paretopress.search.selection import RANDOM_CHOICE, SCORES

SEED = 1
SEARCHES = FAMILIES | {"hill_climber": "hill_climber.HillClimber"}
SETTINGS = METHODS | {"hill_climber": {}}
SURROGATE = METHODS["surrogate"] | {"population": 5, "generations": 3, "folds": 2, "infills": 5}
WIDE = WHOLE
NARROW = bounded((0.5, 0.5000001), (0.5, 0.5000001))
HANGS_AFTER = 300  # seconds; what does not hang takes a hundredth of it


@pytest.fixture(autouse=True)
def deadline() -> Iterator[None]:
    """A search that hangs fails, wherever it hangs."""

    def stop(*_: object) -> None:
        pytest.fail(f"no end after {HANGS_AFTER} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, HANGS_AFTER, HANGS_AFTER)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(autouse=True, scope="module")
def own_method() -> Iterator[None]:
    """The method that docs/extending.md shows, as if its file lay beside the others."""
    page = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", page, flags=re.DOTALL).group(1)
    module = ModuleType("paretopress.methods.hill_climber")
    module.__package__ = "paretopress.methods"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, module.__name__, module)
        exec(code, module.__dict__)
        yield


@pytest.fixture(autouse=True, scope="module")
def small_candidates() -> Iterator[None]:
    """Single trees in place of many (the real candidates: test_degenerate_surrogates.py), and few attempts to find a new network."""
    few = {
        "random_forest": lambda seed: DecisionTreeRegressor(random_state=seed),
        "xgboost": lambda seed: DecisionTreeRegressor(max_depth=2, random_state=seed),
        "lightgbm": lambda seed: DecisionTreeRegressor(max_depth=1, random_state=seed),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            selection, "built", lambda name, seed: few.get(name, partial(built, name))(seed)
        )
        patch.setattr(search, "ATTEMPTS", 300)
        patch.setattr("paretopress.methods.ctaea.STALE_GENERATIONS", 10)
        yield


@dataclass(frozen=True)
class Table:
    """A target of finitely many networks.

    levels: by variable, how many of its values make a difference (1: none does). rates, accuracies: what networks measure, drawn from
    by the design.
    """

    space: SearchSpace
    levels: tuple[int, ...]
    rates: tuple[float, ...]
    accuracies: tuple[float, ...]
    threshold: float
    size: str = NONZERO_RATE

    def canonical(self, design: Design) -> tuple[Design, Plan]:
        lower, upper, vector = self.space.lower(), self.space.upper(), vector_of(self.space, design)
        steps = np.array(self.levels)
        share = np.clip((vector - lower) / np.where(upper > lower, upper - lower, 1), 0, 1)
        index = np.minimum((share * steps).astype(int), steps - 1)
        values = lower + (index + 0.5) / steps * (upper - lower)
        folded = self.space.design(
            np.where(
                steps == 1, 0, np.where(self.space.integer, np.minimum(vector, steps - 1), values)
            )
        )
        places = np.where(self.space.integer, np.minimum(vector, steps - 1), index)
        return folded, Plan(
            tuple(
                (variable.name, int(place))
                for variable, place in zip(self.space.free, places, strict=True)
            ),
            False,
        )

    def evaluate(self, plan: Plan) -> Measurement:
        draw = crc32(plan.design_id.encode())
        return Measurement(
            self.rates[draw % len(self.rates)],
            self.accuracies[draw // 7 % len(self.accuracies)],
            0.0,
        )

    def target(self) -> Target:
        return FoldedTarget(
            self.space, NO_LAYERS, 0, self.evaluate, self.threshold, self.size, fold=self.canonical
        )


def initial_sample(target: Target, count: int) -> list[Evaluation]:
    return [
        Evaluation(
            number,
            "initial",
            0,
            plan.design_id,
            design,
            bytes=target.bytes_rate(plan),
            **result_of(target, plan),
        )
        for number, (design, plan) in enumerate(sample_initial(target, count, SEED), start=1)
    ]


def run(
    target: Target,
    family: str,
    settings: dict,
    budget: int,
    initial: list[Evaluation],
    folder: Path,
) -> Archive:
    archive = Archive(target, budget, SEED, initial, Journal(folder, "same"))
    build_method(SEARCHES[family], settings).run(archive, lambda archive: None)
    return archive


def networks_of(levels: tuple[int, ...]) -> int:
    return int(np.prod(levels))


ONE = {"linear_amount": [0.5], "conv_amount": {"minimum": 0.2, "maximum": 0.8}}  # variable
fractions = st.floats(0, 1) | st.sampled_from([0.0, 1.0])
measured = st.lists(fractions, min_size=1, max_size=5).map(tuple)
spaces = st.sampled_from(
    [
        WIDE,
        NARROW,
        bounded((1e-9, 2e-9), (0.9999999, 0.99999999)),
        bounded((0.001, 0.999), (0.5, 0.5000001)),
        space_of({"conv_bits": [32, 8, 4], "quantization": [0], "linear_amount": [0.5]}),
        space_of(
            {name: known.usual[:1] for name, known in VARIABLES.items() if known.values} | ONE
        ),
    ]
)
sizes = st.sampled_from(list(SIZES))
metrics = st.sampled_from([*SCORES, RANDOM_CHOICE])


@st.composite
def studies(draw: st.DrawFn) -> dict:
    """A table, and a method with a budget for it that a config allows, or that a caller can give."""
    space = draw(spaces)
    levels = draw(
        st.tuples(*[st.integers(1, len(variable.values) or 4) for variable in space.free]).filter(
            lambda levels: networks_of(levels) <= 60
        )
    )
    table = Table(
        space,
        levels,
        draw(measured),
        draw(measured),
        draw(st.sampled_from([-0.05, 1e-9, 0.5, 0.97])),
        draw(sizes),
    )
    family = draw(st.sampled_from([*SEARCHES, "surrogate"]))
    chosen = SETTINGS[family]
    if family == "surrogate":
        chosen = SURROGATE | {
            "objective_metric": draw(metrics), "constraint_metric": draw(metrics), "infills": draw(st.integers(1, 5)),
            "population": draw(st.integers(2, 9)), "generations": draw(st.integers(1, 3)),
            "infill_rule": draw(st.sampled_from(["random", "objective_distance"])),
        }  # fmt: skip
    elif family == "ctaea":
        chosen = {"population": draw(st.integers(2, 30))}
    initial = draw(st.integers(1, 12))
    return {
        "table": table,
        "family": family,
        "settings": chosen,
        "initial": initial,
        "budget": initial + draw(st.integers(0, 9)),
    }


@given(studies(), st.integers(0, 20))
@settings(
    max_examples=cases(30),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
def test_a_search_ends_within_its_budget_and_dies_and_ends_with_the_same_bytes(study, dies_at):
    target = study["table"].target()
    if study["initial"] > networks_of(study["table"].levels):
        return  # refused, see below
    try:
        initial = initial_sample(target, study["initial"])
    except UserError:
        return  # a network that few designs make was not met
    made: Counter[str] = Counter()

    def evaluate(plan: Plan) -> Measurement:
        made[plan.design_id] += 1
        return target.evaluate(plan)

    def dying(plan: Plan) -> Measurement:
        if made.total() == dies_at:
            raise KeyboardInterrupt
        return evaluate(plan)

    with TemporaryDirectory() as folder:
        names = (study["family"], study["settings"], study["budget"], initial)
        whole = run(replace(target, evaluate=evaluate), *names, Path(folder) / "whole")
        evaluations = whole.evaluations
        assert [evaluation.evaluation for evaluation in evaluations] == list(
            range(1, len(evaluations) + 1)
        )
        assert (
            len(evaluations)
            == len({evaluation.design_id for evaluation in evaluations})
            <= study["budget"]
        )
        taken = [evaluation for evaluation in evaluations if evaluation.phase == "initial"]
        assert taken == initial[: len(taken)]
        assert made == Counter(evaluation.design_id for evaluation in evaluations[len(taken) :]), (
            "one is evaluated once"
        )

        made.clear()
        try:
            again = run(replace(target, evaluate=dying), *names, Path(folder) / "again")
        except KeyboardInterrupt:
            again = run(replace(target, evaluate=evaluate), *names, Path(folder) / "again")
        assert tables(again) == tables(whole)
        assert set(made.values()) <= {1}, "what was recorded is not evaluated again"


PAIRS = [
    ("mse", "mape"),
    ("mape", "spearman"),
    ("spearman", RANDOM_CHOICE),
    (RANDOM_CHOICE, "mse"),
]  # each metric in both places
EVERY_METHOD = [
    *(
        pytest.param(family, SETTINGS[family], id=family)
        for family in SEARCHES
        if family != "surrogate"
    ),
    *(
        pytest.param(
            "surrogate",
            SURROGATE | {"objective_metric": one, "constraint_metric": other},
            id=f"surrogate-{one}-{other}",
        )
        for one, other in PAIRS
    ),
]


EXTREMES = {
    "nothing feasible": {"threshold": 0.9999},
    "everything feasible": {"threshold": 0.0},
    "constant objectives": {"rates": (0.5,), "accuracies": (0.9,)},
    "constant on the floor": {"rates": (1.0,), "accuracies": (0.5,), "threshold": 0.5},
    "all zero": {"rates": (0.0,), "accuracies": (0.0,)},
    "initial designs alike in all but one variable": {"levels": (1, 1, 60, 1, 1, 1, 1)},
}


@pytest.mark.parametrize("extreme", EXTREMES)
@pytest.mark.parametrize(("family", "chosen"), EVERY_METHOD)
def test_every_method_spends_its_budget_on_a_degenerate_target(family, chosen, extreme, tmp_path):
    plain = {
        "levels": (3, 3, 4, 4, 3, 3, 2),
        "rates": (0.2, 0.5, 0.9),
        "accuracies": (0.1, 0.6, 0.8, 0.95),
        "threshold": 0.7,
    }
    table = Table(WIDE, **plain | EXTREMES[extreme])
    archive = run(table.target(), family, chosen, 17, initial_sample(table.target(), 12), tmp_path)
    evaluations = evaluation_table(map(Evaluation.row, archive.evaluations), table.threshold)
    assert len(evaluations) == 17
    iterations = iteration_table(archive.iterations)
    if extreme == "nothing feasible":
        assert not evaluations["feasible"].any()
        assert (iterations["front_size"] == 0).all()
    if extreme in ("everything feasible", "constant on the floor"):
        assert evaluations["feasible"].all()
    if family == "surrogate":
        assert (
            iterations[[f"{function}_surrogate" for function in functions_of(NONZERO_RATE)]]
            .notna()
            .all(axis=None)
        )
        assert np.isfinite(
            iterations.filter(like="_score_").to_numpy(dtype=float)[:, _compared(chosen)]
        ).all()


def _compared(chosen: dict) -> np.ndarray:
    """Which columns of scores are filled: those of functions whose surrogates are compared."""
    by_function = [
        chosen["objective_metric"],
        chosen["objective_metric"],
        chosen["constraint_metric"],
    ]
    return np.repeat([metric != RANDOM_CHOICE for metric in by_function], len(SURROGATES))


@pytest.mark.parametrize("metric", SCORES)
def test_of_equal_scores_the_first_candidate_is_chosen_and_the_scores_show_it(metric, tmp_path):
    table = Table(WIDE, (3, 3, 4, 4, 3, 3, 2), (0.5,), (0.0,), 0.5)
    chosen = SURROGATE | {"objective_metric": metric, "constraint_metric": metric, "infills": 3}
    archive = run(
        table.target(), "surrogate", chosen, 15, initial_sample(table.target(), 12), tmp_path
    )
    (row,) = iteration_table(archive.iterations).to_dict("records")
    for function in functions_of(NONZERO_RATE):
        scores = [row[f"{function}_score_{name}"] for name in SURROGATES]
        assert row[f"{function}_surrogate"] == list(SURROGATES)[int(np.argmax(scores))]
        if metric == "spearman":
            assert scores == [-1] * len(SURROGATES)
            assert row[f"{function}_surrogate"] == "knn"


@pytest.mark.parametrize("initial", [1, 2, 3])
@pytest.mark.parametrize(("family", "chosen"), EVERY_METHOD)
def test_a_sample_too_small_to_compare_surrogates_on_still_ends(initial, family, chosen, tmp_path):
    table = Table(WIDE, (3, 3, 4, 4, 3, 3, 2), (0.2, 0.5, 0.9), (0.1, 0.6, 0.8, 0.95), 0.7)
    archive = run(
        table.target(), family, chosen, 9, initial_sample(table.target(), initial), tmp_path
    )
    assert len(archive.evaluations) == 9


@pytest.mark.parametrize(("family", "chosen"), EVERY_METHOD)
def test_a_budget_as_large_as_the_initial_sample_needs_no_iteration(family, chosen, tmp_path):
    table = Table(WIDE, (3, 3, 4, 4, 3, 3, 2), (0.2, 0.5, 0.9), (0.1, 0.6, 0.8, 0.95), 0.7)
    chosen = chosen | {key: 12 for key in START if key in chosen and family != "surrogate"}
    archive = run(table.target(), family, chosen, 12, initial_sample(table.target(), 12), tmp_path)
    assert {evaluation.phase for evaluation in archive.evaluations} == {"initial"}
    assert archive.iterations == []
    assert "iteration,evaluations,front_size" in iteration_table([]).to_csv(index=False)


@pytest.mark.parametrize("space", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize(
    "networks",
    [(1, 1, 1, 1, 1, 1, 1), (1, 1, 1, 1, 1, 1, 2), (3, 1, 1, 1, 1, 3, 2)],
    ids=networks_of,
)
@pytest.mark.parametrize("family", SEARCHES)
def test_a_space_of_few_networks_is_used_up_and_the_search_ends(networks, space, family, tmp_path):
    """A single network, two, and fewer than the population and the budget."""
    table = Table(space, networks, (0.2, 0.5, 0.9), (0.1, 0.6, 0.8, 0.95), 0.7)
    chosen = (
        SURROGATE
        if family == "surrogate"
        else SETTINGS[family] | ({"population": 12} if family == "ctaea" else {})
    )
    archive = run(table.target(), family, chosen, 20, initial_sample(table.target(), 1), tmp_path)
    assert 1 <= len(archive.evaluations) <= networks_of(networks)
    assert archive.left >= 20 - networks_of(networks)
    if family in ("random", "surrogate"):  # the others look near what is good alone
        assert len(archive.evaluations) == networks_of(networks)


def test_an_initial_sample_larger_than_the_space_is_refused():
    table = Table(WIDE, (3, 1, 1, 1, 1, 1, 2), (0.5,), (0.5,), 0.5)
    with pytest.raises(
        UserError,
        match=r"budget\.initial = 7: the number of distinct networks among 300 random designs is 6",
    ):
        sample_initial(table.target(), 7, SEED)


@pytest.mark.parametrize(
    ("name", "value"),
    [("accuracy", float("nan")), ("nonzero_rate", float("inf")), ("accuracy", 1.5)],
)
@pytest.mark.parametrize("family", SEARCHES)
def test_a_measurement_that_is_no_fraction_stops_the_search_and_is_not_recorded(
    name, value, family, tmp_path
):
    table = Table(WIDE, (3, 3, 4, 4, 3, 3, 2), (0.2, 0.5, 0.9), (0.1, 0.6, 0.8, 0.95), 0.7)
    initial = initial_sample(table.target(), 12)
    broken = replace(
        table.target(), evaluate=lambda plan: replace(table.evaluate(plan), **{name: value})
    )
    with pytest.raises(
        UserError,
        match=rf"design [0-9a-f]{{12}}: its measured {name} is {value}, and must lie between 0 and 1",
    ):
        run(
            broken,
            family,
            SURROGATE if family == "surrogate" else SETTINGS[family],
            17,
            initial,
            tmp_path,
        )
    assert not list((tmp_path / "evaluations").glob("*.json"))
    with pytest.raises(
        UserError, match=f"design {initial[0].design_id}: its measured {name} is {value}"
    ):
        run(
            table.target(),
            family,
            SETTINGS[family],
            17,
            [replace(initial[0], **{name: value}), *initial[1:]],
            tmp_path / "sample",
        )
    assert (
        len(
            run(
                table.target(),
                family,
                SURROGATE if family == "surrogate" else SETTINGS[family],
                17,
                initial,
                tmp_path,
            ).evaluations
        )
        == 17
    ), "mended, it goes on"
