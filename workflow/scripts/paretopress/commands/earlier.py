"""The check whether a report is of an earlier state of its study."""

from pathlib import Path

import yaml

from ..config.study import Study
from ..jobs.provenance import Damaged, Record, read_record


def _config_changed(study: Study, results: Path) -> bool:
    """Tell whether the report was written for another config than this one."""
    try:
        written = yaml.safe_load((results / "config.yaml").read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return True
    return bool(written != study.model_dump(mode="json"))


def _record(results: Path, file: Path) -> Record | None:
    try:
        return read_record(results, file)
    except Damaged:
        return None


def _made_again_since(results: Path, report: Path) -> bool:
    """Tell whether a file that the report rests on, directly or not, changed or has no record.

    It reads the records alone. The files can be large.
    """
    seen: set[Path] = set()
    waiting = [report]
    while waiting:
        file = waiting.pop()
        seen.add(file)
        record = _record(results, file)
        if record is None:
            return True
        for source, digest in record.made_from.items():
            path = Path(source)
            if path.is_relative_to(results) and path not in seen:
                now = _record(results, path)
                if now is None or now.sha256 != digest:
                    return True
                waiting.append(path)
    return False


def why_earlier(study: Study, results: Path, open_runs: int) -> str:
    """Tell why the report is of an earlier state of the study.

    Args:
        study: The study as its config asks for it now.
        results: Its folder of results, with a report.html in it.
        open_runs: The number of runs and baselines that are not done.

    Returns:
        The reason in words, or "" if the report is up to date.
    """
    if open_runs:
        return "not all baselines and runs are done"
    if _config_changed(study, results):
        return "its config has other values than this file (--config can give some, too)"
    if _made_again_since(results, results / "report.html"):
        return "results that it rests on were made again since"
    return ""
