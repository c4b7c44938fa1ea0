"""Configs that mean harm: tags, aliases without end, code, and names that would lead somewhere else."""

import os
import tracemalloc
from pathlib import Path

import jinja2
import pytest
import yaml
from paths import ROOT

from paretopress.config.sources import read_config
from paretopress.config.validation import read_study
from paretopress.errors import UserError
from paretopress.report.render import effective_config, render
from paretopress.runs.planned import imported_runs

GOOD = {
    "study": "s",
    "seeds": [1],
    "dataset": {"kind": "digits"},
    "networks": {"vgg": {"architecture": {"name": "vgg16_slim"}}},
    "methods": [{"family": "random"}],
}
TABLE = {"path": "table.csv", "networks": {"vgg16": {"threshold": 0.7}}}


def refusal(config: object, *files: str) -> str:
    with pytest.raises(UserError) as error:
        read_study(config, files)
    return str(error.value)


@pytest.mark.parametrize(
    "tagged",
    [
        "!!python/object/apply:os.mkdir [ran]",
        "!!python/object/new:os.mkdir [ran]",
        "!!python/object/apply:builtins.exec ['import os; os.mkdir(\"ran\")']",
        "!!python/name:os.mkdir",
        "!!python/module:os",
        "!!python/tuple [1]",
        "!custom x",
    ],
)
def test_a_tag_is_refused_and_not_run(tmp_path, monkeypatch, tagged):
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text(f"study: {tagged}\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"mine\.yaml: not valid YAML"):
        read_config("mine.yaml")
    assert not Path("ran").exists()


@pytest.mark.parametrize(
    "value",
    [os.mkdir, (1, 2), {1, 2}, b"\xff", 1j, float("nan"), 10**5000, "\ud800"],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("place", ["study", "arguments"])
def test_what_a_more_trusting_reader_makes_of_tags_is_refused(value, place):
    architecture = {"name": "resnet18", "arguments": {"x": [{"y": value}]}}
    config = GOOD | (
        {"study": value}
        if place == "study"
        else {"networks": {"vgg": {"architecture": architecture}}}
    )
    said = refusal(config)
    assert (
        "study = " if place == "study" else "networks.vgg.architecture.arguments.x[0].y = "
    ) in said


def test_code_in_a_config_is_refused(tmp_path):
    (tmp_path / "mine.yaml").write_text("__use_yte__: true\nstudy: s\n", encoding="utf-8")
    assert "mine.yaml, line 1: __use_yte__: makes Snakemake run code" in refusal(
        {"study": "s"}, str(tmp_path / "mine.yaml")
    )


def aliases(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [
        f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, levels)
    ]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (aliases(25), "more than 100,000 values, aliases filled in"),
        (aliases(25) + "a0: 1\n" * 2, "more than 100,000 values"),
        ("study: &a [*a]", "levels deep or without end"),
        ("study: &a {x: [*a, *a]}", "levels deep or without end"),
        ("study: " + "[" * 60 + "]" * 60, "levels deep or without end"),
    ],
    ids=["aliases", "aliases and a key twice", "itself", "itself twice", "deep"],
)
def test_a_file_of_few_lines_cannot_fill_the_memory(tmp_path, text, said):
    file = tmp_path / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    config = read_config(str(file))
    tracemalloc.start()
    assert said in refusal(config, str(file))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 20 * 2**20


def test_a_key_that_stands_twice_beside_an_alias_is_found_once(tmp_path):
    (tmp_path / "mine.yaml").write_text(
        "study: s\nx: &x {y: 1, y: 2}\nz: [*x, *x, *x]\n", encoding="utf-8"
    )
    assert (
        refusal({"study": "s"}, str(tmp_path / "mine.yaml")).count("x.y: the key is there twice")
        == 1
    )


def test_sections_without_end_are_no_yaml(tmp_path):
    (tmp_path / "mine.yaml").write_text("[" * 5000, encoding="utf-8")
    with pytest.raises(UserError, match=r"mine\.yaml: not valid YAML"):
        read_config(str(tmp_path / "mine.yaml"))


NO_NAMES = [
    "",
    " ",
    ".",
    "..",
    "../x",
    "/x",
    "a/b",
    "a\\b",
    "a b",
    "{network}",
    "a{x}",
    "<study>",
    "*",
    "a\n",
    "a\x00b",
    "-x",
    "=x",
    "é",
    "x" * 101,
    "$(x)",
    "a'b",
    "~",
    "con:",
]
PLACES = {
    "study": lambda name: GOOD | {"study": name},
    "network": lambda name: GOOD | {"networks": {name: GOOD["networks"]["vgg"]}},
    "method": lambda name: GOOD | {"methods": [{"family": "random", "name": name}]},
    "table": lambda name: {"study": "s", "evaluation_tables": {name: TABLE}},
    "network of a table": lambda name: {
        "study": "s",
        "evaluation_tables": {"t": TABLE | {"networks": {name: {"threshold": 0.7}}}},
    },
}


@pytest.mark.parametrize("name", NO_NAMES)
@pytest.mark.parametrize("place", PLACES)
def test_no_name_leads_elsewhere(place, name):
    said = refusal(PLACES[place](name))
    assert "letters, digits" in said
    assert len(said.splitlines()) == 2  # a line break in a name is no line break in the message


@pytest.mark.parametrize("name", ["x" * 20, "a" + "yz" * 30])
@pytest.mark.parametrize("place", PLACES)
def test_a_name_that_snakemake_takes_for_a_loop_is_refused(place, name):
    assert "it ends with 20 repetitions of one text, which Snakemake refuses" in refusal(
        PLACES[place](name)
    )


@pytest.mark.parametrize("name", ["downloads", "Downloads", "README.md"])
def test_a_study_takes_no_folder_of_another(name):
    assert f"study = {name!r}: results/{name} is reserved for other files" in refusal(
        GOOD | {"study": name}
    )


@pytest.mark.parametrize(
    "name", ["evaluations.csv", "RUNS.CSV", "initial", "Training", "surrogate-x", "CTAEA-1"]
)
def test_a_method_takes_no_name_of_other_files(name):
    assert "a name of its own" in refusal(PLACES["method"](name))


@pytest.mark.parametrize(
    "other", ["vgg.test", "vgg.worst-run", "by-objective-metric-vgg", "by-constraint-metric-vgg"]
)
def test_networks_take_no_files_of_one_another(other):
    network = GOOD["networks"]["vgg"]
    assert "would have the same names" in refusal(
        GOOD | {"networks": {"vgg": network, other: network}}
    )


@pytest.mark.parametrize(
    "path", ["a{x}.zip", "<study>/a.zip", "a\x00.zip", "a\n.zip", "", "n" * 5000, "\ud800"]
)
@pytest.mark.parametrize("key", ["dataset", "weights", "network", "table"])
def test_a_path_that_snakemake_would_read_otherwise_is_refused(path, key):
    config = {
        "dataset": GOOD | {"dataset": {"kind": "folder", "path": path}},
        "weights": GOOD
        | {"networks": {"vgg": GOOD["networks"]["vgg"] | {"weights": f"{path}.pt"}}},
        "network": GOOD | {"networks": {"vgg": {"architecture": {"name": "file", "path": path}}}},
        "table": {"study": "s", "evaluation_tables": {"t": TABLE | {"path": path}}},
    }[key]
    if key == "weights" and not path:
        return  # ".pt" is a name
    said = refusal(config)
    assert "path = " in said or "weights = " in said
    assert "Allowed" in said
    assert max(map(len, said.splitlines())) < 1000


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/stdin"])
def test_a_device_is_no_file(device):
    assert "no such file or folder" in refusal(
        {"study": "s", "evaluation_tables": {"t": TABLE | {"path": device}}}
    )


@pytest.mark.parametrize("code", ["(" * 5000, "x = " + "-" * 100_000 + "1", "\x00", "\xff"])
def test_code_that_breaks_the_parser_is_named(tmp_path, code):
    (tmp_path / "mine.py").write_bytes(code.encode("latin1"))
    said = refusal(
        GOOD
        | {
            "networks": {
                "vgg": {"architecture": {"name": "file", "path": str(tmp_path / "mine.py")}}
            }
        }
    )
    assert "networks.vgg.architecture.path" in said
    assert "not a Python file" in said


def test_methods_that_are_one_folder_elsewhere_are_refused(tmp_path):
    (tmp_path / "t.csv").write_text(
        "network,method,seed,evaluation,accuracy,nonzero_rate\nvgg16,Own,1,1,0.8,0.5\nvgg16,own,1,1,0.8,0.5\n",
        encoding="utf-8",
    )
    study = read_study(
        {"study": "s", "evaluation_tables": {"t": TABLE | {"path": str(tmp_path / "t.csv")}}}, []
    )
    with pytest.raises(UserError, match="the methods own and Own, one folder on other machines"):
        imported_runs(study)


def test_a_table_of_endless_zeros_is_read_to_its_limit(tmp_path, monkeypatch):
    monkeypatch.setattr("paretopress.runs.imported.MOST_BYTES", 2**20)
    with open(tmp_path / "t.csv", "wb") as file:
        file.truncate(2**40)
    study = read_study(
        {"study": "s", "evaluation_tables": {"t": TABLE | {"path": str(tmp_path / "t.csv")}}}, []
    )
    with pytest.raises(UserError, match=r"t\.csv: more than 1 MiB of text"):
        imported_runs(study)


def test_a_near_miss_of_a_surrogate_setting_is_no_method_of_its_own(tmp_path):
    (tmp_path / "t.csv").write_text(
        "network,method,seed,evaluation,accuracy,nonzero_rate\nvgg16,surrogate-mse-spearmann,1,1,0.8,0.5\n",
        encoding="utf-8",
    )
    study = read_study(
        {"study": "s", "evaluation_tables": {"t": TABLE | {"path": str(tmp_path / "t.csv")}}}, []
    )
    with pytest.raises(
        UserError,
        match=r"line 2: column 'method' = 'surrogate-mse-spearmann': .* Did you mean surrogate-mse-spearman\?",
    ):
        imported_runs(study)


def test_nothing_that_a_config_holds_is_markup_in_the_report(tmp_path):
    """The templates are those of the report; what they put in is escaped, and nothing but the drawn figures is taken as it is."""
    markup = "<script>alert(1)</script>"
    (tmp_path / "page.j2").write_text(
        '{% from "macros.j2" import file with context %}<pre>{{ config_text }}</pre>{{ file(path) }}',
        encoding="utf-8",
    )
    for template in (ROOT / "workflow" / "report").glob("*.j2"):
        (tmp_path / template.name).write_bytes(template.read_bytes())
    page = render(
        tmp_path / "page.j2",
        config_text=effective_config({"arguments": {"x": markup}}),
        path=markup,
    )
    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 2
    unescaped = [
        (template.name, found)
        for template in (ROOT / "workflow" / "report").glob("*.j2")
        for found in safe_expressions(template)
    ]
    # The figure, an SVG of this package, and the plot's data, in which tojson escapes < > & and '.
    assert unescaped == [("macros.j2", "safe"), ("macros.j2", "tojson")]


def safe_expressions(template: Path) -> list[str]:
    """The filters of a template that let markup through."""
    tree = jinja2.Environment().parse(template.read_text(encoding="utf-8"))
    return [
        node.name
        for node in tree.find_all(jinja2.nodes.Filter)
        if node.name in ("safe", "forceescape", "tojson", "xmlattr")
    ]


@pytest.mark.parametrize(
    "text",
    [
        "study: [",
        "\tstudy: s",
        "study: 's",
        "study: s\n  x: 1",
        "a: *b",
        "%YAML 9\n---\n",
        "study: 2020-13-45",
        f"study: {'9' * 5000}",
    ],
)
def test_yaml_that_is_none_is_named_with_its_place(tmp_path, text):
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"mine\.yaml: not valid YAML"):
        read_config(str(tmp_path / "mine.yaml"))


def test_the_good_configs_are_good():
    assert read_study(GOOD, []).study == "s"
    assert yaml.safe_load(aliases(3))["a2"][0][0] == ["x"] * 10


def test_a_key_that_is_no_text_is_blamed_on_its_file(tmp_path):
    (tmp_path / "mine.yaml").write_text("study: s\nbudget:\n  ? ~\n  : 1\n", encoding="utf-8")
    said = refusal(read_config(str(tmp_path / "mine.yaml")), str(tmp_path / "mine.yaml"))
    assert "mine.yaml, line 2: budget = {None: 1}: the key None is no text" in said


def test_an_empty_key_is_refused_wherever_it_stands():
    architecture = {"name": "resnet18", "arguments": {"x": {"": 1}}}
    assert "networks.vgg.architecture.arguments.x = {'': 1}: the key '' is no text" in refusal(
        GOOD | {"networks": {"vgg": {"architecture": architecture}}}
    )
