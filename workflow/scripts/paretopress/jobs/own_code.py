"""Check that a study runs its own copy of this package and no other one.

A study's results are recorded with the code beside its rules. Snakemake appends the folder of the
rules' scripts to sys.path, so that an installed copy would be imported before it.
"""

from importlib.util import find_spec
from pathlib import Path

from ..errors import UserError

PACKAGE = Path(__file__).resolve().parents[1]


def _own_copy(scripts: str | Path) -> Path:
    return Path(scripts).resolve() / PACKAGE.name


def _require_same(own: Path, package: Path, problem: str) -> None:
    """Raise a UserError with the text `problem` if two folders are not the same copy."""
    if not (own.is_dir() and own.samefile(package)):
        raise UserError(problem)


def require_own_code(scripts: str | Path, package: Path = PACKAGE) -> None:
    """Check that a job runs the copy of this package beside its rules' scripts.

    Args:
        scripts: The folder of the rules' scripts.
        package: The folder of the copy that the job runs, by default the running one.

    Raises:
        UserError: They are different copies.
    """
    own = _own_copy(scripts)
    _require_same(
        own,
        package,
        f"{package} would be used here, another copy of ParetoPress than {own}, which this "
        "study's results are recorded with. Remove the copy (pip uninstall paretopress, or take "
        "its folder out of PYTHONPATH), or install this one in its place: "
        f"pip install --no-deps -e {own.parents[2]}",
    )


def require_own_code_in_jobs(scripts: Path) -> None:
    """Check the copy that jobs would import, before the first job.

    Call it only if the jobs run in the environment of Snakemake.

    Args:
        scripts: The folder of the rules' scripts.

    Raises:
        UserError: The jobs would import another copy.
    """
    spec = find_spec(PACKAGE.name)
    if spec is not None and spec.origin is not None:  # A folder that is no package has no origin.
        require_own_code(scripts, Path(spec.origin).resolve().parent)


def require_one_copy(scripts: Path) -> None:
    """Check that all modules of a workflow are of one copy of ParetoPress.

    Args:
        scripts: The folder of the rules' scripts in the copy of a module.

    Raises:
        UserError: Another copy has been imported, by the rules of another module.
    """
    own = _own_copy(scripts)
    _require_same(
        own,
        PACKAGE,
        f"Two copies of ParetoPress in one workflow: {PACKAGE.parents[2]} and {own.parents[2]}. "
        "Allowed: several modules of one copy.",
    )
