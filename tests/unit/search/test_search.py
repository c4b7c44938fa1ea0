"""The search methods under one budget, on a target that costs nothing; the real method, dying and going on included."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest
from spaces import result_of, vector_of

from paretopress.compression.evaluation import Measurement
from paretopress.compression.layers import Layout
from paretopress.compression.plans import Plan
from paretopress.config.candidates import SURROGATES
from paretopress.config.method_files import families, method_class
from paretopress.config.variables import Design
from paretopress.errors import UserError
from paretopress.jobs.journal import Journal
from paretopress.methods import build_method
from paretopress.runs.tables import evaluation_table, iteration_table
from paretopress.search.archive import Archive, Evaluation, Target, sample_initial
from paretopress.search.infills import INFILL_RULES


@dataclass(frozen=True, kw_only=True)
class FoldedTarget(Target):
    """A target whose designs fold to the networks of a function."""

    fold: Callable[[Design], tuple[Design, Plan]]

    def canonical(self, design: Design) -> tuple[Design, Plan]:
        return self.fold(design)

    def bytes_rate(self, plan: Plan) -> float:
        return crc32(plan.design_id.encode()) % 1000 / 1000

    def canonical_vectors(self, X: np.ndarray) -> np.ndarray:
        return np.stack(
            [vector_of(self.space, self.fold(self.space.design(vector))[0]) for vector in X]
        )


NO_LAYERS = Layout(linear=(), conv=(), quantizable=False, others=1)
SURROGATE = {"population": 10, "generations": 8, "infills": 2, "folds": 5, "infill_rule": "random"}
PEERS = ("botorch_qlognehvi", "optuna_gp", "optuna_tpe")  # test_peers.py has them
FAMILIES = {
    family: f"{family}.{method_class(family)[0]}" for family in families() if family not in PEERS
}
# What a family is tested with where its fields have no defaults, or would take long.
METHODS = {family: {} for family in FAMILIES} | {
    "ehvi": {"initial": 6, "candidates": 30},
    "ablation": {"generations": 8, "exact_size": True, "expected_improvement": True},
    "surrogate": {"objective_metric": "random", "constraint_metric": "random", **SURROGATE},
    "ctaea": {"population": 6},
    "nsga2": {"population": 6},
}
START = ("population", "initial")  # settings that say how much of the initial sample is taken
BUDGET, INITIAL, SEED = 24, 12, 1


def initial_sample(target: Target) -> list[Evaluation]:
    sample = sample_initial(target, INITIAL, SEED)
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
        for number, (design, plan) in enumerate(sample, start=1)
    ]


def search(
    target: Target,
    family: str,
    folder: Path,
    initial: list[Evaluation] | None = None,
    budget: int = BUDGET,
    **settings: Any,
) -> Archive:
    archive = Archive(
        target, budget, SEED, initial or initial_sample(target), Journal(folder, "same")
    )
    build_method(FAMILIES[family], METHODS[family] | settings).run(archive, lambda archive: None)
    return archive


def tables(archive: Archive) -> tuple[str, str]:
    return (
        evaluation_table(map(Evaluation.row, archive.evaluations), archive.target.threshold).to_csv(
            index=False
        ),
        iteration_table(archive.iterations).to_csv(index=False),
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_every_method_spends_the_budget_on_distinct_networks(family, synthetic_target, tmp_path):
    evaluations = search(synthetic_target, family, tmp_path).evaluations
    assert len(evaluations) == BUDGET
    assert len({evaluation.design_id for evaluation in evaluations}) == BUDGET
    assert [evaluation.evaluation for evaluation in evaluations] == list(range(1, BUDGET + 1))


@pytest.mark.parametrize("rule", INFILL_RULES)
def test_every_infill_rule_spends_the_budget_on_distinct_networks(rule, synthetic_target, tmp_path):
    evaluations = search(synthetic_target, "surrogate", tmp_path, infill_rule=rule).evaluations
    assert len({evaluation.design_id for evaluation in evaluations}) == BUDGET


def test_the_ablation_with_nothing_replaced_is_the_papers_method(synthetic_target, tmp_path):
    whole = {"exact_size": False, "expected_improvement": False}
    mse = {"objective_metric": "mse", "constraint_metric": "mse"}
    same = {key: value for key, value in SURROGATE.items() if key != "infill_rule"}
    ours = search(synthetic_target, "ablation", tmp_path / "ours", **same, **whole)
    paper = search(synthetic_target, "surrogate", tmp_path / "paper", **mse)
    assert tables(ours) == tables(paper)


def test_the_ablation_takes_the_size_from_the_design(synthetic_target, tmp_path):
    modelled = {"expected_improvement": False}
    exact = search(synthetic_target, "ablation", tmp_path, **modelled)
    assert [*exact.iterations[0]["surrogates"]] == ["accuracy", "constraint"]
    beside = search(synthetic_target, "ablation", tmp_path / "b", **modelled, exact_size=False)
    assert exact.evaluations != beside.evaluations


@pytest.mark.parametrize("family", FAMILIES)
def test_every_method_starts_from_the_shared_sample(family, synthetic_target, tmp_path):
    initial = initial_sample(synthetic_target)
    evaluations = search(synthetic_target, family, tmp_path, initial).evaluations
    taken = [evaluation for evaluation in evaluations if evaluation.phase == "initial"]
    start = [key for key in START if key in METHODS[family] and family != "surrogate"]
    assert taken == initial[: METHODS[family][start[0]] if start else INITIAL]
    assert {evaluation.phase for evaluation in evaluations} == {
        "initial",
        "generation" if family == "ctaea" else "infill",
    }


@pytest.mark.parametrize("family", FAMILIES)
def test_every_record_is_a_true_evaluation_of_its_design(family, synthetic_target, tmp_path):
    for evaluation in search(synthetic_target, family, tmp_path).evaluations:
        design, plan = synthetic_target.canonical(evaluation.design)
        measured = synthetic_target.evaluate(plan)
        assert (design, plan.design_id) == (evaluation.design, evaluation.design_id)
        assert (measured.nonzero_rate, measured.accuracy) == (
            evaluation.nonzero_rate,
            evaluation.accuracy,
        )


@pytest.mark.parametrize("family", FAMILIES)
def test_a_search_that_died_at_any_point_goes_on_to_the_same_bytes(
    family, synthetic_target, tmp_path
):
    initial = initial_sample(synthetic_target)
    expected = tables(search(synthetic_target, family, tmp_path / "whole", initial))
    evaluated: list[str] = []

    def dying(plan: Plan) -> Measurement:
        if len(evaluated) % 3 == 2 and plan.design_id not in evaluated:
            evaluated.append("died")
            raise KeyboardInterrupt
        evaluated.append(plan.design_id)
        return synthetic_target.evaluate(plan)

    for _ in range(BUDGET):
        try:
            archive = search(
                replace(synthetic_target, evaluate=dying), family, tmp_path / "broken", initial
            )
            break
        except KeyboardInterrupt:
            continue
    assert evaluated.count("died") >= 3
    done = [design_id for design_id in evaluated if design_id != "died"]
    assert len(done) == len(set(done)), "a recorded evaluation was made again"
    assert tables(archive) == expected


KILLED = """
import os, signal, sys
from dataclasses import replace
from pathlib import Path
sys.path[:0] = sys.argv[2:4]
from conftest import synthetic_target, small_network
from spaces import WHOLE
from unit.search.test_search import search
target = synthetic_target.__wrapped__(small_network.__wrapped__(), WHOLE)
made = []
def evaluate(plan):
    made.append(plan)
    if len(made) == 12 + 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return target.evaluate(plan)
search(replace(target, evaluate=evaluate), "surrogate", Path(sys.argv[1]))
"""


def test_a_killed_process_loses_the_evaluation_it_was_in_and_nothing_else(
    synthetic_target, tmp_path
):
    tests = Path(__file__).parents[2]
    paths = [str(tests), str(tests.parent / "workflow" / "scripts")]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "journal"), *paths], check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert len(list((tmp_path / "journal" / "evaluations").iterdir())) == 4
    expected = tables(search(synthetic_target, "surrogate", tmp_path / "whole"))
    made: list[str] = []

    def counted(plan: Plan) -> Measurement:
        made.append(plan.design_id)
        return synthetic_target.evaluate(plan)

    initial = initial_sample(synthetic_target)
    archive = search(
        replace(synthetic_target, evaluate=counted), "surrogate", tmp_path / "journal", initial
    )
    assert len(made) == BUDGET - INITIAL - 4
    assert tables(archive) == expected


def test_a_floor_that_nothing_keeps_is_searched_by_counted_fallbacks(synthetic_target, tmp_path):
    archive = search(replace(synthetic_target, threshold=0.999), "surrogate", tmp_path)
    table = iteration_table(archive.iterations)
    assert table["fallbacks"].sum() == BUDGET - INITIAL
    assert set(table["fallback_reason"]) == {"empty front"}
    assert (table["surrogate_front_size"] == 0).all()
    assert (table["front_size"] == 0).all()


def test_iterations_say_which_surrogate_was_chosen_by_which_scores(synthetic_target, tmp_path):
    archive = search(
        synthetic_target, "surrogate", tmp_path, budget=INITIAL + 4, objective_metric="mse"
    )
    table = iteration_table(archive.iterations)
    scores = table[[f"accuracy_score_{name}" for name in SURROGATES]]
    best = scores.idxmax(axis=1).str.removeprefix("accuracy_score_")
    assert (best == table["accuracy_surrogate"]).all()
    assert table["constraint_score_knn"].isna().all()  # chosen at random, compared with none
    assert set(table["constraint_surrogate"]) <= set(SURROGATES)
    assert list(table["evaluations"]) == [INITIAL + 2, INITIAL + 4]


def test_an_odd_budget_is_spent_to_the_last_evaluation(synthetic_target, tmp_path):
    initial = initial_sample(synthetic_target)
    archive = Archive(synthetic_target, INITIAL + 3, SEED, initial, Journal(tmp_path, "odd"))
    build_method(FAMILIES["surrogate"], METHODS["surrogate"]).run(archive, lambda archive: None)
    assert len(archive.evaluations) == INITIAL + 3


@pytest.mark.parametrize("family", FAMILIES)
def test_a_space_smaller_than_the_budget_ends_the_search(family, space, tmp_path):
    def canonical(design: Design) -> tuple[Design, Plan]:
        folded = Design(0, 0, 0.0, 0.0, 0, 0, design.quantization)
        return folded, Plan((), bool(design.quantization))

    target = FoldedTarget(
        space, NO_LAYERS, 0, lambda plan: Measurement(1.0, 0.9, 0.0), threshold=0.5, fold=canonical
    )
    initial = [
        Evaluation(number, "initial", 0, plan.design_id, design, 1.0, 1.0, 0.9, 0.0)
        for number, (design, plan) in enumerate(
            [canonical(Design(0, 0, 0.5, 0.5, 0, 0, value)) for value in (0, 1)], start=1
        )
    ]
    settings = METHODS[family] | ({"folds": 2} if family == "surrogate" else {})
    archive = Archive(target, BUDGET, SEED, initial, Journal(tmp_path, "small"))
    if family == "surrogate":
        archive.initial = tuple(
            replace(evaluation, evaluation=number)
            for number, evaluation in enumerate(initial * 5, start=1)
        )
    build_method(FAMILIES[family], settings).run(archive, lambda archive: None)
    assert iteration_table(archive.iterations)["front_size"].notna().all()
    assert len({evaluation.design_id for evaluation in archive.evaluations}) == 2


def test_too_small_a_space_for_the_initial_sample_says_so(synthetic_target):
    target = FoldedTarget(**vars(synthetic_target), fold=lambda design: (design, Plan((), False)))
    with pytest.raises(UserError, match=r"budget\.initial = 2: .* designs is 1\."):
        sample_initial(target, 2, SEED)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("budgets", [(13, 16), (13, 14, 15, 16, 21), (16, 13, 15)])
def test_a_larger_budget_goes_on_from_what_was_evaluated_to_the_same_bytes(
    family, budgets, synthetic_target, tmp_path
):
    initial = initial_sample(synthetic_target)
    made: list[str] = []

    def counted(plan: Plan) -> Measurement:
        made.append(plan.design_id)
        return synthetic_target.evaluate(plan)

    for budget in budgets:
        target = replace(synthetic_target, evaluate=counted)
        grown = search(target, family, tmp_path / "grown", initial, budget)
        fresh = tmp_path / f"fresh-{budget}"
        expected = search(synthetic_target, family, fresh, initial, budget)
        assert tables(grown) == tables(expected)
    assert len(made) == len(set(made)), "nothing was evaluated twice"
    taken = sum(evaluation.phase == "initial" for evaluation in grown.evaluations)
    assert len(made) == max(budgets) - taken


def test_the_fallbacks_of_an_iteration_are_those_that_were_evaluated(synthetic_target, tmp_path):
    """Nothing is feasible, so that all infills are drawn at random; the budget ends after one of three."""
    target = replace(synthetic_target, threshold=0.999)
    archive = search(target, "surrogate", tmp_path, budget=INITIAL + 4, infills=3)
    assert [iteration["fallbacks"] for iteration in archive.iterations] == [3, 1]
    assert len(archive.evaluations) == INITIAL + 4


def test_the_journal_of_other_inputs_is_set_aside_and_named_and_taken_up_again(tmp_path, caplog):
    def recorded(job: str, value: int) -> int:
        journal = Journal(tmp_path / "j", job)
        return journal.remember("evaluations", "a", lambda: {"value": value})["value"]

    assert recorded("first", 1) == 1
    assert recorded("first", 2) == 1
    assert not caplog.text
    assert recorded("second", 2) == 2
    assert f"They are set aside as {tmp_path / 'j.first'}" in caplog.text
    assert (tmp_path / "j.first" / "evaluations" / "a.json").is_file()
    assert recorded("first", 3) == 1, "its inputs are back"
    assert not (tmp_path / "j.first").exists()
    assert recorded("second", 3) == 2


@pytest.mark.parametrize("others", [["second", "first"], ["first"], ["second", "third", "first"]])
@pytest.mark.parametrize("cut", ["setting aside", "taking up"])
def test_a_journal_whose_move_was_cut_off_loses_no_record(cut, others, tmp_path, monkeypatch):
    journal = Journal(tmp_path / "j", "first")
    for key in "abc":
        journal.remember("evaluations", key, lambda key=key: {"value": key})
    if cut == "taking up":
        Journal(tmp_path / "j", "second")
    moved: list[str] = []
    replace_file = os.replace

    def dying(source: Path, target: Path) -> None:
        if Path(source).parent.name == "evaluations":
            moved.append(str(source))
        if len(moved) == 3:
            raise KeyboardInterrupt
        replace_file(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", dying)
        with pytest.raises(KeyboardInterrupt):
            Journal(tmp_path / "j", "second" if cut == "setting aside" else "first")
    for other in others:
        again = Journal(tmp_path / "j", other)
        if other != "first":
            again.remember("evaluations", "a", lambda: {"value": "other"})
    for key in "abc":
        assert again.remember("evaluations", key, dict) == {"value": key}


def test_a_journal_of_another_format_is_set_aside_too(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("paretopress.jobs.sealed.FORMAT", 99)
        Journal(tmp_path / "j", "first").remember("evaluations", "a", lambda: {"value": 1})
    Journal(tmp_path / "j", "second").remember("evaluations", "a", lambda: {"value": 2})
    with monkeypatch.context() as patch:
        patch.setattr("paretopress.jobs.sealed.FORMAT", 99)
        again = Journal(tmp_path / "j", "first").remember("evaluations", "a", dict)
    assert again == {"value": 1}


def test_seconds_are_told_with_the_machine_that_they_were_measured_on(synthetic_target, tmp_path):
    initial = initial_sample(synthetic_target)
    for name, budget in (("one", INITIAL + 2), ("other", INITIAL + 4)):
        journal = Journal(tmp_path, "same")
        archive = Archive(
            synthetic_target, budget, SEED, initial, journal, lambda name=name: {"processor": name}
        )
        build_method(FAMILIES["random"], {}).run(archive, lambda archive: None)
    told = [step["processor"] for step in archive.timings if step["iteration"]]
    assert told == ["one"] * 4 + ["other"] * 4


def test_infeasible_designs_show_their_violation(synthetic_target, tmp_path):
    table = evaluation_table(
        map(Evaluation.row, search(synthetic_target, "random", tmp_path).evaluations),
        synthetic_target.threshold,
    )
    assert (table["feasible"] == (table["accuracy"] >= synthetic_target.threshold)).all()
    assert np.allclose(
        table["violation"], np.maximum(0, synthetic_target.threshold - table["accuracy"])
    )
    assert table["feasible"].nunique() == 2
    assert os.linesep not in table.to_csv(index=False).splitlines()[0]
