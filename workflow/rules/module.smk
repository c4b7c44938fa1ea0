# Where this workflow is a module of another one, much of what Snakemake tells here is that one's: its `basedir`, its config files and,
# once jobs are planned, its `modifier`.
import os
import sys
from pathlib import Path

MODULE = workflow.modifier
SCRIPTS = Path(str(workflow.current_basedir)).parent / "scripts"
REPORT = SCRIPTS.parent / "report"

try:
    from workflow.scripts.paretopress.errors import UserError
    from workflow.scripts.paretopress.jobs.hooks import require_one_copy, require_plain_path
except ImportError as error:
    raise WorkflowError(
        f"The package in {SCRIPTS} cannot be imported ({error}). The Snakefile of a module must be that of a clone on this machine, and "
        "the folder `workflow` of the outer project no Python package: without __init__.py."
    )

try:
    # In an environment of their own, jobs have a Python of their own.
    if not workflow.deployment_settings.deployment_method:
        require_plain_path(sys.executable)
    require_one_copy(SCRIPTS)
except UserError as error:
    raise WorkflowError(str(error))

# Of the config: the files, the name of the module, the config of the outer workflow, which can hold this one as a section.
CONFIG_SOURCES = (
    [os.path.relpath(file) for file in workflow.configfiles],
    MODULE.namespace,
    workflow.modifier_stack[0].globals["config"],
)


def placed(path):
    """A path as Snakemake has it among outputs: there it puts the prefix of a module before it."""
    return MODULE.pathvars.apply(MODULE.path_modifier.replace_prefix(path))


def require_one_place(results):
    """What `prefix` does is done here to what is no output, too; what else can move outputs is refused."""
    if placed("<study>") != placed(results):
        raise WorkflowError(
            f"Module {MODULE.namespace}: its files would be in {placed('<study>')} and {placed(results)}, by replace_prefix or a pathvar "
            "`study` of another workflow. Allowed: neither of them, and `prefix` to have all in another folder."
        )
