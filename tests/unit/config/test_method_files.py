"""Methods are files: these, their packages and their settings are checked before anything runs, by the text of the files."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from paths import ROOT

from paretopress.config import method_files
from paretopress.config.validation import read_study
from paretopress.errors import UserError
from paretopress.imports import PACKAGE

CODE = """
import dataclasses
from dataclasses import dataclass, field
from typing import ClassVar

@dataclasses.dataclass(frozen=True)
class Climber:
    kind: ClassVar[str] = "local"
    step: float
    tries: int = 5
    greedy: bool = dataclasses.field(default=True)
    restart: list = field(default_factory=list)
    patience: int | None = None
    batch: Count | None = None
    kept: Fraction = 0.5
    order: Literal["best", 'worst'] = "best"
    depth: Literal[1, 2] | Literal["any"] = 1
    own: Literal[BEST, "worst"] | Order = BEST
    best: float = field(init=False)

    def run(self, archive, after_iteration):
        untold: int = 1

class Plain:
    step: float

    def run(self): ...
"""


def study(tmp_path: Path, *methods: dict) -> dict:
    return {
        "study": "s",
        "seeds": [1],
        "dataset": {"kind": "digits"},
        "networks": {"vgg": {"architecture": {"name": "vgg16_slim"}}},
        "methods": list(methods),
    }


def refusal(tmp_path: Path, *methods: dict) -> str:
    """What is said of a config file with these methods, without the file's name."""
    file = tmp_path / "mine.yaml"
    config = study(tmp_path, *methods)
    file.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    with pytest.raises(UserError) as error:
        read_study(config, [str(file)])
    return str(error.value).replace(str(file), "mine.yaml")


@pytest.fixture
def climber(tmp_path, monkeypatch) -> Path:
    """A folder of methods that holds one file, which must not be run."""
    (tmp_path / "climber.py").write_text(
        CODE + f"\nopen({str(tmp_path / 'ran')!r}, 'w')\n", encoding="utf-8"
    )
    monkeypatch.setattr(method_files, "METHODS", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"step": 0.1, "trys": 3}, "settings.trys = 3: unknown setting. Did you mean 'tries'? Allowed: step (float), tries (int), greedy (bool), restart (list), patience (int | None), batch (Count | None), kept (Fraction), order (Literal['best', 'worst']), depth (Literal[1, 2] | Literal['any']), own (Literal[BEST, 'worst'] | Order)."),
        ({"step": 0.1, "kind": "x"}, "settings.kind = 'x': unknown setting."),
        ({"step": 0.1, "best": 1.0}, "settings.best = 1.0: unknown setting."),
        ({"step": 0.1, "untold": 1}, "settings.untold = 1: unknown setting."),
        ({"tries": 3}, "settings.step: missing, and the method has no default for it. Allowed: step (float)"),
        ({"step": "1e-3"}, "settings.step = '1e-3': not allowed. Allowed: a number."),
        ({"step": True}, "settings.step = True: not allowed. Allowed: a number."),
        ({"step": 0.1, "tries": 2.5}, "settings.tries = 2.5: not allowed. Allowed: a whole number."),
        ({"step": 0.1, "patience": "ten"}, "settings.patience = 'ten': not allowed. Allowed: a whole number, or null."),
        ({"step": 0.1, "patience": True}, "settings.patience = True: not allowed"),
        ({"step": 0.1, "batch": 0}, "settings.batch = 0: not allowed. Allowed: a whole number at least 1 and at most 1000000000, or null."),
        ({"step": 0.1, "order": "bets"}, "settings.order = 'bets': not allowed. Did you mean 'best'? Allowed: one of best, worst."),
        ({"step": 0.1, "depth": 3}, "settings.depth = 3: not allowed. Allowed: one of 1, 2, or any."),
        ({"step": 0.1, "greedy": 1}, "settings.greedy = 1: not allowed. Allowed: true or false."),
    ],
)  # fmt: skip
def test_settings_that_the_class_does_not_take_are_refused_without_running_its_file(
    settings, expected, climber
):
    message = refusal(climber, {"family": "climber", "settings": settings})
    assert "(1 problem)" in message
    assert f"methods[0].{expected}" in message
    lines = (climber / "mine.yaml").read_text(encoding="utf-8").splitlines()
    key = re.match(r"settings\.(\w+)", expected).group(1)
    blamed = (
        f"    {key}:" if key in settings else "  settings:"
    )  # a missing one: the section that lacks it
    assert [line.startswith(blamed) for line in lines].index(True) + 1 == int(
        re.search(r"mine\.yaml, line (\d+):", message).group(1)
    )
    assert not (climber / "ran").exists()


def test_every_wrong_setting_is_named_at_once(climber):
    assert "(3 problems)" in refusal(
        climber, {"family": "climber", "settings": {"trys": 1, "greddy": True}}
    )


@pytest.mark.parametrize(
    ("family", "key", "value", "allowed"),
    [
        ("ehvi", "infills", 0, "a whole number at least 1 and at most 1000000000."),
        ("ehvi", "initial", None, "a whole number at least 1 and at most 1000000000."),
        ("ehvi", "candidates", -5, "a whole number at least 1 and at most 1000000000."),
        ("nsga2", "population", 1, "a whole number at least 2 and at most 10000."),
        ("optuna_tpe", "asks", 0, "a whole number at least 1 and at most 1000000000."),
        ("optuna_gp", "initial", 0, "a whole number at least 1 and at most 1000000000, or null."),
        ("botorch_qlognehvi", "size", "known", "one of exact, modelled."),
        ("botorch_qlognehvi", "moves", 0, "a whole number at least 1 and at most 1000000000."),
        ("ablation", "folds", 1, "a whole number at least 2 and at most 10."),
    ],
)  # fmt: skip
def test_a_setting_that_a_method_of_ours_cannot_work_with_is_refused_by_the_config(
    family, key, value, allowed, tmp_path
):
    message = refusal(tmp_path, {"family": family, "settings": {key: value}})
    assert f"methods[0].settings.{key} = {value!r}: not allowed. Allowed: {allowed}" in message


@pytest.mark.parametrize(
    "settings",
    [
        {"step": 0.5},
        {
            "step": 1,
            "tries": 2,
            "greedy": False,
            "restart": [1, 2],
            "patience": None,
            "batch": 1,
            "kept": 0.1,
            "order": "worst",
            "depth": "any",
        },
    ],
)
def test_settings_that_the_class_takes_are_given_to_it(settings, climber):
    read = read_study(
        study(climber, {"family": "climber", "settings": settings, "name": "mine"}), []
    )
    assert read.methods_by_name() == {
        "mine": {"implementation": "climber.Climber", "settings": settings}
    }


def test_a_family_without_a_file_is_refused_with_the_folder_and_those_that_are_there(tmp_path):
    assert (
        f"methods[0].family = 'randon': there is no file of this name in {PACKAGE / 'methods'}. Did you mean 'random'? "
        f"Allowed: one of {', '.join(method_files.families())}, or the name of your own file there."
    ) in refusal(tmp_path, {"family": "randon"})


@pytest.mark.parametrize("family", ["__init__", "_hidden", "../climber", "climber.py", "Climber", "", 3, ["climber"], None])  # fmt: skip
def test_what_is_no_file_of_a_method_is_no_family(family, climber):
    (climber / "_hidden.py").write_text(CODE, encoding="utf-8")
    (climber / "__init__.py").write_text(CODE, encoding="utf-8")
    message = refusal(climber, {"family": family, "settings": {"step": 1}})
    assert f"methods[0].family = {family!r}: " in message
    assert "Allowed: one of climber, or" in message


RUN = "    def run(self, archive, after_iteration): ...\n"
ABOVE = "from dataclasses import dataclass\nfrom .surrogate import SurrogateSearch\n"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("class Climber(:", "is not Python (invalid syntax"),
        ("x = '\0'", "is not Python (source code"),
        ("def run(archive, after_iteration): ...\n", "defines no method. Allowed: a file with one dataclass that has a method run(self, archive, after_iteration)"),
        (f"class First:\n{RUN}", "defines no method: @dataclass is missing above class First. Allowed: "),
        ("@dataclass\nclass First:\n    step: int = 3\n", "defines no method: a method run is missing in class First. Allowed: "),
        ("@dataclass\nclass First(SurrogateSearch):\n    step: int = 3\n", "defines no method: a method run is missing in class First. Allowed: "),
        (f"@dataclass\nclass _First:\n{RUN}", "defines no method. Allowed: "),
        (f"@dataclass\nclass First:\n{RUN}\n@dataclass\nclass Second:\n{RUN}", "defines 2 methods: First, Second. Allowed: one method in each file."),
        (f"@dataclass\nclass First:\n{RUN}\nclass Second(First):\n    step = 3\n", "defines 2 methods: First, Second. "),
    ],
)  # fmt: skip
def test_a_file_that_defines_no_method_or_several_is_refused_by_name(code, expected, climber):
    (climber / "own.py").write_text(ABOVE + code, encoding="utf-8")
    message = refusal(climber, {"family": "own"})
    assert "(1 problem)" in message
    assert f"methods[0].family = 'own': methods/own.py {expected}" in message


@pytest.mark.parametrize(
    "code",
    [
        f"@dataclass\nclass Own:\n    step: int\n{RUN}\nclass Helper:\n{RUN}",
        f"@dataclass\nclass _Base:\n    step: int\n{RUN}\n@dataclass\nclass Own(_Base):\n    tries: int = 2\n",
        f"@dataclass\nclass _First:\n    step: int\n\n@dataclass\nclass _Second:\n    step: str\n{RUN}\n@dataclass\nclass Own(_First, _Second): ...\n",
        f"if True:\n    @dataclass\n    class Own:\n        step: int\n    {RUN}",
        f"@dataclass\nclass Own(Own):\n    step: int\n{RUN}",
    ],
)  # fmt: skip
def test_the_method_is_the_one_dataclass_with_a_method_run_also_through_a_base_of_the_file(
    code, climber
):
    (climber / "own.py").write_text(ABOVE + code, encoding="utf-8")
    method = {"family": "own", "settings": {"step": 1}}
    read = read_study(study(climber, method), [])
    assert read.methods_by_name() == {"own": {"implementation": "own.Own", "settings": {"step": 1}}}
    assert "settings.step: missing" in refusal(climber, {"family": "own"})


IMPORTS = """
import json
import no_such_package.inner as inner
from no_such_package import more
from . import Method
from paretopress.search import archive
try:
    import no_such_accelerator
except ImportError:
    pass
def late():
    import no_such_package_later
"""


@pytest.mark.parametrize(
    ("line", "told"),
    [("", ""), ("INSTALL = \"pip install '.[peers]'\"\n", " (pip install '.[peers]' installs them)")],
)  # fmt: skip
def test_a_package_that_the_file_imports_and_that_is_not_installed_is_named(
    line, told, climber, monkeypatch
):
    # Snakemake finds the package by another name.
    scripts = str(ROOT / "workflow" / "scripts")
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path != scripts])
    monkeypatch.delitem(sys.modules, "paretopress")
    (climber / "own.py").write_text(IMPORTS + CODE + line, encoding="utf-8")
    message = refusal(climber, {"family": "own", "settings": {"step": 0.5}})
    assert "(1 problem)" in message
    assert (
        "methods[0].family = 'own': methods/own.py, line 3: import no_such_package.inner: no_such_package is not installed. "
        f"Allowed: a method whose packages are installed{told}."
    ) in message


def test_another_python_than_that_of_the_jobs_does_not_tell_what_is_installed(climber, monkeypatch):
    (climber / "own.py").write_text(IMPORTS + CODE, encoding="utf-8")
    monkeypatch.setattr(method_files, "find_spec", lambda name: None)
    read_study(study(climber, {"family": "own", "settings": {"step": 0.5}}), [])


@pytest.mark.parametrize("name", ["initial", "Test", "training", "surrogate-mse-mse", "ctaea-10x3"])
def test_a_name_that_stands_for_something_else_is_refused(name, tmp_path):
    message = refusal(tmp_path, {"family": "random", "name": name})
    assert f"methods[0].name = {name!r}:" in message
    assert "a name of its own" in message


def test_two_methods_of_one_family_need_two_names(tmp_path):
    assert "the method random is listed 2 times" in refusal(
        tmp_path, {"family": "random"}, {"family": "random", "name": "Random"}
    )
    named = read_study(
        study(tmp_path, {"family": "random"}, {"family": "random", "name": "again"}), []
    )
    assert list(named.methods_by_name()) == ["random", "again"]


def test_a_config_is_read_without_the_libraries_of_its_methods():
    file = ROOT / "config" / "config.yaml"
    code = f"import sys, yaml; from paretopress.config.validation import read_study; read_study(yaml.safe_load(open({str(file)!r})), [{str(file)!r}]); print(*{{'torch', 'pymoo', 'sklearn', 'xgboost', 'lightgbm'}} & set(sys.modules))"
    shown = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT / "workflow" / "scripts",
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.split() == []
