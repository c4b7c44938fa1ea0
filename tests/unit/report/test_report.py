"""The report's numbers, in its page and for programs, against tables made by hand."""

import json
import re
from dataclasses import replace

import pandas as pd
import pytest
from paths import ROOT
from run_tables import run_table

from paretopress.config.study import Study
from paretopress.report.comparison import comparison
from paretopress.report.costs import with_forecasts
from paretopress.report.networks import Drawn, NetworkPage, in_words, network_page
from paretopress.report.render import render
from paretopress.report.summary import summary_json
from paretopress.report.units import one_unit
from paretopress.runs.forecast import Kind, Step, Times
from paretopress.runs.tables import iteration_columns
from paretopress.statistics.factors import factors
from paretopress.statistics.levels import level_pairs
from paretopress.statistics.pairs import pairwise
from paretopress.statistics.ranks import friedman, ranks
from paretopress.statistics.summary import summary
from paretopress.words import counted

SIX = (1, 2, 3, 4, 5, 6)
RUNS = run_table(
    {
        "weak": SIX,
        "strong": [value + 20 for value in SIX],
        "middle": [value + 10 for value in SIX],
    }
)
METRICS = {
    "accuracy": {"validation": 0.9, "test": 0.8},
    "images": {"validation": 100, "test": 200},
    "most_frequent_class": {"validation": 0.1, "test": 0.1},
    "nonzero_rate": 1.0,
    "parameters": 3_000_000,
    "linear": {"layers": 2, "entries": 1_000_000},
    "conv": {"layers": 3, "entries": 2_000_000},
}
FRONT = pd.DataFrame(
    {
        "design_id": ["a", "b", "dense"],
        "linear_scope": [2, 0, 0],
        "conv_scope": [1, 2, 0],
        "linear_amount": [0.5, 0.0, 0.0],
        "conv_amount": [0.25, 0.75, 0.0],
        "linear_target": [0, 0, 0],
        "conv_target": [1, 2, 0],
        "quantization": [1, 0, 0],
        "nonzero_rate": [0.2, 0.4, 1.0],
        "bytes": [0.1, 0.3, 1.0],
        "accuracy": [0.8, 0.85, 0.9],
        "method": ["weak", "strong", ""],
        "seed": [1, 2, None],
        "found_by": [1, 3, 0],
    }
)


def tables(runs: pd.DataFrame = RUNS) -> dict[str, pd.DataFrame]:
    return {
        "runs": runs,
        "summary": summary(runs),
        "friedman": friedman(runs, 0.05),
        "ranks": ranks(runs),
        "pairwise": pairwise(runs, 0.05),
        "factors": factors(runs, 0.05),
        "level_pairs": level_pairs(runs, 0.05),
    }


def test_methods_stand_best_first_and_pairs_with_the_better_one_first():
    compared = comparison("n", tables(), pd.DataFrame(columns=iteration_columns()), 10)
    assert [row["method"] for row in compared.methods] == ["strong", "middle", "weak"]
    assert [row["mean_rank"] for row in compared.methods] == [1, 2, 3]
    pairs = {(pair["method"], pair["other_method"]): pair for pair in compared.compared[0].pairs}
    assert set(pairs) == {("strong", "middle"), ("strong", "weak"), ("middle", "weak")}
    assert all(pair["a12"] == 1 and pair["rank_difference"] > 0 for pair in pairs.values())
    assert compared.compared[0].pairs[0] == pairs["strong", "weak"], "the most different one first"


def test_of_pairs_with_equal_p_those_whose_ranks_differ_most_stand_first():
    equal = pairwise(RUNS, 0.05).iloc[::-1].assign(p_siegel_friedman=1.0)
    given = tables() | {"pairwise": equal}
    compared = comparison("n", given, pd.DataFrame(columns=iteration_columns()), 10)
    assert [pair["rank_difference"] for pair in compared.compared[0].pairs] == [2, 1, 1]


@pytest.mark.parametrize("split", ["validation", "test"])
def test_the_summary_for_programs_has_the_fronts_and_the_tables(split):
    page = network_page("n", METRICS, split, {split: 0.7}, FRONT, {}, {})
    compared = comparison("n", tables(), pd.DataFrame(columns=iteration_columns()), 10)
    told = json.loads(summary_json({"study": "s"}, [page], [compared], tables(), {}))
    network = told["networks"]["n"]
    assert network["dense_accuracy"] == METRICS["accuracy"][split]
    assert network["threshold"] == 0.7
    assert [row["design_id"] for row in network["front"]] == ["a", "b"]
    first, second = network["front"]
    assert (first["linear"], first["conv"], first["int8"]) == (
        "50.0% of the biases zero, all layers",
        "25.0% of the weights zero, a random subset",
        True,
    )
    assert second["conv"] == "75.0% of the weights and biases zero, all layers"
    assert (page.smallest["design_id"], page.best["design_id"]) == ("a", "b")
    assert network["dense"]["design_id"] == "dense"
    assert network["dense"]["seed"] is None
    for name, table in tables().items():
        assert len(told["statistics"][name]) == len(table)
    means = {row["method"]: row["mean"] for row in told["statistics"]["summary"]}
    assert means == {"weak": 3.5, "strong": 23.5, "middle": 13.5}


MEASURED = {
    "tests": FRONT[["design_id", "accuracy", "nonzero_rate", "bytes"]].assign(
        test_accuracy=[0.7, 0.75, 0.8], test_feasible=[False, True, True]
    ),
    "sizes": FRONT[["design_id"]].assign(
        nonzero_parameters=[900, 120_000, 3_000_000],
        bytes=[11_000, 600_000, 12_000_000],
        compressed_bytes=[9_000, 500_000, 10_000_000],
        packed_bytes=[1_200_000, 3_600_000, 12_000_000],
        macs=[5_000_000, 5_000_000, 6_000_000],
        nonzero_macs=[90_000, 400_000, 6_000_000],
        layers_without_macs="",
        linear_layers=["fc.1;fc.2", None, None],
        conv_layers=["conv.2;conv.3", "conv.1;conv.2;conv.3", None],
    ),
    "times": FRONT[["design_id", "quantization"]].assign(
        images=200, batch_size=50, threads=1, repeats=1, processor="P", machine_load=0.0,
        median_seconds=[0.002, 0.5, 1.5], relative_to_dense=[0.1, 0.4, 1.0],
    ),
}  # fmt: skip
THRESHOLDS = {"validation": 0.7, "test": 0.72}


@pytest.mark.parametrize(
    ("measured", "given", "imported", "origin"),
    [
        (MEASURED, False, False, "trained here"),
        (MEASURED, True, True, "imported weights"),
        ({}, False, True, "imported evaluations"),
    ],
)
def test_a_network_with_given_weights_is_imported_too(measured, given, imported, origin):
    page = network_page(
        "n", METRICS, "validation", THRESHOLDS, FRONT, measured, {}, weights_given=given
    )
    compared = comparison("n", tables(), pd.DataFrame(columns=iteration_columns()), 10)
    told = json.loads(summary_json({"study": "s"}, [page], [compared], tables(), {}))
    assert (told["networks"]["n"]["imported"], told["networks"]["n"]["origin"]) == (
        imported,
        origin,
    )


STUDY = Study.model_validate(
    {
        "study": "s",
        "seeds": [1, 2, 3, 4, 5, 6],
        "dataset": {"kind": "digits"},
        "networks": {"n": {"architecture": {"name": "vgg16_slim"}}},
        "methods": [{"family": "random"}],
    }
)
CLAIM = {
    "statement": "It is so.", "source": "paper", "network": "n", "verdict": "supported", "size": "bytes",
    "evidence": "much", "reason": "p = 0.01", "test": "a test", "p": 0.01, "p_adjusted": 0.02, "blocks": 6,
    "files": "statistics/runs.csv", "figures": None,
}  # fmt: skip


MOVES = {"allocation": "uniform", "keep": []}
UNREPAIRED = {"repair": "none", "images": 1000, "batch_size": 200}
REPAIRED = {
    "accuracy": {"validation": 0.9123, "test": 0.8321},
    "images": 1000,
    "left_alone": ["features.1 (GroupNorm)", "<b>own</b>"],
    "notes": ["repair has 900 training images, 1000 were asked for"],
}


def page_of(
    front: pd.DataFrame = FRONT, measured=MEASURED, metrics=METRICS, **others
) -> NetworkPage:
    return network_page("n", metrics, "validation", THRESHOLDS, front, measured, {}, **others)


def html_of(
    page: NetworkPage,
    moves: dict = MOVES,
    compression: dict = UNREPAIRED,
    split="validation",
    study: Study = STUDY,
    **others,
) -> str:
    """The report of one network."""
    config = study.model_dump(mode="json")
    config["search_space"] |= moves
    config["compression"] = compression
    config["evaluation"]["split"] = split
    content = {
        "methods": ["weak", "strong", "middle"],
        "own_runs": 18,
        "surrogates": {},
        "comparisons": [comparison("n", tables(), pd.DataFrame(columns=iteration_columns()), 10)],
        "claims": [CLAIM],
        "costs": [],
        "machine": {"processor": "P", "cores": 2, "memory_gib": 4.0, "system": "S"},
        "machines": [],
        "dataset": None,
        "checks": {},
        "pages": [page],
        "plots": {},
        "ships": [],
    }
    return render(
        ROOT / "workflow" / "report" / "report.html.j2",
        study="s",
        config=config,
        config_text="",
        sources=[],
        versions={},
        **(content | others),
    )


def rendered(page: NetworkPage, **settings) -> str:
    """Its text, without tags and with single spaces."""
    html = html_of(page, **settings)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html[html.index("<body>") :]))


def test_what_was_run_has_a_line_for_the_images_and_for_each_network():
    images = {"images": 1200, "images_by_class": {"a": 600, "b": 600}}
    dataset = {
        "splits": {"train": {**images, "formats": {"JPEG": 1190, "PNG": 10}}},
        "validation_from": "train",
        "notes": ["3 of 1200 images are not RGB and were converted: 3 x L."],
    }
    notes = ["2 Linear layers can be pruned", "kept: <head>"]
    text = rendered(page_of(), dataset=dataset, checks={"n": notes})
    assert "train 1,200 images of 2 classes (JPEG 1,190, PNG 10)" in text
    assert "The validation images are a part of the training images that is held out." in text
    assert "3 of 1200 images are not RGB and were converted: 3 x L." in text
    assert "n : 2 Linear layers can be pruned; kept: &lt;head&gt;." in text


def test_layers_without_macs_are_named_beside_the_sizes():
    told = "The MACs are too few: the work of these layers is not in them: odd , other ."
    for layers, said in (("odd;other", True), ("", False)):
        sizes = MEASURED["sizes"].assign(layers_without_macs=layers)
        text = rendered(page_of(measured=MEASURED | {"sizes": sizes}))
        assert (told in text) == said


def test_the_dense_network_repaired_has_rows_of_its_own():
    page = page_of(metrics={**METRICS, "repaired": REPAIRED})
    text = rendered(page)
    assert "n, repaired 91.23 % 83.21 %" in text
    assert "dense network, repaired 100.0 % 100.0 % 91.23 % 83.21 % untouched untouched no" in text
    assert "dense network 100.0 % 100.0 % 90.00 % 80.00 % untouched" in text
    assert "(80.00 %). Repaired as each design is, it has 91.23 % (83.21 %)." in text
    assert text.count("The floor refers to the untouched") == 2
    assert "Repair leaves these parts of n alone: features.1 (GroupNorm) , &lt;b&gt;own" in text
    assert "n : repair has 900 training images, 1000 were asked for." in text
    searched_on_test = rendered(page, split="test")
    assert "dense network, repaired 100.0 % 100.0 % 83.21 % untouched" in searched_on_test
    assert "Repaired as each design is, it has 83.21 %." in searched_on_test
    compared = comparison("n", tables(), pd.DataFrame(columns=iteration_columns()), 10)
    for one, told in ((page, REPAIRED), (page_of(), None)):
        numbers = json.loads(summary_json({"study": "s"}, [one], [compared], tables(), {}))
        assert numbers["networks"]["n"]["repaired"] == told


def test_without_repair_the_report_has_no_row_of_it():
    text = rendered(page_of())
    assert "Designs are not repaired after pruning." in text
    assert "repaired" not in text.replace("Designs are not repaired after pruning.", "")
    empty = {**METRICS, "repaired": {**REPAIRED, "left_alone": []}}
    assert "Repair leaves" not in rendered(page_of(metrics=empty))


def test_the_report_says_which_moves_the_search_had():
    text = rendered(page_of())
    assert "Allocation uniform : each chosen tensor loses the same share of its entries." in text
    assert "Any Linear or convolution layer can be pruned." in text
    beyond = "This study has moves that the paper lacks"
    assert beyond not in text
    moves = {"allocation": "lamp", "keep": ["features.0", "<i>*"]}
    auto = {"repair": "auto", "images": 1000, "batch_size": 200}
    text = rendered(page_of(), moves=moves, compression=auto)
    assert "Allocation lamp : an amount sets one threshold of the LAMP score" in text
    assert "Nothing is done to the layers features.0 , &lt;i&gt;* ." in text
    assert (
        "each design is repaired on 1,000 training images in batches of 200 (or all there are):"
        in text
    )
    assert beyond in text
    for one in (
        {"moves": {**MOVES, "allocation": "lamp"}},
        {"moves": {**MOVES, "keep": ["features.0"]}},
        {"compression": auto},
    ):
        assert beyond in rendered(page_of(), **one)
    elsewhere = rendered(page_of(measured={}), moves=moves, compression=auto)
    assert beyond not in elsewhere
    assert not any(
        word in elsewhere for word in ("Allocation", "LAMP", "Nothing is done", "repaired")
    )


def test_a_design_below_the_floor_on_the_test_images_is_not_praised():
    text = rendered(page_of())
    assert "(70.00 % on the test images, where the floor is 72.00 %)." in text
    assert "The smallest that keeps it on both has" in text
    assert "(70.00 % on the test images, below the floor there)" in text
    assert "↓: below the floor on the test images." in text
    keeps = MEASURED | {"tests": MEASURED["tests"].assign(test_feasible=True)}
    for told in (
        rendered(page_of(), split="test"),
        rendered(page_of(measured={})),
        rendered(page_of(measured=keeps)),
    ):
        assert "on both" not in told
        assert "below the floor there" not in told


def test_every_figure_has_the_full_width():
    names = (
        "hypervolume-by-objective-metric",
        "hypervolume-by-constraint-metric",
        "best-and-worst",
        "front",
    )
    figures = {name: Drawn("<svg></svg>", name) for name in names}
    html = html_of(replace(page_of(), figures=figures))
    sections = re.findall(r"<(section|figure|/section|div|/div)\b", html)
    within = []
    for tag in sections:
        if tag == "figure":
            assert within == ["section"], "in no box beside another figure"
        elif tag.startswith("/"):
            within.pop()
        else:
            within.append(tag)
    assert sections.count("figure") == len(names)
    assert "figure svg { display: block; width: 100%;" in html


def test_the_report_names_the_layers_of_a_random_subset():
    text = rendered(page_of())
    assert "25.0% of the weights zero, a random subset (2 of 3 layers pruned)" in text
    assert "75.0% of the weights and biases zero, all layers <" not in text
    assert "Which layers the random subsets hold: 1 design" in text
    listed = text[text.index("Which layers the random subsets hold") :]
    assert "a fc.1 , fc.2 conv.2 , conv.3" in listed
    assert "Which layers" not in rendered(page_of(FRONT.assign(conv_scope=[2, 2, 0])))
    imported = page_of(measured={})
    assert imported.subsets == []


def test_a_column_has_one_unit():
    text = rendered(page_of())
    heads = "non-zero parameters (M) file (MB) file, gzip (MB) packed (MB) MACs (M) non-zero MACs (M) time (s)"
    assert heads in text
    assert "a yes 0.001 0.011 0.009 1.200 5.000 0.090 0.002 0.10" in text
    assert "dense network no 3.000 12.000 10.000 12.000 6.000 6.000 1.500 1.00" in text


@pytest.mark.parametrize(
    ("numbers", "heading", "shown"),
    [
        ([900_000, 12_000_000], "size (MB)", ["0.90", "12.00"]),
        ([137.2e6, 537.4e6, None], "size (MB)", ["137.2", "537.4", "–"]),
        ([0.0021, 0.0104], "size (mB)", ["2.1", "10.4"]),
        ([7, 930], "size (B)", ["7", "930"]),
        ([0, 1500], "size (kB)", ["0.0", "1.5"]),
        ([None], "size (B)", ["–"]),
        ([3e15], "size (TB)", ["3000.0"]),
    ],
)
def test_the_unit_of_a_column_is_that_of_its_largest_number(numbers, heading, shown):
    unit = one_unit(numbers)
    assert unit.named("size", "B") == heading
    assert [unit.show(number) for number in numbers] == shown
    assert one_unit([5]).named("MACs") == "MACs"


def test_the_report_says_that_a_dense_network_was_still_improving():
    text = rendered(page_of(accuracies=[0.1, 0.5]))
    assert "n was still improving when its training ended: its accuracy" in text
    assert "40.0 points higher in its last epochs than before them" in text
    for accuracies in ((), [0.5, 0.5]):
        assert "still improving" not in rendered(page_of(accuracies=accuracies))


SEEN = METRICS | {"splits_apart": 2.2, "validation_from": "train"}


def test_warnings_on_a_dense_network_stand_in_its_section_and_in_short():
    html = html_of(page_of(metrics=SEEN, weights_given=True))
    short, dense = html[html.index('id="short"') :].split('id="dense"')
    what = "Its weights have probably seen the images of the search"
    assert f"<b>{what}.</b>" in short
    assert f"<b>n: {what}.</b>" in dense
    assert "2.2 standard errors apart: chance can explain it" in dense
    compared = comparison("n", tables(), pd.DataFrame(columns=iteration_columns()), 10)
    for given, count in ((True, 1), (False, 0)):
        page = page_of(metrics=SEEN, weights_given=given)
        numbers = json.loads(summary_json({"study": "s"}, [page], [compared], tables(), {}))
        assert len(numbers["networks"]["n"]["cautions"]) == count
        assert (what in html_of(page)) == given


@pytest.mark.parametrize(
    ("number", "noun", "words"),
    [
        (0, "design", "0 designs"),
        (1, "design", "1 design"),
        (1200, "true evaluation", "1,200 true evaluations"),
        (1, "timed pass", "1 timed pass"),
        (2, "timed pass", "2 timed passes"),
    ],
)
def test_a_noun_has_the_form_that_fits_its_number(number, noun, words):
    assert counted(number, noun) == words


def test_one_of_a_thing_is_never_told_in_the_plural():
    """A study of one network, method, seed, evaluation, design, layer, thread, image and pass."""
    study = Study.model_validate(
        STUDY.model_dump(mode="json")
        | {"seeds": [1], "budget": {"evaluations": 1, "initial": 1}}
        | {"constraint": {"allowed_drop_points": 1}}
    )
    runs = run_table({"surrogate-mse-mse": [1], "random": [2]})
    iterations = pd.DataFrame(columns=iteration_columns(), index=[0])
    iterations = iterations.assign(
        surrogate_front_size=1, fallbacks=1, fallback_reason="empty front", accuracy_surrogate="knn"
    )
    one = {"layers": 1, "entries": 10}
    metrics = {**METRICS, "images": {"validation": 1, "test": 1}, "linear": one, "conv": one}
    front = FRONT.drop(1).assign(found_by=[2, 0])
    measured = {name: table.drop(1) for name, table in MEASURED.items()}
    measured["times"] = measured["times"].assign(images=1, batch_size=1)
    text = rendered(
        page_of(front, measured, metrics),
        study=study,
        methods=["surrogate-mse-mse"],
        own_runs=1,
        surrogates={"knn": "KNN"},
        comparisons=[comparison("n", tables(runs), iterations, 1)],
        claims=[CLAIM | {"blocks": 1}],
        machine={"processor": "P", "cores": 1, "memory_gib": 1.0, "system": "S"},
        machines=[{"runs": 1, "processor": "P", "threads": 1, "device": ""}],
    )
    assert "1 method on 1 network with 1 seed" in text
    assert "and 1 more run" in text
    assert "1 infill was drawn at random" in text
    assert "less 1 point." in text
    after_one = re.findall(r"(?<![\d.,-])1 (?:more |true |test |timed )?([a-z]+s)\b", text)
    assert set(after_one) <= {"has", "is", "keeps", "was", "pass"}


def test_a_study_of_small_networks_has_one_unit_for_all_their_bytes():
    small = {
        **MEASURED,
        "sizes": MEASURED["sizes"].assign(
            bytes=[600, 2_000, 12_300], compressed_bytes=[400, 1_900, 11_000],
            packed_bytes=[1_200, 3_600, 12_000],
        ),
    }  # fmt: skip
    text = rendered(
        page_of(measured=small, metrics=METRICS | {"dense_bytes": 12_000}, size="bytes")
    )
    assert "(1.200 of 12.000 kB)" in text
    assert "design packed (kB) bytes non-zero accuracy" in text
    assert "file (kB) file, gzip (kB) packed (kB)" in text
    assert "a yes 0.001 0.600 0.400 1.200 " in text
    assert "MB" not in text


@pytest.mark.parametrize(
    ("hours", "unit", "shown"),
    [
        ([0.001, None, 0.0005], "seconds", ["3.6", "–", "1.8"]),
        ([0.5, 0.01], "minutes", ["30.0", "0.6"]),
        ([12.25, 0.5], "hours", ["12.2", "0.5"]),
        ([None], "seconds", ["–"]),
    ],
)
def test_the_costs_have_the_unit_of_the_longest_time(hours, unit, shown):
    names = ("sample_hours", "evaluation_hours", "search_hours")
    row = {"network": "n", "method": "m", "runs": 1, "timed": 1, "median_seconds": 0.25}
    row["memory"] = None
    costs = list(with_forecasts([row | dict.fromkeys(names, value) for value in hours], {}, {}))
    text = rendered(page_of(), costs=costs)
    assert f"initial sample ({unit}) own evaluations ({unit}) search ({unit}) peak memory" in text
    for value in shown:
        assert f"n m 1 1 0.25 {value} {value} {value}" in text
    assert "forecast" not in text, "none is known"


def test_the_costs_have_the_forecast_of_each_method_that_was_timed():
    times = Times(
        1, 10**9, (Kind(True, False, 1.0, seconds=6.0),), {"m": Step(50, 3.0, memory=2 * 10**9)}
    )
    row = {"network": "n", "runs": 2, "timed": 1, "median_seconds": 0.25, "sample_hours": None}
    row |= {"evaluation_hours": 0.5, "search_hours": 0.5, "memory": 1_500_000_000}
    costs = with_forecasts(
        [row | {"method": "m"}, row | {"method": "added"}],
        {"n": times},
        {"evaluations": 300, "initial": 100},
    )
    text = rendered(page_of(), costs=list(costs))
    assert (
        "time (minutes) forecast (minutes) time / forecast peak memory (GB) forecast (GB)" in text
    )
    assert "n m 2 1 0.25 – 30.0 30.0 1.5" in text
    assert "n m 60.0 85.0 0.71 1.5 2.0" in text, "2 runs of 50 x 6 s and 250 x 9 s"
    assert "n added 2 1 0.25 – 30.0 30.0 1.5" in text
    assert "n added 60.0" not in text


def test_a_study_that_minimises_bytes_shows_them_and_its_size_everywhere():
    metrics = METRICS | {"dense_bytes": 12_000_000}
    text = rendered(page_of(metrics=metrics, size="bytes"))
    assert "10.0 % of the dense network&#39;s bytes (1.200 of 12.000 MB)" in text
    assert "design packed (MB) bytes non-zero accuracy" in text
    assert "a 1.200 10.0 % 20.0 %" in text
    assert "dense network 12.000 100.0 % 100.0 %" in text
    assert "Size is the share of bytes." in text
    assert "Size: bytes." in text


def test_a_network_of_tables_shows_the_share_of_bytes_where_it_is_known():
    told = {
        name: rendered(page_of(front, measured={}))
        for name, front in (("known", FRONT), ("unknown", FRONT.assign(bytes=None)))
    }
    assert "design bytes non-zero accuracy" in told["known"]
    assert "design non-zero accuracy" in told["unknown"]
    assert all("packed (" not in text for text in told.values())


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ((0, 0.0, 0, 4), "weights in 4 bits"),
        ((2, 0.5, 1, 4), "50.0% of the weights zero, all layers; weights in 4 bits"),
        ((0, 0.0, 0, 32), "untouched"),
        ((None, None, None, 4), "not told; weights in 4 bits"),
        ((2, 0.5, 1), "50.0% of the weights zero, all layers"),
    ],
)
def test_what_is_done_to_a_kind_of_layer_is_said_in_words(cells, words):
    assert in_words(*cells) == words
