"""The tables that search methods are compared on: complete, exact, and never beaten by a search."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from benchmarks.tabular import __main__ as bench
from benchmarks.tabular.__main__ import TABLES, against, methods_of
from benchmarks.tabular.claims import OF_METHODS, evidence_of, judged, run_table
from benchmarks.tabular.lost import lost
from benchmarks.tabular.runs import EVALUATIONS, Run, search, searched, volumes
from benchmarks.tabular.tables import FOLDER, designs_of, load

from paretopress.compression.designs import sample_design
from paretopress.config.variables import Design

LARGEST = 1_000_000  # bytes of a packed table


@pytest.mark.parametrize("name", TABLES)
def test_a_table_has_every_design_of_its_grid_and_the_size_that_follows_from_it(name):
    table = load(name)
    target, rng = table.target(), np.random.default_rng(1)
    assert len(table.rows) == table.told["designs"] == table.rows.index.nunique()
    assert (FOLDER / f"{name}.csv.xz").stat().st_size < LARGEST
    dense = target.canonical(Design())[1]
    trained_zeros = 1 - table.evaluate(dense).nonzero_rate  # of `plain` some
    for _ in range(100):
        _, plan = target.canonical(sample_design(target.space, rng))
        rate = replace(target, size="nonzero_rate").known_size(plan)
        assert -1e-12 <= rate - table.evaluate(plan).nonzero_rate <= trained_zeros + 1e-12 < 0.001


@pytest.mark.parametrize("table", ["residual-paper", "residual-bits"])
def test_a_search_on_a_table_repeats_itself_and_does_not_beat_the_exact_front(table):
    method = methods_of(["plain"])["random"]
    row, again = (searched(Run(table, "random", method, seed=1)) for _ in range(2))
    found = [row[f"at_{count}"] for count in EVALUATIONS]
    assert found == sorted(found)
    assert 0 < found[-1] <= load(table).best
    assert {**again, "seconds": 0} == {**row, "seconds": 0}


def test_ehvi_finds_more_than_random_search_does():
    ours = {"implementation": "ehvi.Ehvi", "settings": {"candidates": 1000}}
    for seed in (1, 2):
        runs = (
            Run("residual-paper", "ehvi", ours, seed),
            Run("residual-paper", "random", methods_of(["plain"])["random"], seed),
        )
        found, random = (searched(run)["at_100"] for run in runs)
        assert found > random


@pytest.mark.parametrize(
    ("wrong", "kept"), [([], ["new"] * 3), ([2], ["new"] * 3), ([1], ["old"] * 3)]
)
def test_rows_of_other_code_are_kept_where_a_sample_of_the_runs_gives_the_same(
    wrong, kept, tmp_path, monkeypatch
):
    table, methods = "residual-paper", {"random": methods_of(["plain"])["random"]}
    monkeypatch.setattr(bench, "ROWS", tmp_path)
    bench.complete(table, methods, range(1, 4), processes=1)
    file = tmp_path / f"{table}.csv"
    made = bench.rows_of(table)
    monkeypatch.setattr(bench, "code_of", lambda method: "new")
    made.assign(code="old", at_100=made["at_100"] + 0.1 * made["seed"].isin(wrong)).to_csv(
        file, index=False
    )
    text = file.read_text(encoding="utf-8")
    bench.confirm(table, methods, 1, processes=1)
    assert file.read_text(encoding="utf-8") == text.replace("old", kept[0])


def test_an_end_in_the_middle_loses_no_row_and_rows_of_other_seeds_are_not_made_again(
    tmp_path, monkeypatch
):
    table, methods = "residual-paper", {"random": methods_of(["plain"])["random"]}
    monkeypatch.setattr(bench, "ROWS", tmp_path)
    bench.complete(table, methods, range(1, 4), processes=1)
    made = bench.rows_of(table).set_index("seed")["at_100"]
    old = bench.rows_of(table).assign(code="old", at_100=-1.0)
    old.to_csv(tmp_path / f"{table}.csv", index=False)

    def ended_after_one(runs, processes):
        yield searched(runs[0])
        raise KeyboardInterrupt

    monkeypatch.setattr(bench, "all_of", ended_after_one)
    with pytest.raises(KeyboardInterrupt):
        bench.complete(table, methods, range(2, 4), processes=1)
    assert bench.rows_of(table).set_index("seed")["at_100"].to_dict() == {
        1: -1.0, 2: made[2], 3: -1.0,
    }  # fmt: skip


@pytest.mark.parametrize("name", ["plain-paper", "separable-bits"])
def test_what_a_search_lacks_by_size_is_what_its_hypervolume_lacks(name):
    table, random = load(name), methods_of(["plain"])["random"]
    front = table.exact_front([plan for _, plan in designs_of(table.space, table.layout)])
    assert len(front) == table.told["front"]
    archive = search(Run(name, "random", random, seed=1))
    found = volumes(table, archive)["at_100"]
    by_size = lost(front, archive)
    assert (by_size >= 0).all()
    assert by_size.sum() == pytest.approx(table.best - found, abs=1e-12)


def test_a_method_is_compared_seed_by_seed_and_p_is_adjusted_for_all_others():
    reference = pd.Series(np.linspace(0.5, 0.6, 10))
    others = pd.DataFrame({"behind": reference - 0.01, "equal": reference})
    table = against(reference, others)
    assert table.loc["behind", "difference (95%)"] == "+1.0 (+1.0 to +1.0)"
    assert table.loc["behind", ["better", "worse"]].tolist() == [10, 0]
    assert float(table.loc["behind", "p (Holm)"]) == pytest.approx(2 * 2 / 2**10, abs=5e-5)
    assert float(table.loc["equal", "p (Holm)"]) == 1


def test_the_papers_claims_are_judged_by_rows_of_the_seeds_that_all_methods_have(
    monkeypatch, tmp_path
):
    rng, seeds = np.random.default_rng(2), range(1, 8)
    lost = {"random": 0.5, "ctaea-10x10": 0.4, "ctaea-5x20": 0.4}
    rows = pd.DataFrame(
        {
            "method": method, "seed": seed, "at_50": 0.1 * rng.random(), "fallbacks": 0,
            "at_100": 1 + 0.01 * rng.random() - lost.get(method, 0.1 * method.endswith("-random")),
        }
        for method in methods_of(["paper", "plain"])
        for seed in (seeds if method != "random" else seeds[:-1])
    )  # fmt: skip
    rows.to_csv(tmp_path / "plain-paper.csv", index=False)
    monkeypatch.setattr(bench, "ROWS", tmp_path)
    runs = run_table(load("plain-paper"), "at_100")
    assert runs["seed"].nunique() == len(seeds) - 1
    table = judged(evidence_of(runs, smallest=0.05)).set_index("claim")
    assert list(table.index) == [
        "selection-metric-without-effect", "surrogate-beats-plain-ctaea",
        "best-and-worst-setting", "surrogate-beats-random",
    ]  # fmt: skip
    assert set(table.index) == set(OF_METHODS)
    assert table["verdict"].tolist() == ["not supported", *["supported"] * 3]
    said = r"objective metric .*?p = (\S+); constraint metric .*?p = (\S+);"
    objective, constraint = map(float, re.search(said, table["evidence"].iloc[0]).groups())
    assert constraint < 0.01 < objective
