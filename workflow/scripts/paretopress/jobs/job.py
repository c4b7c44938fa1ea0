"""One job of the study: it reads nothing that is damaged, and what it writes says what it was made from."""

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from .journal import Journal
from .logs import job_log
from .own_code import require_own_code
from .provenance import forget, record_files, study_folder, verified
from .versions import versions

# Parameters whose names begin so are the code that counts, each as "MODULE DIGEST".
CODE = "code "


class Named(Protocol):
    """Values with names."""

    def items(self) -> Iterable[tuple[str, Any]]: ...


class Job(Protocol):
    """What a rule gives its script, as far as it is needed here."""

    rule: str
    scriptdir: str
    input: Sequence[str]
    output: Sequence[str]
    log: Sequence[str]
    params: Named
    wildcards: Named


@dataclass(frozen=True)
class Work:
    """A job that is being done.

    inputs: the SHA-256 of each file that it reads, by path. code: digests of the code that counts.
    """

    log: logging.Logger
    inputs: Mapping[str, str]
    code: Sequence[str]

    def fingerprint(self, settings: Any, without: Iterable[str] = ()) -> str:
        """Changes with any input but those `without`, any setting (plain data), the code, and the
        versions that numbers come from."""
        left_out = set(without)
        digests = [digest for path, digest in self.inputs.items() if path not in left_out]
        told = json.dumps([settings, versions(), self.code, digests], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()

    def journal(self, folder: str, settings: Any, without: Iterable[str] = ()) -> Journal:
        """The journal in `folder` of what is known by this fingerprint."""
        return Journal(Path(folder), self.fingerprint(settings, without))


@contextmanager
def job(given: Job) -> Iterator[Work]:
    """A job whose code and inputs are checked before it works, and whose outputs are recorded after
    it has.

    An exception goes to the log, as job_log has it.
    """
    with job_log(given.log[0]) as log:
        require_own_code(given.scriptdir)
        study = study_folder(given.log[0])
        forget(study, given.output)
        inputs = verified(study, given.input)
        params = dict(given.params.items())
        # Each once: modules that do not count in this job say what another one says.
        code = sorted({params.pop(name) for name in list(params) if name.startswith(CODE)})
        yield Work(log, inputs, code)
        wildcards = dict(given.wildcards.items())
        record_files(study, given.output, given.rule, wildcards, params, inputs, code)
