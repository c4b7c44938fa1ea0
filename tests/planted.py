"""Plants the faults of tests/planted.toml, one by one, and shows that a test catches each: python tests/planted.py [--list] [PART ...]

A part is a number, or words of a promise, a file or a test.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from paths import ROOT, SHARED

FAULTS = Path(__file__).parent / "planted.toml"
LIMIT = 1800.0  # seconds for a test; a fault that has it wait for ever is not caught
SECONDS_TO_END = 60.0
FAILED = 1  # what pytest ends with where a test failed; with more where it could not run them


@dataclass(frozen=True)
class Fault:
    """One slip in one file of the project.

    promise: what it breaks: promises by the words that are bold in docs/trust.md, results by their paths in docs/outputs.md.
    line: what stands once in the file; fault: what takes its place. test: what fails then, as pytest names it.
    """

    promise: tuple[str, ...]
    file: str
    line: str
    fault: str
    test: str

    def __str__(self) -> str:
        return f"{', '.join(self.promise)}: {self.file}"


def faults() -> list[Fault]:
    entries = tomllib.loads(FAULTS.read_text(encoding="utf-8"))["fault"]
    return [Fault(**{**entry, "promise": tuple(entry["promise"])}) for entry in entries]


def chosen(parts: Iterable[str]) -> dict[int, Fault]:
    """The faults by number, from 1; without parts, all."""
    wanted = [part.lower() for part in parts]

    def named(number: int, fault: Fault) -> bool:
        told = f"{fault} {fault.test}".lower()
        return any(part == str(number) if part.isdecimal() else part in told for part in wanted)

    numbered = dict(enumerate(faults(), start=1))
    return {
        number: fault for number, fault in numbered.items() if not wanted or named(number, fault)
    }


def copied(folder: Path) -> Path:
    """A copy of the project, with the development data beside it."""
    listing = ["git", "ls-files", "-z", "-co", "--exclude-standard"]
    listed = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True)
    copy = folder / "project"
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    # The tests ask git for the project's files too.
    subprocess.run(["git", "init", "--quiet"], cwd=copy, check=True)
    if SHARED.is_dir():
        (folder / SHARED.parent.name).symlink_to(SHARED.parent.resolve())
    return copy


def tested(copy: Path, *tests: str) -> tuple[int | None, str]:
    """What pytest ends with, None where it ran out of time, and what it says. It is ended with all that it started."""
    limit = LIMIT * (3 if len(tests) > 1 else 1)
    options = ["-x", "-rfps", "-p", "no:cacheprovider", "-n", "0"]
    pytest = subprocess.Popen(
        [sys.executable, "-m", "pytest", *options, *tests],
        cwd=copy,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = pytest.communicate(timeout=limit)
        return pytest.returncode, said
    except subprocess.TimeoutExpired:
        return None, f"no end after {limit:g} s\n"
    finally:
        if pytest.poll() is None:
            pytest.send_signal(signal.SIGINT)  # so that it ends what its fixtures have started
            with suppress(subprocess.TimeoutExpired):
                pytest.communicate(timeout=SECONDS_TO_END)
        with suppress(ProcessLookupError):
            os.killpg(pytest.pid, signal.SIGKILL)
        pytest.wait()


def has(outcome: str, test: str, said: str) -> bool:
    """Whether the test, or one of its cases, stands with that outcome in pytest's summary."""
    told = f"{outcome} {test}"
    begins = (f"{told}[", f"{told} - ")
    return any(line == told or line.startswith(begins) for line in said.splitlines())


def passing(tests: list[str]) -> str:
    """Runs the tests without a fault; why they show nothing, empty where each has passed."""
    with tempfile.TemporaryDirectory() as folder:
        code, said = tested(copied(Path(folder)), *tests)
    never = [test for test in tests if not has("PASSED", test, said)]
    return f"{said[-3000:]}\nnot passed, or skipped: {', '.join(never)}" if code or never else ""


def is_caught(fault: Fault) -> tuple[bool, str]:
    """Whether the test fails with the fault, and what pytest says."""
    with tempfile.TemporaryDirectory() as folder:
        copy = copied(Path(folder))
        file = copy / fault.file
        text = file.read_text(encoding="utf-8")
        assert text.count(fault.line) == 1, (
            f"{fault}: the line stands there {text.count(fault.line)} times"
        )
        file.write_text(text.replace(fault.line, fault.fault), encoding="utf-8")
        code, said = tested(copy, fault.test)
    return code == FAILED and has("FAILED", fault.test, said), said


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help="a number, or words; all without")
    parser.add_argument("--list", action="store_true", help="say which there are, and run nothing")
    given = parser.parse_args()
    planted = chosen(given.parts)
    if given.list or not planted:
        print(
            *(f"{number:2} {fault} -> {fault.test}" for number, fault in planted.items()), sep="\n"
        )
        return int(not planted)
    start = time.monotonic()
    if why := passing(sorted({fault.test for fault in planted.values()})):
        print(f"Without a fault, too, the tests do not all pass:\n{why}")
        return 1
    print(f"Without a fault all tests pass ({time.monotonic() - start:.0f} s)", flush=True)
    count = 0
    for number, fault in planted.items():
        start = time.monotonic()
        caught, said = is_caught(fault)
        count += caught
        state, spent = "caught" if caught else "NOT CAUGHT", time.monotonic() - start
        print(f"{number:2} {fault}: {state}, {spent:.0f} s", flush=True)
        if not caught:
            print(said[-2000:], flush=True)
    print(f"{count} of {len(planted)} caught")
    return int(count < len(planted))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("interrupted")
