import re

from workflow.scripts.paretopress.code import code_params
from workflow.scripts.paretopress.config.method_files import method_file
from workflow.scripts.paretopress.config.validation import read_study
from workflow.scripts.paretopress.errors import UserError
from workflow.scripts.paretopress.runs.planned import CIFAR10_DOWNLOAD, RUN_FILES, Run, planned

try:
    STUDY = read_study(config, *CONFIG_SOURCES)
    PLANNED = planned(STUDY)
except UserError as error:
    raise WorkflowError(str(error))

CONFIG = STUDY.model_dump(mode="json")


def one_of(names):
    """As a wildcard constraint; without names it matches no value."""
    return "|".join(map(re.escape, sorted(set(names)))) or "(?!)"


pathvars:
    study=PLANNED.results,


require_one_place(PLANNED.results)


wildcard_constraints:
    network=one_of(PLANNED.networks),
    method=one_of(run.method for run in PLANNED.runs),
    seed=r"\d+",


def code_of(script):
    """The code that counts in a rule's script, as parameters of the rule."""
    return code_params(SCRIPTS / script)


def own_code_of(wildcards):
    """The user's Python file that builds the network of the job, where it is not one of ours."""
    architecture = CONFIG["networks"][wildcards.network]["architecture"]
    return [local(architecture["path"])] if architecture["name"] == "file" else []


def run_of_job(wildcards):
    return Run(wildcards.network, wildcards.method, int(wildcards.seed))


def of_runs(file, runs):
    """The paths of `file` in those of the runs that are of the network of the job."""
    return lambda wildcards: [
        PLANNED.run_file(run, file) for run in runs if run.network == wildcards.network
    ]


def of_networks(paths, networks):
    """The given paths, with the wildcard of the network filled with each of the networks."""
    return collect(paths, network=networks)
