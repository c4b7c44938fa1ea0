"""The README and the pages of docs/: links, commands, messages and lists in them are true."""

import re
import shlex
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from paths import ROOT
from snakemake.cli import get_argument_parser

from paretopress.__main__ import command_line
from paretopress.config.sources import read_config
from paretopress.config.validation import read_study
from paretopress.errors import UserError
from paretopress.runs.imported import read_evaluations
from paretopress.statistics.claims.judge import needed_blocks

DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [
    *DOCS,
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *(ROOT / name for name in ("config/README.md", "results/README.md")),
]
# What a reader puts a file of their own for.
STAND_INS = ("FILE", "config/mine.yaml", "config/other.yaml")


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    prose = re.sub(r"^```.*?^```", "", text_of(page), flags=re.DOTALL | re.MULTILINE)
    titles = re.findall(r"^#+ (.*)$", prose, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading(page):
    targets = re.findall(r"\]\(([^)\s]+)\)", text_of(page))
    for target in targets:
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        linked = page.parent / path if path else page
        assert linked.exists(), target
        if anchor:
            assert anchor in anchors(linked), target


def test_the_readme_takes_a_minute_and_maps_every_page():
    readme = text_of(ROOT / "README.md")
    assert len(readme.splitlines()) <= 130
    for page in DOCS:
        assert f"(docs/{page.name})" in readme, page.name


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_a_page_opens_with_its_purpose(page):
    title, empty, purpose, *_ = text_of(page).splitlines()
    assert title.startswith("# ")
    assert empty == ""
    assert purpose.startswith("This page ")


def commands(page: Path) -> list[list[str]]:
    """The commands that a page shows, in blocks and in sentences, as words."""
    text = re.sub(r" \\\n\s*", " ", text_of(page))
    lines = re.findall(r"^(?: {4}|- +| {6})(.*)$", text, flags=re.MULTILINE)
    spans = re.findall(r"`([^`\n]+(?:\n[^`\n]+)?)`", text)
    found = []
    for shown in [*lines, *spans]:
        for command in re.split(r" && | ; ", re.sub(r"\s+", " ", shown.split("   ")[0]).strip()):
            if re.match(r"(make|snakemake|paretopress|pip|\.venv/bin/pip) [-\w]", command):
                found.append(shlex.split(command, comments=True))
    return found


def shown(program: str) -> list[list[str]]:
    return [
        words[1:]
        for page in PAGES
        for words in commands(page)
        if words[0].rsplit("/")[-1] == program
    ]


def test_every_make_command_is_a_target():
    makefile = text_of(ROOT / "Makefile")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    variables = set(re.findall(r"^([A-Z]+) [:?]?=", makefile, flags=re.MULTILINE))
    assert len(shown("make")) >= 20
    for words in shown("make"):
        for word in words:
            name, given, _ = word.partition("=")
            assert name in (variables if given else targets), words


def test_every_snakemake_command_is_one_that_snakemake_takes():
    parser = get_argument_parser()
    assert len(shown("snakemake")) >= 15
    for words in shown("snakemake"):
        if "..." in words:  # a part of a command
            continue
        given = parser.parse_args(words)
        for file in map(str, given.configfile or []):
            assert file in STAND_INS or (ROOT / file).is_file(), words
        for profile in given.profile or []:
            assert (ROOT / profile / "config.yaml").is_file(), words


def test_every_paretopress_command_is_one():
    assert len(shown("paretopress")) >= 5
    for words in shown("paretopress"):
        # A sentence may name the command alone.
        command_line().parse_args([*words, "NETWORK"] if words == ["evaluate"] else words)


def test_every_file_of_requirements_is_there():
    for words in shown("pip"):
        for option, file in pairwise(words):
            if option in ("-r", "-c"):
                assert (ROOT / file).is_file(), words


def test_the_message_of_the_guide_is_the_one_that_a_reader_meets(tmp_path, monkeypatch):
    said = re.search(r"^ {4}(config/mine\.yaml, .*)$", text_of(ROOT / "docs/guide.md"), re.M)
    text = text_of(ROOT / "config/my-network.yaml")
    (tmp_path / "config").mkdir()
    mistaken = text.replace("objective_metrics: [mse]", "objective_metrics: [spearmann]")
    (tmp_path / "config/mine.yaml").write_text(mistaken, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as refused:
        read_study(read_config("config/mine.yaml"), ["config/mine.yaml"], check_files=False)
    assert said.group(1) in str(refused.value)


def test_the_table_and_the_message_of_the_page_on_judging_are_true(tmp_path, monkeypatch):
    page = text_of(ROOT / "docs/judging.md")
    config = yaml.safe_load(re.search(r"```yaml\n(.*?)```", page, flags=re.DOTALL).group(1))
    monkeypatch.chdir(tmp_path)
    rows = "network,algorithm,run,evaluation,accuracy,nonzero_rate\nvgg16,a,1,1,0.8,0.5\n"
    Path("my-runs.csv").write_text(rows, encoding="utf-8")
    study = read_study(config, [])
    (table,) = study.evaluation_tables.values()
    assert [tuple(run) for run in read_evaluations(table)] == [("vgg16", "a", 1)]
    Path("my-runs.csv").write_text(rows + "vgg16,a,1,2,80.3,0.5\n", encoding="utf-8")
    said = re.search(r"^ +(my-runs\.csv, .*)$", page, flags=re.MULTILINE).group(1)
    with pytest.raises(UserError, match=re.escape(said)):
        read_evaluations(table)


@pytest.mark.parametrize("settings", [4, 16])
def test_the_seeds_that_a_claim_needs_are_those_that_are_computed(settings):
    page = text_of(ROOT / "docs/judging.md")
    table = page.split("needs at level 0.05")[1].split("\n\n")[1]
    shown = re.findall(r"^\| `([\w-]+)` \| (\w+)s \| (\d+) \| (\d+) \|$", table, re.MULTILINE)
    needed = needed_blocks(0.05, settings)
    columns = ["claim", "unit", "supported", "not_supported"]
    assert shown == list(needed[columns].astype(str).itertuples(index=False, name=None))


def test_the_embedded_study_says_beside_its_seeds_how_many_the_central_claims_take():
    config = text_of(ROOT / "config/config.yaml")
    comment = " ".join(re.findall(r"^# (.*)$", config.split("\nseeds:")[0], re.MULTILINE))
    study = read_study(yaml.safe_load(config), ["config/config.yaml"], check_files=False)
    settings = sum(name.startswith("surrogate-") for name in study.methods_by_name())
    needed = needed_blocks(0.05, settings).set_index("claim")["supported"]
    rivals, metric = needed["surrogate-beats-plain-ctaea"], "selection-metric-without-effect"
    assert rivals == needed["surrogate-beats-random"] > len(study.seeds)
    assert f"beat plain CTAEA or random search, which takes {rivals}," in comment
    assert f"metric has no effect, which takes {needed[metric]} here" in comment


def test_the_profile_of_slurm_says_what_all_nodes_must_see():
    for name in ("profiles/slurm/config.yaml", "docs/clusters.md"):
        page = " ".join(text_of(ROOT / name).replace("#", "").split())
        assert re.search(r"its environment.*must lie on a file system that the login node", page)


def test_the_version_is_the_same_everywhere():
    version = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]["version"]
    assert yaml.safe_load(text_of(ROOT / "CITATION.cff"))["version"] == version
    released = re.findall(r"^## (\d+\.\d+\.\d+)", text_of(ROOT / "CHANGELOG.md"), re.MULTILINE)
    assert released[0] == version
