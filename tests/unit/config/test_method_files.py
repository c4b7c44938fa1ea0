"""Methods of the registry: their entries and settings are checked before anything runs, by the text of their files."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from paths import ROOT

from paretopress.config import method_files
from paretopress.config.methods import REGISTRY
from paretopress.config.validation import read_study
from paretopress.errors import UserError

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
    best: float = field(init=False)

    def run(self, archive, after_iteration):
        untold: int = 1

class Plain:
    step: float
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
    """Stands in for the registered method: a file beside the test."""
    (tmp_path / "climber.py").write_text(
        CODE + f"\nopen({str(tmp_path / 'ran')!r}, 'w')\n", encoding="utf-8"
    )
    monkeypatch.setattr(method_files, "METHODS", tmp_path)
    monkeypatch.setitem(REGISTRY, "random", "climber.Climber")
    return tmp_path


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"step": 0.1, "trys": 3}, "settings.trys = 3: unknown setting. Did you mean 'tries'? Allowed: step (float), tries (int), greedy (bool), restart (list)."),
        ({"step": 0.1, "kind": "x"}, "settings.kind = 'x': unknown setting."),
        ({"step": 0.1, "best": 1.0}, "settings.best = 1.0: unknown setting."),
        ({"step": 0.1, "untold": 1}, "settings.untold = 1: unknown setting."),
        ({"tries": 3}, "settings.step: missing, and the method has no default for it. Allowed: step (float)"),
        ({"step": "1e-3"}, "settings.step = '1e-3': of another type than the method's field. Allowed: float."),
        ({"step": True}, "settings.step = True: of another type than the method's field. Allowed: float."),
        ({"step": 0.1, "tries": 2.5}, "settings.tries = 2.5: of another type than the method's field. Allowed: int."),
        ({"step": 0.1, "greedy": 1}, "settings.greedy = 1: of another type than the method's field. Allowed: bool."),
    ],
)  # fmt: skip
def test_settings_that_the_class_does_not_take_are_refused_without_running_its_file(
    settings, expected, climber
):
    message = refusal(climber, {"family": "random", "settings": settings})
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
        climber, {"family": "random", "settings": {"trys": 1, "greddy": True}}
    )


@pytest.mark.parametrize(
    "settings", [{"step": 0.5}, {"step": 1, "tries": 2, "greedy": False, "restart": [1, 2]}]
)
def test_settings_that_the_class_takes_are_given_to_it(settings, climber):
    read = read_study(
        study(climber, {"family": "random", "settings": settings, "name": "mine"}), []
    )
    assert read.methods_by_name() == {
        "mine": {"implementation": "climber.Climber", "settings": settings}
    }


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (
            "climbr.Climber",
            "and there is no such file. Did you mean 'climber'? Allowed: FILE.CLASS",
        ),
        ("climber", "and there is no such file"),
        ("climber.Climbr", "and methods/climber.py defines no such dataclass"),
        ("climber.Plain", "and methods/climber.py defines no such dataclass"),
        ("broken.Climber", "and methods/broken.py is not Python"),
    ],
)
def test_an_entry_of_the_registry_that_leads_nowhere_is_refused(
    entry, expected, climber, monkeypatch
):
    (climber / "broken.py").write_text("class Climber(:", encoding="utf-8")
    monkeypatch.setitem(REGISTRY, "random", entry)
    message = refusal(climber, {"family": "random"})
    assert (
        f"methods[0].family = 'random': its entry in the registry (config/methods.py) is {entry!r}, {expected}"
        in message
    )


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
