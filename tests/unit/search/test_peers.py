"""The samplers of other libraries as methods: they go on to the same bytes, and whatever they do, the search goes on."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from spaces import WHOLE, result_of
from test_search import NO_LAYERS, FoldedTarget, tables

from paretopress.compression.evaluation import Measurement
from paretopress.compression.plans import Plan
from paretopress.config.variables import Design
from paretopress.jobs.journal import Journal
from paretopress.methods import build_method
from paretopress.runs.tables import iteration_table
from paretopress.search.archive import Archive, Evaluation, Iteration, Target, sample_initial
from paretopress.search.proposals import completed, proposed_by

SEED, INITIAL, BUDGET = 1, 12, 14
QUICK = {"samples": 16, "drawn": 50, "kept": 2, "moves": 3}
PEERS: dict[str, tuple[str, dict[str, Any]]] = {
    "nsga2": ("nsga2.Nsga2", {"population": 4}),
    "optuna_tpe": ("optuna_tpe.OptunaTpe", {"asks": 10}),
    "optuna_gp": ("optuna_gp.OptunaGp", {"asks": 4}),
    "exact size": ("botorch_qlognehvi.BotorchQlognehvi", QUICK),
    "modelled size": ("botorch_qlognehvi.BotorchQlognehvi", QUICK | {"size": "modelled"}),
}
# What the proposals of a peer come from.
SAMPLERS = {
    "nsga2": "pymoo.core.mixed.MixedVariableGA.ask",
    "optuna_tpe": "optuna.study.Study.ask",
    "optuna_gp": "optuna.samplers.GPSampler.sample_relative",
    "exact size": "paretopress.methods._botorch.fit_gpytorch_mll",
}
PROPOSALS = "paretopress.methods.botorch_qlognehvi.proposals"


def initial_sample(target: Target, count: int = INITIAL) -> list[Evaluation]:
    sample = sample_initial(target, count, SEED)
    return [
        Evaluation(
            number, "initial", 0, plan.design_id, design, bytes=target.bytes_rate(plan), **result_of(target, plan)
        )
        for number, (design, plan) in enumerate(sample, start=1)
    ]  # fmt: skip


def search(
    target: Target,
    peer: str,
    folder: Path,
    budget: int = BUDGET,
    sample: list[Evaluation] | None = None,
    **settings: Any,
) -> Archive:
    implementation, chosen = PEERS[peer]
    archive = Archive(
        target, budget, SEED, sample or initial_sample(target), Journal(folder, "same")
    )
    build_method(implementation, chosen | settings).run(archive, lambda archive: None)
    return archive


@pytest.mark.parametrize("peer", ["nsga2", "optuna_tpe", "optuna_gp", "exact size"])
def test_a_peer_that_died_goes_on_to_the_same_bytes_and_a_larger_budget_goes_on_from_there(
    peer, synthetic_target, tmp_path
):
    sample = initial_sample(synthetic_target)
    expected = search(synthetic_target, peer, tmp_path / "whole", BUDGET + 1, sample)
    assert len({evaluation.design_id for evaluation in expected.evaluations}) == BUDGET + 1
    evaluated: list[str] = []

    def dying(plan: Plan) -> Measurement:
        if len(evaluated) == 1:
            evaluated.append("died")
            raise KeyboardInterrupt
        evaluated.append(plan.design_id)
        return synthetic_target.evaluate(plan)

    target = replace(synthetic_target, evaluate=dying)
    with pytest.raises(KeyboardInterrupt):
        search(target, peer, tmp_path / "broken", BUDGET, sample)
    search(target, peer, tmp_path / "broken", BUDGET, sample)
    grown = search(target, peer, tmp_path / "broken", BUDGET + 1, sample)
    assert tables(grown) == tables(expected)
    assert len(evaluated) == len(set(evaluated)), "nothing was evaluated twice"


@pytest.mark.parametrize("peer", PEERS)
def test_a_peer_ends_where_every_network_is_known(peer, space, tmp_path, monkeypatch):
    monkeypatch.setattr("paretopress.search.archive.ATTEMPTS", 100)
    monkeypatch.setattr("paretopress.methods.nsga2.STALE_GENERATIONS", 3)

    def canonical(design: Design) -> tuple[Design, Plan]:
        return Design(quantization=design.quantization), Plan((), bool(design.quantization))

    target = FoldedTarget(
        space, NO_LAYERS, 0, lambda plan: Measurement(1.0, 0.9, 0.0), threshold=0.5, fold=canonical
    )
    implementation, chosen = PEERS[peer]
    archive = Archive(target, BUDGET, SEED, initial_sample(target, 1), Journal(tmp_path, "small"))
    build_method(implementation, chosen).run(archive, lambda archive: None)
    assert len({evaluation.design_id for evaluation in archive.evaluations}) == 2
    assert archive.left == BUDGET - 2


@pytest.mark.parametrize("peer", [peer for peer in PEERS if peer != "nsga2"])
def test_a_peer_starts_from_a_part_of_the_initial_sample(peer, synthetic_target, tmp_path):
    archive = search(synthetic_target, peer, tmp_path, 6, initial=4, infills=1)
    assert [evaluation.phase for evaluation in archive.evaluations] == ["initial"] * 4 + [
        "infill"
    ] * 2


@pytest.mark.parametrize("peer", ["optuna_tpe", "optuna_gp", "exact size"])
def test_a_peer_keeps_the_constraint(peer, synthetic_target, tmp_path):
    """A smaller network is better, as long as it is feasible."""

    def evaluate(plan: Plan) -> Measurement:
        found = synthetic_target.evaluate(plan)
        return replace(found, accuracy=found.nonzero_rate)

    rates = {}
    for threshold in (0.1, 0.8):
        target = replace(synthetic_target, evaluate=evaluate, threshold=threshold)
        infills = search(target, peer, tmp_path / str(threshold)).evaluations[INITIAL:]
        rates[threshold] = np.mean([found.nonzero_rate for found in infills])
    assert rates[0.8] > rates[0.1] + 0.1


def failing() -> Iterator[np.ndarray]:
    yield np.array([2, 2, 0.5, 0.5, 1, 1, 1])
    raise RuntimeError("no Cholesky factor <at 0x7f>")


def repeated(*vector: float) -> Callable[[], Iterator[np.ndarray]]:
    return lambda: iter([np.array(vector)] * 5)


IN_SPACE = (2, 2, 0.5, 0.5, 1, 1, 1)
FAULTS = {
    "fails": (failing, 1, "the sampler failed: RuntimeError"),
    "fails at once": (repeated(1.0, 2.0), 2, "the sampler failed: ValueError"),
    "proposes nothing": (lambda: iter([]), 2, "no new design"),
    "repeats itself": (repeated(*IN_SPACE), 1, "no new design"),
    "proposes nan": (repeated(*IN_SPACE[:-1], np.nan), 2, "a proposal outside the space"),
    "leaves the space": (repeated(3, *IN_SPACE[1:]), 2, "a proposal outside the space"),
    "leaves it by rounding": (repeated(2 + 1e-9, *IN_SPACE[1:]), 1, "no new design"),
}


def archive_of(target: Target, folder: Path) -> Archive:
    archive = Archive(target, BUDGET, SEED, initial_sample(target), Journal(folder, "same"))
    archive.take_initial(INITIAL)
    return archive


@pytest.mark.parametrize("fault", FAULTS)
def test_random_designs_take_the_place_of_what_a_sampler_does_not_propose(
    fault, synthetic_target, tmp_path, caplog
):
    vectors, fallbacks, reason = FAULTS[fault]
    archive, rng = archive_of(synthetic_target, tmp_path), np.random.default_rng(0)
    found = proposed_by(vectors(), archive, 2, rng, 7)
    assert (found.fallbacks, found.fallback_reason) == (fallbacks, reason)
    ids = {synthetic_target.canonical(design)[1].design_id for design in found.infills}
    assert len(ids) == 2
    assert not any(map(archive.knows, found.infills))
    if fault == "fails":
        assert "iteration 7: the sampler failed (RuntimeError('no Cholesky factor" in caplog.text


def test_a_known_network_is_not_proposed(synthetic_target, tmp_path):
    archive, rng = archive_of(synthetic_target, tmp_path), np.random.default_rng(0)
    known = np.clip(archive.vectors(), WHOLE.lower(), WHOLE.upper())
    found = proposed_by(iter(known), archive, 2, rng, 1)
    assert (found.fallbacks, found.fallback_reason) == (2, "no new design")
    new = iter([*known, np.array(IN_SPACE)])
    assert proposed_by(new, archive, 1, rng, 1).fallbacks == 0


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
def test_what_is_no_fault_of_a_sampler_ends_the_search(error, synthetic_target, tmp_path):
    def vectors() -> Iterator[np.ndarray]:
        raise error
        yield

    archive = archive_of(synthetic_target, tmp_path)
    with pytest.raises(error):
        proposed_by(vectors(), archive, 2, np.random.default_rng(0), 1)


def test_where_random_draws_find_nothing_an_iteration_is_short(
    synthetic_target, tmp_path, monkeypatch
):
    archive = archive_of(synthetic_target, tmp_path)
    monkeypatch.setattr(archive, "random_new_design", lambda rng, excluded: None)
    design = Design(2, 2, 0.5, 0.5, 1, 1, 1)
    assert completed(archive, [design, design], 3, np.random.default_rng(0)) == Iteration([design])


@pytest.mark.parametrize("peer", SAMPLERS)
def test_a_peer_that_fails_is_random_search_and_says_so(
    peer, synthetic_target, tmp_path, monkeypatch, caplog
):
    def failing(*_: object) -> np.ndarray:
        raise ValueError("a matrix that is not positive definite")

    monkeypatch.setattr(SAMPLERS[peer], failing)
    with caplog.at_level(logging.WARNING):
        archive = search(synthetic_target, peer, tmp_path)
    table = iteration_table(archive.iterations)
    assert len(archive.evaluations) == BUDGET
    taken = sum(evaluation.phase == "initial" for evaluation in archive.evaluations)
    assert table["fallbacks"].sum() == len(archive.evaluations) - taken
    assert set(table["fallback_reason"]) == {"the sampler failed: ValueError"}
    assert "a matrix that is not positive definite" in caplog.text


def test_the_exact_size_is_that_of_the_evaluation(synthetic_target, tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(PROPOSALS, lambda *arguments: given.append(arguments) or np.empty((0, 7)))
    search(synthetic_target, "exact size", tmp_path)
    X, Y, problem = given[0][:3]
    assert problem.known[0](X) == pytest.approx(Y[:, 0])
    assert list(problem.levels) == [3, 3, 0, 0, 3, 3, 2]
