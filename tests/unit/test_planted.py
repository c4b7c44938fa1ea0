"""The faults that `make faults` plants: each can be planted, and together they touch every promise and every kind of result."""

import ast
import re

import pytest
from paths import ROOT
from planted import Fault, faults

# Beside the promises and the files that a study gives: what people see, and what decides what runs.
OTHERS = {
    "make status",
    "make front",
    "make verify",
    "profiles/slurm",
    "the check of a config",
    "the digests of the code",
}
# Copies, marks, and the single times behind a table: a slip there is one in the file that they belong to.
COPIES = {
    "config.yaml",
    "baselines/{network}/gate.passed",
    "dataset/*.safetensors",
    "designs/{network}/seed-{seed}.timings.csv",
    "figures/*.png",
    "inference/{network}.passes.csv",
    *(f"runs/{{network}}/{name}.csv" for name in ("evaluations", "iterations", "timings")),
}
PRODUCT = ("workflow/", "profiles/", "Snakefile")


def promises() -> set[str]:
    """What stands bold in the sections of the page on trust."""
    page = (ROOT / "docs" / "trust.md").read_text(encoding="utf-8")
    return {words.rstrip(".") for words in re.findall(r"\*\*(.+?)\*\*", page)}


def results() -> set[str]:
    """The files of docs/outputs.md, less folders, what jobs say of themselves, and COPIES."""
    page = (ROOT / "docs" / "outputs.md").read_text(encoding="utf-8")
    section = re.search(r"^## Files\n(.*?)^## ", page, re.DOTALL | re.MULTILINE).group(1)
    listed = re.findall(r"^\| `(.+?)` \|", section, flags=re.MULTILINE)
    assert set(listed) >= COPIES
    return {path for path in listed if not path.endswith("/")} - COPIES


@pytest.mark.parametrize("fault", faults(), ids=str)
def test_a_fault_is_one_slip_in_one_line_and_its_test_is_there(fault: Fault):
    assert fault.file.startswith(PRODUCT)
    assert fault.line != fault.fault
    assert "\n" not in fault.line + fault.fault
    text = (ROOT / fault.file).read_text(encoding="utf-8")
    assert text.count(fault.line) == 1
    planted = text.replace(fault.line, fault.fault)
    if fault.file.endswith(".py"):
        ast.parse(planted)
    file, function = fault.test.split("[")[0].split("::")
    tests = (ROOT / file).read_text(encoding="utf-8")
    before, defined, _ = tests.partition(f"def {function}(")
    assert defined
    decorators = before[before.rfind("\n\n\n") :]
    module = re.search(r"^pytestmark = .*$", tests, flags=re.MULTILINE)
    assert "@pytest.mark.thorough" not in decorators, "in `make test`"
    assert "mark.thorough" not in (module.group() if module else ""), "in `make test`"


def test_every_promise_and_every_kind_of_result_has_a_fault():
    touched = {promise for fault in faults() for promise in fault.promise}
    assert len(faults()) >= 30
    assert len(promises()) >= 15
    assert {"statistics/level_pairs.csv", "baselines/{network}/weights.safetensors"} <= results()
    wanted = promises() | results() | OTHERS
    assert wanted - touched == set()
    assert touched - wanted == {"The same study, the same bytes"}, "the section's title"
