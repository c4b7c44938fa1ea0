import re

from workflow.scripts.paretopress.code import code_params
from workflow.scripts.paretopress.config.candidates import candidates_of
from workflow.scripts.paretopress.config.method_files import method_file
from workflow.scripts.paretopress.config.regressor_checks import own_files
from workflow.scripts.paretopress.config.validation import read_study
from workflow.scripts.paretopress.errors import UserError
from workflow.scripts.paretopress.export.settings import export_settings
from workflow.scripts.paretopress.runs.planned import CIFAR10_DOWNLOAD, RUN_FILES, Run, planned

try:
    STUDY = read_study(config, *CONFIG_SOURCES)
    PLANNED = planned(STUDY)
except UserError as error:
    raise WorkflowError(str(error))

CONFIG = STUDY.model_dump(mode="json")


def one_of(names):
    """The wildcard constraint that matches these names. Without names it matches nothing."""
    return "|".join(map(re.escape, sorted(set(names)))) or "(?!)"


pathvars:
    study=PLANNED.results,


require_one_place(PLANNED.results)


wildcard_constraints:
    network=one_of(PLANNED.networks),
    method=one_of(run.method for run in PLANNED.runs),
    seed=r"\d+",


def code_of(script, **options):
    """The parameters that rerun a rule when the code of its script changes."""
    return code_params(SCRIPTS / script, **options)


def own_code_of(wildcards):
    """The user's Python files that build the network of the job, if it has any."""
    return list(map(local, PLANNED.own_code[wildcards.network]))


def own_candidates_of(wildcards):
    """The user's modules that define candidate surrogates of the job's method."""
    return list(map(local, own_files(candidates_of(PLANNED.methods[wildcards.method]))))


def run_of_job(wildcards):
    """The run of a job, by its wildcards."""
    return Run(wildcards.network, wildcards.method, int(wildcards.seed))


def of_runs(file, runs):
    """An input function: the paths of `file` in the runs of the job's network."""
    return lambda wildcards: [
        PLANNED.run_file(run, file) for run in runs if run.network == wildcards.network
    ]


def of_networks(paths, networks):
    """The given paths, with each of the networks in place of the wildcard {network}."""
    return collect(paths, network=networks)
