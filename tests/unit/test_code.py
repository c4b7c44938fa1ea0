"""Which code counts: for every module, the rules that an edit of it reruns; and which edits do."""

import ast
import re
import textwrap

import pytest
from paths import ROOT

from paretopress.code import code_digest, code_params, counted_files, module_name
from paretopress.config.method_files import families, method_file
from paretopress.imports import PACKAGE

SCRIPTS = ROOT / "workflow" / "scripts"
# Modules, and the rules whose scripts their code counts in; search:ctaea are the searches of that
# family alone. What follows from a rule runs again with it.
RERUNS = """
__main__.py commands/advice.py commands/check.py commands/documents.py commands/earlier.py
commands/evaluate.py commands/evaluated.py commands/export.py commands/front.py
commands/network_files.py commands/status.py commands/variables.py commands/verify.py
config/dataset.py config/messages.py config/method_files.py config/method_settings.py
config/methods.py config/network_code.py config/networks.py config/plain_values.py
config/python_files.py config/recipes.py config/regressor_checks.py config/schema.py
config/search.py config/sources.py config/study.py config/torchvision_models.py config/validation.py
dataset/downloads.py export/settings.py jobs/digests.py jobs/files.py jobs/findings.py jobs/gate.py
jobs/hooks.py jobs/job.py jobs/journal.py jobs/locks.py jobs/logs.py jobs/machine.py
jobs/own_code.py jobs/progress.py jobs/provenance.py jobs/sealed.py jobs/stopping.py
jobs/versions.py runs/planned.py runs/remaining.py runs/timed.py:
    nothing
config/export.py export/exported.py:
    export report
code.py export/card.py export/chosen.py export/exporting.py export/formats.py export/kept.py
export/measuring.py export/onnx_files.py export/scores.py export/source.py export/speed.py
export/tuning.py imports.py networks/fine_tuning.py networks/packed.py statistics/paired.py:
    export
config/variables.py:
    allocation check_network claims dense_metrics export front_figure front_sizes import_runs
    inference_figure inference_time initial_designs join_runs report run_fronts search
    setting_figures test_front test_run_fronts union_front worst_run_front
    worst_run_inference_figure
config/sizes.py:
    claims export front_figure front_sizes hypervolume import_runs inference_figure inference_time
    initial_designs join_runs method_figures report run_fronts search search_figures setting_figures
    statistics statistics_on_test_images tabulate_runs test_front test_run_fronts union_front
    worst_run_front worst_run_inference_figure
compression/packed_size.py:
    dense_metrics export front_sizes initial_designs search
compression/evaluation.py compression/norms.py compression/scoring.py:
    initial_designs search test_front test_run_fronts
compression/devices.py:
    dense_metrics export initial_designs search test_front test_run_fronts train_baseline
compression/allocation.py compression/calls.py compression/designs.py compression/dynamic_int8.py
compression/features.py compression/head.py compression/inputs.py compression/magnitudes.py
compression/moments.py compression/plans.py compression/pruning.py compression/repair.py
compression/rounding.py compression/subsets.py networks/mapped.py networks/moves.py
networks/on_device.py networks/tensors.py:
    allocation check_network dense_metrics export front_sizes inference_time initial_designs search
    test_front test_run_fronts
compression/channels.py compression/layers.py compression/passage.py config/own_modules.py
config/weight_files.py networks/build.py networks/extra_state.py networks/fitting.py
networks/key_names.py networks/matching.py networks/own.py networks/stored.py networks/taken.py
networks/torchvision_networks.py networks/weight_files.py networks/weights.py:
    allocation check_network dense_metrics export front_sizes import_baseline inference_time
    initial_designs search test_front test_run_fronts train_baseline
compression/tally.py:
    allocation check_network dense_metrics export front_sizes inference_time initial_designs search
    test_front test_run_fronts train_baseline
config/candidates.py:
    claims export front_figure front_sizes import_runs inference_figure inference_time join_runs
    report run_fronts search search_figures setting_figures test_front test_run_fronts union_front
    worst_run_front worst_run_inference_figure
config/base.py:
    claims export import_runs method_figures report search_figures setting_figures statistics
    statistics_on_test_images tabulate_runs worst_run_front
runs/method_names.py:
    claims import_runs method_figures report search_figures setting_figures statistics
    statistics_on_test_images tabulate_runs worst_run_front
config/evaluation_tables.py runs/imported.py runs/imported_cells.py:
    import_runs
config/image_folders.py dataset/archives.py dataset/builders.py dataset/cifar10.py dataset/facts.py
dataset/images.py folders.py:
    dataset
dataset/splitting.py:
    dataset export
dataset/split.py torchvision_operators.py:
    allocation check_network dataset dense_metrics export front_sizes import_baseline inference_time
    initial_designs search test_front test_run_fronts train_baseline
errors.py:
    allocation check_network dataset dense_metrics export front_sizes import_baseline import_runs
    inference_time initial_designs search test_front test_run_fronts train_baseline
figures/attainment.py figures/convergence.py figures/ranks.py:
    method_figures
figures/front.py figures/unpruned.py:
    front_figure report setting_figures
figures/hypervolumes.py:
    method_figures setting_figures
figures/size_axis.py:
    front_figure inference_figure method_figures report setting_figures worst_run_inference_figure
figures/inference_times.py:
    inference_figure worst_run_inference_figure
figures/looks.py:
    method_figures search_figures setting_figures
figures/search_times.py figures/surrogates.py:
    search_figures
figures/captions.py:
    front_figure method_figures report search_figures setting_figures
figures/paper.py figures/style.py:
    front_figure inference_figure method_figures report search_figures setting_figures
    worst_run_inference_figure
fronts/remade.py:
    export front_sizes inference_time test_front test_run_fronts
fronts/sizes.py:
    export front_sizes
fronts/times.py:
    export inference_time
fronts/union.py:
    claims export front_figure front_sizes inference_figure inference_time report run_fronts
    setting_figures test_front test_run_fronts union_front worst_run_front
    worst_run_inference_figure
methods/_botorch.py methods/botorch_qlognehvi.py:
    search:botorch_qlognehvi
methods/ctaea.py:
    search:ctaea
methods/ablation.py:
    search:ablation
search/beliefs.py search/improvement.py:
    search:ablation search:ehvi
methods/ehvi.py search/plan_features.py:
    search:ehvi
methods/nsga2.py:
    search:nsga2
methods/_optuna.py:
    search:optuna_gp search:optuna_tpe
methods/optuna_gp.py:
    search:optuna_gp
methods/optuna_tpe.py:
    search:optuna_tpe
methods/random.py:
    search:random
config/regressors.py methods/surrogate.py search/infills.py search/selection.py search/trees.py:
    search:ablation search:surrogate
search/surrogates.py:
    search:ablation search:ehvi search:surrogate
search/proposals.py:
    search:ablation search:botorch_qlognehvi search:ehvi search:nsga2 search:optuna_gp
    search:optuna_tpe search:surrogate
networks/facts.py networks/not_finite.py:
    dense_metrics train_baseline
networks/cautions.py:
    gate report
networks/checkpoints.py networks/training.py:
    export train_baseline
networks/dense.py networks/import_facts.py:
    dense_metrics
networks/history.py:
    export import_baseline train_baseline
networks/metrics.py:
    claims dense_metrics export front_figure gate hypervolume import_runs initial_designs report
    run_fronts search setting_figures statistics statistics_on_test_images test_front
    test_run_fronts union_front worst_run_front
report/comparison.py report/costs.py report/networks.py report/plot.py report/render.py
report/ship.py report/sources.py report/summary.py report/units.py runs/forecast.py:
    report
runs/files.py:
    front_figure join_runs run_fronts tabulate_runs union_front worst_run_front
runs/hypervolume.py:
    hypervolume import_runs statistics_on_test_images
runs/network_rows.py:
    front_figure import_runs setting_figures statistics
runs/rows.py:
    report tabulate_runs worst_run_front
runs/tables.py:
    claims export front_figure front_sizes import_runs inference_figure inference_time join_runs
    report run_fronts search setting_figures test_front test_run_fronts union_front worst_run_front
    worst_run_inference_figure
search/archive.py search/evaluations.py search/targets.py:
    initial_designs search
search/ctaea.py search/mating.py search/survival.py:
    search:ablation search:ctaea search:surrogate
search/hypervolume.py:
    hypervolume import_runs report search statistics_on_test_images tabulate_runs worst_run_front
search/objectives.py:
    claims export front_figure front_sizes hypervolume import_runs inference_figure inference_time
    initial_designs join_runs method_figures report run_fronts search setting_figures statistics
    statistics_on_test_images tabulate_runs test_front test_run_fronts union_front worst_run_front
    worst_run_inference_figure
statistics/claims/accuracy.py statistics/claims/evidence.py statistics/claims/judge.py
statistics/claims/least.py statistics/claims/methods.py statistics/claims/times.py
statistics/claims/settings.py statistics/claims/weights.py:
    claims
statistics/costs.py:
    report search_figures statistics
statistics/effects.py statistics/pairs.py statistics/permutations.py statistics/ranks.py:
    claims method_figures statistics statistics_on_test_images
statistics/extremes.py:
    claims method_figures setting_figures statistics statistics_on_test_images worst_run_front
statistics/factors.py statistics/levels.py:
    claims statistics statistics_on_test_images
statistics/summary.py:
    statistics
statistics/load.py statistics/training.py:
    claims report
tables.py:
    claims dense_metrics export front_figure front_sizes hypervolume import_baseline import_runs
    inference_figure inference_time initial_designs join_runs method_figures report run_fronts
    search search_figures setting_figures statistics statistics_on_test_images tabulate_runs
    test_front test_run_fronts train_baseline union_front worst_run_front worst_run_inference_figure
words.py:
    allocation check_network claims dense_metrics export front_figure front_sizes gate
    import_baseline import_runs inference_figure inference_time initial_designs method_figures
    report search search_figures setting_figures test_front test_run_fronts train_baseline
    worst_run_inference_figure
networks/inspection.py networks/preflight.py:
    check_network
networks/trial.py:
    check_network dense_metrics import_baseline train_baseline
networks/builds.py:
    check_network dense_metrics train_baseline
statistics/comparison.py:
    statistics statistics_on_test_images
config/number_types.py:
    import_runs search:ablation search:botorch_qlognehvi search:ehvi search:nsga2 search:optuna_gp
    search:optuna_tpe
"""


def scripts_of_rules() -> dict[str, str]:
    """The script of each rule, which its parameters name too."""
    found, bases = {}, {}
    for file in (ROOT / "workflow" / "rules").glob("*.smk"):
        for text in re.split(r"(?m)^(?:use )?rule ", file.read_text(encoding="utf-8"))[1:]:
            named = set(re.findall(r'"(?:\.\./scripts/)?(\w+\.py)"', text))
            rule, other = re.match(r"(\w+)(?: as (\w+))?", text).groups()
            if other and not named:  # it takes over the parameters too
                bases[other] = rule
                continue
            assert len(named) == 1, f"{file.name}: the code that counts is that of another script"
            found[other or rule] = named.pop()
    found |= {rule: found[base] for rule, base in bases.items()}
    return found


def rerun_by() -> dict[str, set[str]]:
    """For each module, the rules that an edit of its code reruns."""
    found: dict[str, set[str]] = {
        module_name(file): set() for file in PACKAGE.rglob("*.py") if file.name != "__init__.py"
    }

    def add(rule: str, files: set) -> None:
        for name in map(module_name, files):
            found.get(name, set()).add(rule)

    of_every_search = set(counted_files(SCRIPTS / "run_search.py"))
    for rule, script in scripts_of_rules().items():
        # What is downloaded is settled by its checksum, and a forecast is no result.
        if rule not in ("download", "forecast"):
            add(rule, set(counted_files(SCRIPTS / script)))
    for family in families():
        add(f"search:{family}", set(counted_files(method_file(family))) - of_every_search)
    return found


def test_for_every_module_the_rules_that_an_edit_of_its_code_reruns():
    expected = {}
    for modules, rules in re.findall(r"((?:\S.*\n)+)((?:    .*\n)+)", RERUNS):
        for module in modules.replace(":", "").split():
            expected[module] = set(rules.split()) - {"nothing"}
    assert rerun_by() == expected


BEFORE = '''
"""What it does."""

import logging
from dataclasses import dataclass, field
from functools import cache, singledispatch

from pydantic import BaseModel, Field

from .errors import UserError

log = logging.getLogger(__name__)
MOST = 3
RULES = {"first": max}
TITLE = f"at most {MOST}"


@dataclass(frozen=True)
class Design:
    """A design."""

    amount: float
    kind: str = "linear"


class Settings(BaseModel):
    folds: int = Field(5, description="Folds of the cross-validation")


@cache
def smallest(values: list[float], most: int = MOST) -> list[float]:
    """The smallest of the values."""
    found: list[float] = sorted(values)  # a comment
    if not found:
        raise UserError(f"no value in {values!r}. Give one.")
    log.info("%d values, the first %s", len(found), f"{found[0]:.2f}")
    print("smallest")
    return found[:most]


@singledispatch
def told(value: int) -> str:
    return "a number"


def refused(value: int) -> UserError:
    return UserError(f"{value}: too large")
'''
# What reruns what depends on the module, as (what stands in BEFORE, what takes its place).
COUNTS = {
    "a field of a dataclass": ("    amount: float\n", "    amount: float\n    bits: int = 8\n"),
    "the type of a field of a dataclass": ("    amount: float\n", "    amount: int\n"),
    "the default of a field of a dataclass": ('kind: str = "linear"', 'kind: str = "conv"'),
    "a pydantic default": ("Field(5,", "Field(4,"),
    "a pydantic type": ("folds: int", "folds: float"),
    "a decorator": ("@cache\n", ""),
    "an argument of a decorator": ("frozen=True", "frozen=False"),
    "a constant": ("MOST = 3", "MOST = 4"),
    "an entry of a registry": ('{"first": max}', '{"first": max, "second": min}'),
    "another entry of a registry": ('{"first": max}', '{"first": min}'),
    "a text that can reach a table": ('print("smallest")', 'print("least")'),
    "a text with values": ('f"at most {MOST}"', 'f"no more than {MOST}"'),
    "a default of an argument": ("most: int = MOST", "most: int = 2"),
    "an argument": ("values: list[float],", "values: list[float], least: int,"),
    "an expression": ("found[:most]", "found[:most + 1]"),
    "what is raised": ("raise UserError(", "raise ValueError("),
    "a value in what is raised": ("{values!r}", "{found!r}"),
    "a value in an error that another raises": ("{value}: too", "{value + 1}: too"),
    "when it is raised": ("if not found", "if found"),
    "a value in a log line": ("len(found),", "len(found) + 1,"),
    "an import": ("from .errors import UserError\n", "from .tables import UserError\n"),
    "a base class": ("Settings(BaseModel)", "Settings(dict)"),
    "an annotation that is read": ("told(value: int)", "told(value: float)"),
}
# What reruns nothing.
COUNTS_NOT = {
    "a comment": ("# a comment", "# another one"),
    "the docstring of a module": ("What it does.", "What it does, in other words."),
    "the docstring of a class": ('"""A design."""', '"""One design.\n\n    With more."""'),
    "the docstring of a function": ('    """The smallest of the values."""\n', ""),
    "the annotation of an argument": ("values: list[float]", "values: tuple[float, ...]"),
    "the annotation of a return": (") -> list[float]:", ") -> object:"),
    "the annotation of a local name": ("found: list[float] =", "found ="),
    "the text of an error": ("no value in {values!r}. Give one.", "{values!r}: empty"),
    "the text of an error that another raises": ("{value}: too large", "too large: {value}"),
    "the text of a log line": ("%d values, the first %s", "%d: %s"),
    "the form of a number in a log line": ("{found[0]:.2f}", "{found[0]:.3e}"),
    "the description of a config key": ("Folds of the", "How many folds has the"),
    "blank lines": ("\n\n\n", "\n\n\n\n\n"),
    "other quotes": ('{"first": max}', "{'first': max}"),
    "a number written otherwise": ("MOST = 3", "MOST = 0b11"),
    "parentheses": ("return found[:most]", "return (\n        found[:most]\n    )"),
}


@pytest.mark.parametrize("name", COUNTS)
def test_an_edit_that_can_change_a_result_counts(name):
    assert COUNTS[name][0] in BEFORE
    assert code_digest(BEFORE.replace(*COUNTS[name])) != code_digest(BEFORE)


@pytest.mark.parametrize("name", COUNTS_NOT)
def test_an_edit_that_can_change_none_does_not(name):
    assert COUNTS_NOT[name][0] in BEFORE
    assert code_digest(BEFORE.replace(*COUNTS_NOT[name])) == code_digest(BEFORE)


def test_docstrings_count_where_a_module_reads_them():
    for reading in ("smallest.__doc__", 'getattr(smallest, "__doc__")', "__doc__"):
        reads = f"{BEFORE}\nprint({reading})\n"
        edited = reads.replace("The smallest of the values.", "The least.")
        assert code_digest(edited) != code_digest(reads)


def test_a_local_class_has_fields_that_count():
    code = "def make():\n    class Row:\n        amount: float\n    return Row\n"
    assert code_digest(code) != code_digest(code.replace("float", "int"))


def test_no_module_counts_by_its_form_or_comments():
    for file in PACKAGE.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        reformatted = ast.unparse(ast.parse(text))
        assert code_digest(reformatted) == code_digest(text), file


def test_the_format_of_jobs_counts_in_every_rule_and_no_other_code_of_theirs():
    for script in set(scripts_of_rules().values()) - {"download_cifar10.py"}:
        params = code_params(SCRIPTS / script)
        assert re.fullmatch(r"jobs format \d+", params["code jobs"])
        assert not [name for name in params if name.startswith("code jobs/")]


@pytest.mark.parametrize("many_jobs", [False, True])
def test_code_that_counts_for_some_values_of_a_wildcard_alone(tmp_path, many_jobs):
    class Wildcards:
        def __init__(self, method: str) -> None:
            self.method = method

    script, first, second = (tmp_path / f"{name}.py" for name in ("script", "first", "second"))
    script.write_text("from paretopress import tables\n", encoding="utf-8")
    first.write_text("from paretopress.search import infills\n", encoding="utf-8")
    second.write_text(textwrap.dedent(BEFORE), encoding="utf-8")
    params = code_params(script, {"a": first, "b": second}, "method", many_jobs=many_jobs)

    def values(params: dict, method: str) -> set[str]:
        told = params.values()
        return {value if isinstance(value, str) else value(Wildcards(method)) for value in told}

    def told(method: str) -> set[str]:
        return {value.split(" ")[0] for value in values(params, method)}

    assert {"script.py", "tables.py"} <= told("a") & told("b")
    assert {"first.py", "search/infills.py"} <= told("a") - told("b")
    assert told("b") - told("a") == {"second.py"}
    without_b = code_params(script, {"a": first}, "method")
    assert values(params, "a") == values(without_b, "a"), (
        "another method adds nothing to the jobs of this one"
    )
