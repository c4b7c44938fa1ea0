"""One job of the study: it reads nothing that is damaged, and what it writes says what it was made from."""

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from .logs import job_log
from .provenance import forget, record_files, study_folder, verified


class Named(Protocol):
    """Values with names."""

    def items(self) -> Iterable[tuple[str, Any]]: ...


class Job(Protocol):
    """What a rule gives its script, as far as it is needed here."""

    rule: str
    input: Sequence[str]
    output: Sequence[str]
    log: Sequence[str]
    params: Named
    wildcards: Named


@contextmanager
def job(given: Job, script: str) -> Iterator[logging.Logger]:
    """The logger of a job, whose inputs are checked before it works and whose outputs are recorded after it has.

    script: the file of the script itself. An exception goes to the log, as job_log has it.
    """
    with job_log(given.log[0]) as log:
        study = study_folder(given.log[0])
        forget(study, given.output)
        made_from = verified(study, [*given.input, os.path.relpath(script)])
        yield log
        record_files(
            study,
            given.output,
            given.rule,
            dict(given.wildcards.items()),
            dict(given.params.items()),
            made_from,
        )
