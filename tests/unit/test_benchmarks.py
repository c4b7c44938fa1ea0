"""The benchmarks' frame: what is compared with what, ratios of given numbers, and the code that is measured. No times."""

import json
from itertools import product

import pytest
from benchmarks import frame
from benchmarks.__main__ import BENCHMARKS, PAGE
from benchmarks.checkouts import Checkout, present
from benchmarks.cold_start import commands, import_lines
from benchmarks.dry_run import METRICS, STUDIES, study
from paths import ROOT

from paretopress.config.validation import read_study

HEAD = {
    "benchmark": "start", "date": "2026-01-31", "commits": {"now": "1234567", "main": "89abcde"}, "processor": "A processor",
    "cores": 2, "load": 0.5, "versions": {"Python": "3.11.0"}, "against": {"a": "a at main"},
}  # fmt: skip


def lines_of(part: str, unit: str, values: dict[str, list[float]]) -> list[dict]:
    return [
        {"variant": name, "part": part, unit: value, "repeat": repeat}
        for name, found in values.items()
        for repeat, value in enumerate(found, start=1)
    ]


def test_a_ratio_is_the_median_of_the_ratios_of_each_repeat(tmp_path):
    file = tmp_path / "new" / "start.jsonl"
    seconds = lines_of("wall", "seconds", {"a": [1, 8, 3], "a at main": [2, 4, 4]})
    memory = lines_of("peak memory", "bytes", {"a": [5e6], "a at main": [2e9]})
    alone = lines_of("wall", "seconds", {"b": [0.01234]})
    frame.write_lines(file, [HEAD, *seconds, *memory, *alone])
    above, table = frame.ratio_table(frame.read_lines(file)).split("\n\n")
    assert above == (
        "n = 3, 2026-01-31. now: commit 1234567, main: commit 89abcde. A processor, 2 cores, load 0.5 before.\n"
        "Python 3.11.0."
    )
    assert table.splitlines()[2:] == [
        "| a | wall | 3 s (1 s to 8 s) | a at main | 4 s (2 s to 4 s) | 0.75 (0.5 to 2) |",
        "| a | peak memory | 5 MB (5 MB to 5 MB) | a at main | 2,000 MB (2,000 MB to 2,000 MB) | 0.0025 (0.0025 to 0.0025) |",
        "| b | wall | 0.0123 s (0.0123 s to 0.0123 s) |  |  |  |",
    ]


def test_variants_are_measured_in_turn_each_beside_that_of_the_base(tmp_path):
    begun = []

    def variants(checkout: Checkout):
        def of(name):
            return lambda: begun.append((name, checkout.name)) or {"wall": 1.0, "peak memory": 2.0}

        names = ["yardstick", "old"] if checkout.name == "main" else ["yardstick", "old", "new"]
        return {name: of(name) for name in names}

    now, base = (Checkout(name, "", tmp_path) for name in ("now", "main"))
    benchmark = frame.Benchmark(variants, yardstick="yardstick")
    assert frame.side_by_side(benchmark, now, None)[1] == {"old": "yardstick", "new": "yardstick"}
    beside, against = frame.side_by_side(benchmark, now, base)
    assert against == {"yardstick": "yardstick at main", "old": "old at main"}
    lines = list(frame.measure("start", beside, repeats=2))
    pairs = [("yardstick", "now"), ("yardstick", "main"), ("old", "now"), ("old", "main")]
    assert begun == 2 * [*pairs, ("new", "now")]
    assert len(lines) == 20
    assert lines[0] == {
        "benchmark": "start", "variant": "yardstick", "part": "wall", "seconds": 1.0, "repeat": 1, "n": 2,
    }  # fmt: skip
    assert lines[1]["bytes"] == 2.0


def test_a_process_of_a_checkout_has_its_code_and_shows_why_it_failed(tmp_path):
    package = tmp_path / "workflow" / "scripts" / "paretopress"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("print('of this copy')", encoding="utf-8")
    checkout = Checkout("now", "", tmp_path)
    used = checkout.python("-c", "import paretopress")
    assert used.output == "of this copy\n"
    assert used.wall > 0
    assert used.cpu > 0
    assert used.memory > 1e6
    with pytest.raises(SystemExit, match=r"(?s)no such thing.*ended with 1"):
        checkout.python("-c", "raise SystemExit('no such thing')")


def test_the_present_code_is_copied_with_its_edits_and_without_results(tmp_path):
    copy = present(tmp_path / "now")
    for name in ("Snakefile", "config/config.yaml", "workflow/scripts/paretopress/code.py"):
        assert (copy.folder / name).read_bytes() == (ROOT / name).read_bytes()
    assert [path.name for path in (copy.folder / "results").iterdir()] == ["README.md"]


def test_every_script_is_started_with_all_of_its_imports():
    scripts = {path.name for path in (ROOT / "workflow" / "scripts").glob("*.py")}
    started = commands(ROOT)
    assert scripts <= started.keys()
    for script in scripts:
        text = (ROOT / "workflow" / "scripts" / script).read_text(encoding="utf-8")
        assert started[script][1].count("paretopress.") == text.count("from paretopress.")
    lines = import_lines(ROOT / "workflow" / "scripts" / "build_dataset.py")
    compile(lines, "imports", "exec")
    assert "snakemake" not in lines


def test_the_studies_of_the_dry_run_have_the_runs_of_their_names():
    for name, size in STUDIES.items():
        read = read_study(json.loads(json.dumps(study(*size))), [])
        runs = list(product(read.networks, read.methods_by_name(), read.seeds))
        assert f"{len(runs):,} runs" == name
        assert len(read.methods_by_name()) == len(METRICS) ** 2


def test_the_page_has_a_place_for_the_table_of_each_benchmark():
    page = PAGE.read_text(encoding="utf-8")
    for name in BENCHMARKS:
        once = frame.renewed(page, name, "| a table |\n")
        assert once.count("| a table |\n") == 1
        assert frame.renewed(once, name, "| a table |\n") == once
    with pytest.raises(ValueError, match="begin other"):
        frame.renewed(page, "other", "")
