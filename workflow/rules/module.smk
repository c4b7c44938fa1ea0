# If this workflow is a module of another one, several of Snakemake's values here are those of the
# outer workflow: `basedir`, the config files and, once jobs are planned, `modifier`.
import os
import sys
from pathlib import Path

# The order of a set of texts, by which a user's file may build its network, is that of each job.
os.environ.setdefault("PYTHONHASHSEED", "0")

MODULE = workflow.modifier
SCRIPTS = Path(str(workflow.current_basedir)).parent / "scripts"
REPORT = SCRIPTS.parent / "report"

try:
    from workflow.scripts.paretopress.errors import UserError
    from workflow.scripts.paretopress.jobs.hooks import require_plain_path
    from workflow.scripts.paretopress.jobs.own_code import require_one_copy
except ImportError as error:
    raise WorkflowError(
        f"The package in {SCRIPTS} cannot be imported ({error}). The Snakefile of a module must be "
        "that of a clone on this machine, and the folder `workflow` of the outer project no Python "
        "package: without __init__.py."
    )

try:
    # Jobs in an environment of their own do not use this Python.
    if not workflow.deployment_settings.deployment_method:
        require_plain_path(sys.executable)
    require_one_copy(SCRIPTS)
except UserError as error:
    raise WorkflowError(str(error))

# The sources of the config: the config files, the name of the module, and the config of the outer
# workflow, of which a section can be the config of this one.
CONFIG_SOURCES = (
    [os.path.relpath(file) for file in workflow.configfiles],
    MODULE.namespace,
    workflow.modifier_stack[0].globals["config"],
)


def placed(path):
    """A path as Snakemake changes it among the outputs of a module: with the module's prefix."""
    return MODULE.pathvars.apply(MODULE.path_modifier.replace_prefix(path))


def require_one_place(results):
    """Refuse a module whose outputs are moved by anything but `prefix`.

    `placed` applies `prefix` to the paths that are no outputs. It cannot follow the other ways.
    """
    if placed("<study>") != placed(results):
        raise WorkflowError(
            f"Module {MODULE.namespace}: its files would be in {placed('<study>')} and "
            f"{placed(results)}, by replace_prefix or a pathvar `study` of another workflow. "
            "Allowed: neither of them, and `prefix` to have all in another folder."
        )
