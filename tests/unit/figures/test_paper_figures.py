"""Which figures of the paper ours correspond to: each file, caption and page says so."""

import ast
import re

import pytest
from matplotlib.figure import Figure
from paths import ROOT

from paretopress.figures.paper import PAPER_FIGURES, paper_note
from paretopress.figures.style import Drawing, caption_of, save
from paretopress.runs import planned

WORKFLOW = ROOT / "workflow"
OF_STUDIES = (
    *planned.OF_EVERY_NETWORK, *planned.OF_COMPARED_SETTINGS, *planned.OF_OWN_NETWORKS,
    *planned.OF_SURROGATES, *planned.OF_OWN_COMPARED_SETTINGS,
)  # fmt: skip


def rules_text(file: str) -> str:
    return (WORKFLOW / "rules" / file).read_text(encoding="utf-8")


def figures_of_the_rules() -> dict[str, str]:
    """The names that the rules hand to drawn(), and the rule of each."""
    rules = re.split(r"^(?:use )?rule ", rules_text("figures.smk"), flags=re.MULTILINE)[1:]
    return {
        name: re.search(r"(?:as )?(\w+)(?: with)?:", rule).group(1)
        for rule in rules
        for name in re.findall(r'"([\w-]+)"', re.search(r"\*\*drawn\(([^)]*)\)", rule).group(1))
    }


def test_the_rules_draw_what_a_study_has_each_with_a_label_and_a_caption():
    labels = ast.literal_eval(
        re.search(r"(?ms)^FIGURES = (\{.*?^\})", rules_text("figure_files.smk")).group(1)
    )
    captions = {file.stem for file in (WORKFLOW / "report").glob("*.rst")}
    assert set(figures_of_the_rules()) == set(labels) == captions == set(OF_STUDIES)
    assert set(PAPER_FIGURES) < set(OF_STUDIES)


def test_each_figure_of_the_paper_is_drawn():
    named = " ".join(PAPER_FIGURES.values())
    stretches = re.findall(r"(\d+)(?: to (\d+))?", named)
    drawn = {n for first, last in stretches for n in range(int(first), int(last or first) + 1)}
    assert drawn == set(range(2, 12))


@pytest.mark.parametrize("figure", OF_STUDIES)
def test_a_figure_and_its_caption_name_those_of_the_paper(figure, tmp_path):
    note = f" In the paper: {PAPER_FIGURES[figure]}." if figure in PAPER_FIGURES else ""
    caption = (WORKFLOW / "report" / f"{figure}.rst").read_text(encoding="utf-8")
    assert "{{ snakemake.wildcards.network }}" in caption
    assert note in " ".join(caption.split())
    assert ("In the paper" in caption) == bool(note)
    assert paper_note(f"{figure}-vgg16") == note
    file = tmp_path / f"{figure}-vgg16.svg"
    save(Drawing(Figure(), "What it shows."), [file])
    assert caption_of(file) == f"What it shows.{note}"


def test_the_page_on_judging_lists_every_figure_with_its_rule_and_file_of_numbers():
    page = (ROOT / "docs" / "judging.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+?) \| `([\w-]+)` \| `(\w+)` \| (.+) \|$", page, re.MULTILINE)
    assert {figure: rule for _, figure, rule, _ in rows} == figures_of_the_rules()
    outputs = (ROOT / "docs" / "outputs.md").read_text(encoding="utf-8")
    for numbers, figure, _, files in rows:
        assert numbers == PAPER_FIGURES.get(figure, "not in the paper")
        for file in re.findall(r"`(.+?)`", files):
            assert f"| `{file}` |" in outputs
