"""Which figures of the paper ours correspond to, and that each file and each report says so."""

import ast
import re
from itertools import pairwise

import pytest
from matplotlib.figure import Figure
from paths import ROOT

from paretopress.figures.paper import PAPER_FIGURES, figure_of, in_words, paper_note
from paretopress.figures.style import Drawing, caption_of, save
from paretopress.runs import planned

WORKFLOW = ROOT / "workflow"
FIRST, LAST = 2, 11  # of the paper's figures, those that a study draws


def rules_text(file: str) -> str:
    return (WORKFLOW / "rules" / file).read_text(encoding="utf-8")


def figures_of_the_rules() -> list[str]:
    """The names that the rules hand to drawn()."""
    calls = re.findall(r"\*\*drawn\(([^)]*)\)", rules_text("figures.smk"))
    return [name for call in calls for name in re.findall(r'"([\w-]+)"', call)]


def figures_with_a_label() -> dict[str, tuple[str, str]]:
    text = rules_text("figure_files.smk")
    return ast.literal_eval(re.search(r"(?ms)^FIGURES = (\{.*?^\})", text).group(1))


def test_the_table_holds_the_figures_that_the_rules_make_and_no_others():
    made = figures_of_the_rules()
    assert len(made) == len(set(made))
    assert set(PAPER_FIGURES) == set(made)
    assert list(PAPER_FIGURES) == list(figures_with_a_label())
    studies = (
        planned.OF_EVERY_NETWORK, planned.OF_COMPARED_SETTINGS, planned.OF_OWN_NETWORKS,
        planned.OF_SURROGATES, planned.OF_OWN_COMPARED_SETTINGS,
    )  # fmt: skip
    assert sorted(PAPER_FIGURES) == sorted(name for names in studies for name in names)


def test_each_figure_of_the_paper_is_drawn():
    assert set().union(*PAPER_FIGURES.values()) == set(range(FIRST, LAST + 1))


def test_the_comments_of_the_rules_name_the_same_figures_of_the_paper():
    rules = re.split(r"\n(?=# The paper|rule |use rule )", rules_text("figures.smk"))
    for comment, rule in pairwise(rules):
        if found := re.match(r"# The paper's figures ([\d\w ]+)\.", comment):
            names = re.findall(r'"([\w-]+)"', re.search(r"drawn\(([^)]*)\)", rule).group(1))
            assert {in_words(PAPER_FIGURES[name]) for name in names} == {found.group(1)}
    assert rules_text("figures.smk").count("# The paper's figures") == 2


@pytest.mark.parametrize("figure", PAPER_FIGURES)
def test_each_figure_has_a_caption_that_names_those_of_the_paper(figure, tmp_path):
    caption = (WORKFLOW / "report" / f"{figure}.rst").read_text(encoding="utf-8")
    assert "{{ snakemake.wildcards.network }}" in caption
    assert caption.endswith(f".\n{paper_note(figure)}\n")
    file = tmp_path / f"{figure}-vgg16.svg"
    save(Drawing(Figure(), "What it shows."), [file])
    assert caption_of(file) == f"What it shows. {paper_note(figure)}"


def test_no_caption_is_left_without_a_figure():
    captions = {file.stem for file in (WORKFLOW / "report").glob("*.rst")}
    assert captions == set(PAPER_FIGURES)


@pytest.mark.parametrize(
    ("stem", "figure"),
    [
        ("front-vgg16", "front"),
        ("worst-run-front-front-7", "worst-run-front"),
        ("hypervolume-vgg16-slim", "hypervolume"),
        ("hypervolume-by-objective-metric-net", "hypervolume-by-objective-metric"),
        ("worst-run-inference-net", "worst-run-inference"),
        ("fronts-net", None),
        ("front", None),
    ],
)
def test_a_file_name_tells_its_figure(stem, figure):
    assert figure_of(stem) == figure


@pytest.mark.parametrize(
    ("numbers", "words"),
    [((3,), "3"), ((9, 11), "9 and 11"), ((2, 3, 4, 6, 8, 9), "2 to 4, 6 and 8 to 9")],
)
def test_numbers_in_words(numbers, words):
    assert in_words(numbers) == words


def test_notes_say_no_more_than_is_known():
    assert paper_note("worst-run-inference").startswith("Figures 9 and 11 of the paper show this")
    assert paper_note("best-and-worst").startswith("Some of Figures 2 to 8 and 10 of the paper")
    assert paper_note("time") == "This figure is not among Figures 2 to 11 of the paper."
