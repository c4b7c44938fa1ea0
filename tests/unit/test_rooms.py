"""The house: rooms that import only rooms under them, thin scripts, a tiny common.smk."""

import ast
import re

import pytest
from paths import ROOT

from paretopress.imports import PACKAGE, imported

# From the ground up; a room imports only itself and what stands before it.
ROOMS = (
    "errors", "imports", "words", "torchvision_operators", "folders", "jobs", "code", "tables", "config",
    "dataset", "compression", "networks", "search", "methods", "runs", "fronts", "statistics", "export", "figures",
    "report", "commands", "__main__",
)  # fmt: skip
SCRIPTS = PACKAGE.parent


def room_of(file) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_the_package_has_these_rooms_and_no_others():
    found = {room_of(file) for file in PACKAGE.rglob("*.py")} - {"__init__"}
    assert found == set(ROOMS)


def test_the_page_on_extending_lists_the_rooms_in_their_order():
    page = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    block = page.split("from the ground up")[1].split("\n## ")[0]
    rows = re.findall(r"^    (\S.*?) {2,}", block, flags=re.MULTILINE)
    assert re.findall(r"\w+", " ".join(rows)) == list(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_rooms_under_it(room):
    below = {*ROOMS[: ROOMS.index(room) + 1], "__init__"}
    files = [file for file in PACKAGE.rglob("*.py") if room_of(file) == room]
    assert files
    for file in files:
        above = [str(path) for path in imported(file) if room_of(path) not in below]
        assert above == [], file


def test_init_files_hold_a_docstring_and_nothing_else():
    for file in PACKAGE.rglob("__init__.py"):
        body = ast.parse(file.read_text(encoding="utf-8")).body
        allowed = 1 if file.parent.name != "methods" else len(body)  # build_method is there
        assert len(body) == allowed, file


def test_the_unit_tests_mirror_the_rooms():
    folders = {path.name for path in (ROOT / "tests" / "unit").glob("*/") if any(path.glob("*.py"))}
    assert folders <= set(ROOMS)


def test_scripts_holds_rule_scripts_alone():
    rules = "\n".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "workflow" / "rules").glob("*.smk")
    )
    for script in SCRIPTS.glob("*.py"):
        assert f'"../scripts/{script.name}"' in rules, script


def test_common_smk_is_tiny():
    lines = (ROOT / "workflow" / "rules" / "common.smk").read_text(encoding="utf-8").splitlines()
    assert len(lines) < 70
