"""The check of every file of a study against the record of its job."""

from pathlib import Path

from ..config.study import Study
from ..errors import UserError
from ..jobs.provenance import damaged_and_outdated, recorded_files
from ..words import counted
from .advice import Advice

NO_ADVICE = Advice()


def show(study: Study, results: Path, advice: Advice = NO_ADVICE) -> str:
    """How many files are as their jobs wrote them, and which are outdated or gone.

    Args:
        study: The study as its config asks for it.
        results: Its folder of results.
        advice: How the study is started here.

    Returns:
        The text to print.

    Raises:
        UserError: Nothing is recorded, or files are damaged. Each of them is named.
    """
    recorded = recorded_files(results)
    if not recorded:
        raise UserError(
            f"{results.absolute()}: nothing is recorded there. Run this in the folder that the "
            f"study ran in, or start it here: {advice.start(results)}"
        )
    files = [file for file in recorded if file.is_file()]
    damaged, outdated = damaged_and_outdated(results, files)
    if damaged:
        raise UserError(advice.made_right("\n".join(damaged)))
    lines = [f"{results}: {counted(len(files), 'file')}, each as its job wrote it"]
    if outdated:
        lines += [
            "Of an earlier config, or not made again yet:",
            *(f"  {line}" for line in outdated),
        ]
    if gone := [str(file) for file in recorded if not file.is_file()]:
        lines.append(
            "Recorded and gone. Snakemake makes one again if a job needs it or it is the target:"
        )
        lines += [f"  {file}" for file in gone]
    return "\n".join(lines)
