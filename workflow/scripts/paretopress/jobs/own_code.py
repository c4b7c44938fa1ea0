"""A job runs the code that its rule's digest is of, and no copy that is installed beside it.

Snakemake appends the folder of the rules' scripts to sys.path: whatever is installed stands before it.
"""

from importlib.util import find_spec
from pathlib import Path

from ..errors import UserError

PACKAGE = Path(__file__).resolve().parents[1]


def require_own_code(scripts: str | Path, package: Path = PACKAGE) -> None:
    """Raises UserError where `package` is not the one in the folder of the rules' scripts."""
    own = Path(scripts).resolve() / PACKAGE.name
    if not (own.is_dir() and own.samefile(package)):
        raise UserError(
            f"{package} would be used here, another copy of ParetoPress than {own}, which this "
            "study's results are recorded with. Remove the copy (pip uninstall paretopress, or take "
            "its folder out of PYTHONPATH), or install this one in its place: "
            f"pip install --no-deps -e {own.parents[2]}"
        )


def require_own_code_in_jobs(scripts: Path) -> None:
    """The same before the first job, where the jobs run in the environment that Snakemake runs in."""
    spec = find_spec(PACKAGE.name)
    if spec is not None and spec.origin is not None:  # a folder that is no package has no origin
        require_own_code(scripts, Path(spec.origin).resolve().parent)
