import os
import re
from pathlib import Path

from workflow.scripts.paretopress.config.dataset import CIFAR10_ARCHIVE
from workflow.scripts.paretopress.jobs.digests import folder_digest
from workflow.scripts.paretopress.errors import UserError
from workflow.scripts.paretopress.runs.imported import imported_runs
from workflow.scripts.paretopress.imports import package_imports
from workflow.scripts.paretopress.runs.network_rows import IMPORTED as IMPORTED_SPLIT
from workflow.scripts.paretopress.runs.method_names import compared_settings
from workflow.scripts.paretopress.jobs.machine import require_cores
from workflow.scripts.paretopress.config.method_files import method_file
from workflow.scripts.paretopress.config.validation import read_study

SCRIPTS = Path(workflow.basedir) / "workflow" / "scripts"
REPORT = Path(workflow.basedir) / "workflow" / "report"
NOTHING = "(?!)"  # as a wildcard constraint: matches no value

try:
    STUDY = read_study(config, [os.path.relpath(file) for file in workflow.configfiles])
    IMPORTED_RUNS = list(imported_runs(STUDY))
except UserError as error:
    raise WorkflowError(str(error))

CONFIG = STUDY.model_dump(mode="json")
METHODS = STUDY.methods_by_name()
IMPORTED = [name for name, network in STUDY.networks.items() if network.weights]
TRAINED = [name for name in STUDY.networks if name not in IMPORTED]
RESULTS = f"results/{STUDY.study}"
NETWORKS = STUDY.network_names()
OWN_RUNS = [
    (network, method, seed)
    for network in STUDY.networks
    for method in METHODS
    for seed in STUDY.seeds
]
RUNS = [*OWN_RUNS, *IMPORTED_RUNS]
# Networks with surrogate settings to compare; what was imported of a network of the study's own does not count.
FRONT_RUNS = [*OWN_RUNS, *(run for run in IMPORTED_RUNS if run[0] not in STUDY.networks)]
COMPARED = [
    name
    for name in NETWORKS
    if compared_settings(method for network, method, _ in FRONT_RUNS if network == name)
]
STATISTICS = (
    "runs",
    "networks",
    "summary",
    "friedman",
    "ranks",
    "pairwise",
    "factors",
    "levels",
    "level_pairs",
    "costs",
)
TABLE_NETWORKS = {
    name: facts
    for table in STUDY.evaluation_tables.values()
    for name, facts in table.networks.items()
}
CONSTRAINTS = {
    name: (
        CONFIG["constraint"]
        if name in STUDY.networks
        else {"floor": TABLE_NETWORKS[name].threshold, "allowed_drop_points": None}
    )
    for name in NETWORKS
}
SPLITS = {
    name: STUDY.evaluation.split if name in STUDY.networks else IMPORTED_SPLIT for name in NETWORKS
}
JOINED = ("evaluations", "iterations", "timings")
RUN_FILES = ("evaluations.csv", "iterations.csv", "timings.csv", "hypervolume.json")
SEARCHED_ON_SURROGATES = any(family.family == "surrogate" for family in STUDY.methods)
SAMPLE_SEED = "{seed}" if STUDY.budget.initial_seed is None else str(STUDY.budget.initial_seed)

# By kind of dataset, what is downloaded where the config names no path. Studies share it.
DOWNLOADS = {"cifar10": f"results/downloads/{CIFAR10_ARCHIVE}"}


pathvars:
    study=RESULTS,


wildcard_constraints:
    network="|".join(map(re.escape, NETWORKS)),
    method="|".join(sorted({re.escape(method) for _, method, _ in RUNS})),
    seed=r"\d+",


def modules_of(script):
    """The package files that a script imports, as inputs of its rule: an edited module reruns what uses it, and nothing else."""
    return [os.path.relpath(path) for path in package_imports(SCRIPTS / script)]


def method_code_of(wildcards):
    """The file of the job's search method, and what it imports from the package."""
    file = method_file(METHODS[wildcards.method]["implementation"])
    return [os.path.relpath(path) for path in (file, *package_imports(file))]


def own_code_of(wildcards):
    """The user's Python file that builds the network of the job, where it is not one of ours."""
    architecture = CONFIG["networks"][wildcards.network]["architecture"]
    return [architecture["path"]] if architecture["name"] == "file" else []


def image_files():
    """Where the images of the study are: the path in its config, or the archive that is downloaded; none for a kind that needs none."""
    if path := CONFIG["dataset"].get("path"):
        return [path]
    return [archive for kind, archive in DOWNLOADS.items() if kind == STUDY.dataset.kind]


def run_file(run, file):
    """The path of a file of the run (network, method, seed)."""
    network, method, seed = run
    return f"{RESULTS}/runs/{network}/{method}/seed-{seed}/{file}"


def of_every_run(file):
    """The paths of `file` in all runs of the network of the job, imported ones too."""
    return lambda wildcards: [run_file(run, file) for run in RUNS if run[0] == wildcards.network]


def of_front_runs(file):
    """The paths of `file` in the runs whose designs can be on a front of the network of the job: no imported ones of an own network."""
    return lambda wildcards: [
        run_file(run, file) for run in FRONT_RUNS if run[0] == wildcards.network
    ]


def imported_runs_of(wildcards):
    """[method, seed] of the imported runs of the network of the job."""
    return [
        [method, seed] for network, method, seed in IMPORTED_RUNS if network == wildcards.network
    ]


def of_networks(paths, networks):
    """The given paths, with the wildcard of the network filled with each of the networks."""
    return collect(paths, network=networks)


def figures_of(network):
    """The figures that are drawn of a network, by the first part of their file names."""
    figures = ["front", "hypervolume", "convergence", "attainment", "critical-difference"]
    if network in COMPARED:
        figures += [
            "hypervolume-by-objective-metric",
            "hypervolume-by-constraint-metric",
            "best-and-worst",
            "worst-run-front",
        ]
    if network in STUDY.networks:
        figures += ["inference", "time"]
        figures += ["surrogates", "fallbacks"] if SEARCHED_ON_SURROGATES else []
        figures += ["worst-run-inference"] if network in COMPARED else []
    return figures


FIGURES = {network: figures_of(network) for network in NETWORKS}


def timing_cores():
    """The threads of a job that times networks: all there are, on a cluster as many as the networks are timed with."""
    cores = None if workflow.remote_exec else workflow.resource_settings.cores
    return cores or STUDY.inference_time.threads
