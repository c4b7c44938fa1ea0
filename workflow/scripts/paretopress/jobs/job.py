"""One job of a study: check the files that it reads, and record the origin of those it writes."""

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

# The parameters of a rule with this prefix hold the code that counts, each as "MODULE DIGEST".
CODE = "code "


class Named(Protocol):
    """Values by name, as Snakemake gives them."""

    def items(self) -> Iterable[tuple[str, Any]]:
        """Return the names with their values."""


class Job(Protocol):
    """The attributes of Snakemake's job that are needed here."""

    rule: str
    scriptdir: str
    input: Sequence[str]
    output: Sequence[str]
    log: Sequence[str]
    params: Named
    wildcards: Named


@dataclass(frozen=True)
class Work:
    """A job while it works.

    Attributes:
        log: The log of the job.
        inputs: The SHA-256 of each file that the job reads, by path.
        code: The modules that count in this job, each as "MODULE DIGEST".
    """

    log: logging.Logger
    inputs: Mapping[str, str]
    code: Sequence[str]

    def fingerprint(self, settings: Any, without: Iterable[str] = ()) -> str:
        """Compute a digest of everything that the results of this job depend on.

        It changes with the inputs, the settings, the code that counts, and the versions of the
        packages.

        Args:
            settings: The settings of the job, as plain data.
            without: The paths of inputs that are left out.

        Returns:
            A SHA-256 in hexadecimal digits.
        """
        left_out = set(without)
        digests = [digest for path, digest in self.inputs.items() if path not in left_out]
        told = json.dumps([settings, versions(), self.code, digests], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()

    def journal(self, folder: str, settings: Any, without: Iterable[str] = ()) -> Journal:
        """Open the journal in a folder for the fingerprint of these settings.

        Args:
            folder: The folder of the journal.
            settings: The settings of the job, as plain data.
            without: The paths of inputs that are left out of the fingerprint.

        Returns:
            The journal, which this process has locked.
        """
        return Journal(Path(folder), self.fingerprint(settings, without))


@contextmanager
def job(given: Job) -> Iterator[Work]:
    """Check the code and the inputs of a job before its work, and record its outputs after it.

    Args:
        given: The `snakemake` object of the script.

    Yields:
        The job with its log. An exception in its work goes to this log, see job_log.
    """
    with job_log(given.log[0]) as log:
        require_own_code(given.scriptdir)
        study = study_folder(given.log[0])
        forget(study, given.output)
        inputs = verified(study, given.input)
        params = dict(given.params.items())
        # A set, since all modules that do not count in this job have the same value.
        code = sorted({params.pop(name) for name in list(params) if name.startswith(CODE)})
        yield Work(log, inputs, code)
        wildcards = dict(given.wildcards.items())
        record_files(study, given.output, given.rule, wildcards, params, inputs, code)
