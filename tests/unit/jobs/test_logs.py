"""What Snakemake shows on the terminal while a study runs, by its own handler: a line for each job, and errors in full."""

import io
import logging

import pytest
from snakemake.logging import ColorizingTextHandler, DefaultFilter, DefaultFormatter
from snakemake_interface_logger_plugins.common import LogEvent

from paretopress.jobs.logs import BEGINS, PROGRESS, TERMINAL, shorten


@pytest.fixture
def at() -> str:
    return BEGINS


@pytest.fixture
def shown(at):
    """A function that logs records as Snakemake does, and returns what each of its handlers shows."""
    logger = logging.getLogger("as Snakemake's")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    streams = {TERMINAL: io.StringIO(), "DefaultLogFileHandler": io.StringIO()}
    for name, stream in streams.items():
        handler = ColorizingTextHandler(
            stream=stream,
            formatter=DefaultFormatter(show_failed_logs=True),
            filter=DefaultFilter(None, False, False, False, False),
        )
        handler.name = name
        logger.addHandler(handler)
    shorten(logger.handlers, at, total=12)

    def show(*records: tuple[str | None, dict]) -> dict[str, str]:
        for message, told in records:
            logger.info(message, extra=told)
        return {name: stream.getvalue() for name, stream in streams.items()}

    yield show
    logger.handlers.clear()


def job(rule: str, indent: bool = False, **wildcards: str) -> tuple[str, dict]:
    none = dict.fromkeys(("rule_msg", "benchmark"))
    files = {"input": ["in.csv"], "output": ["out.csv"], "log": ["out.log"]}
    others = {"jobid": 3, "local": True, "is_checkpoint": False, "reason": "Missing output files"}
    told = {"rule_name": rule, "wildcards": wildcards, "indent": indent, "resources": {}}
    told |= {"event": LogEvent.JOB_INFO, "priority": 0, "threads": 1}
    return f"Rule: {rule}", told | none | files | others


def done(count: int) -> tuple[str | None, dict]:
    return None, {"event": LogEvent.PROGRESS, "done": count, "total": 12}


OTHERS = (
    ("Select jobs to execute...", {}),
    ("Execute 1 jobs...", {"event": LogEvent.JOB_STARTED, "jobs": [3]}),
    ("Finished jobid: 3 (Rule: search)", {"event": LogEvent.JOB_FINISHED, "job_id": 3}),
)


def test_each_job_is_a_line_on_the_terminal_and_a_block_in_the_log_file(shown):
    both = shown(
        job("dataset"), *OTHERS, done(9), job("search", network="n", method="random", seed="1"),
        *OTHERS, done(12),
    )  # fmt: skip
    lines = [line for line in both[TERMINAL].splitlines() if line]
    assert [line.split("  ", 1)[-1].strip() for line in lines] == [
        "0 of 12 done, next: dataset",
        "9 of 12 done, next: search network=n method=random seed=1",
        "12 of 12 steps (100%) done",
    ]
    whole = both["DefaultLogFileHandler"]
    for text in ("output: out.csv", "Execute 1 jobs", "Finished jobid: 3", "9 of 12 steps (75%)"):
        assert text in whole
        assert text not in both[TERMINAL]


@pytest.mark.parametrize("at", [PROGRESS])
def test_a_job_elsewhere_has_its_line_when_it_has_ended(shown):
    first = job("search", seed="1")
    second = job("search", seed="2")
    second[1]["jobid"] = 4
    _, ended = OTHERS[-1]
    text = shown(first, second, *OTHERS, done(9), ("Finished", ended | {"job_id": 4}), done(12))
    assert [line.split("  ", 1)[-1].strip() for line in text[TERMINAL].splitlines() if line] == [
        "9 of 12 done, search seed=1",
        "12 of 12 done, search seed=2",
    ]


@pytest.mark.parametrize("at", [BEGINS, PROGRESS])
def test_a_job_that_was_never_told_to_begin_ends_all_the_same(shown, at):
    text = shown(*OTHERS, done(9))[TERMINAL]
    assert ("9 of 12 done, Finished jobid: 3 (Rule: search)" in text) == (at == PROGRESS)


def test_an_error_is_shown_in_full_and_so_is_anything_else(shown, tmp_path):
    log = tmp_path / "out.log"
    log.write_text("what went wrong\n")
    _, told = job("search")
    error = told | {
        "event": LogEvent.JOB_ERROR, "log": [str(log)], "aux": {}, "conda_env": None,
        "shellcmd": None,
    }  # fmt: skip
    terminal = shown(("an error", error), ("The jobs of SLURM.", {}))[TERMINAL]
    assert "Error in rule search:" in terminal
    assert "what went wrong" in terminal
    assert "The jobs of SLURM." in terminal


def test_the_jobs_of_a_group_are_indented(shown):
    assert shown(job("hypervolume", indent=True, seed="1"))[TERMINAL].startswith("\n    ")
