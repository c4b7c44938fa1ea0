import os
import re
from pathlib import Path

from workflow.scripts.paretopress.config.dataset import CIFAR10_ARCHIVE
from workflow.scripts.paretopress.digests import folder_digest
from workflow.scripts.paretopress.errors import UserError
from workflow.scripts.paretopress.imports import package_imports
from workflow.scripts.paretopress.validation import read_study

SCRIPTS = Path(workflow.basedir) / "workflow" / "scripts"
NOTHING = "(?!)"  # as a wildcard constraint: matches no value

try:
    STUDY = read_study(config, [os.path.relpath(file) for file in workflow.configfiles])
except UserError as error:
    raise WorkflowError(str(error))

CONFIG = STUDY.model_dump(mode="json")
METHODS = STUDY.methods_by_name()
IMPORTED = [name for name, network in STUDY.networks.items() if network.weights]
TRAINED = [name for name in STUDY.networks if name not in IMPORTED]
RESULTS = f"results/{STUDY.study}"
SAMPLE_SEED = "{seed}" if STUDY.budget.initial_seed is None else str(STUDY.budget.initial_seed)

# By kind of dataset, what is downloaded where the config names no path. Studies share it.
DOWNLOADS = {"cifar10": f"results/downloads/{CIFAR10_ARCHIVE}"}


pathvars:
    study=RESULTS,


wildcard_constraints:
    network="|".join(map(re.escape, STUDY.networks)),
    method="|".join(map(re.escape, METHODS)),
    seed=r"\d+",


def modules_of(script):
    """The package files that a script imports, as inputs of its rule: an edited module reruns what uses it, and nothing else."""
    return [os.path.relpath(path) for path in package_imports(SCRIPTS / script)]


def own_code_of(wildcards):
    """The user's Python file that builds the network of the job, where it is not one of ours."""
    architecture = CONFIG["networks"][wildcards.network]["architecture"]
    return [architecture["path"]] if architecture["name"] == "file" else []


def image_files():
    """Where the images of the study are: the path in its config, or the archive that is downloaded; none for a kind that needs none."""
    if path := CONFIG["dataset"].get("path"):
        return [path]
    return [archive for kind, archive in DOWNLOADS.items() if kind == STUDY.dataset.kind]


def of_every_run(file):
    """The paths of `file` in all runs of the network of the job."""
    return collect(
        "<study>/runs/{network}/{method}/seed-{seed}/{file}",
        method=METHODS,
        seed=STUDY.seeds,
        file=file,
        allow_missing=True,
    )


def of_every_network(paths):
    """The given paths, with the wildcard of the network filled with every network of the study."""
    return collect(paths, network=STUDY.networks)
