"""Damaged progress files: named, never used, and what was in them is computed again."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cases import cases
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from faults.jobs import BUDGET, EPOCHS, INITIAL, SEARCH, TRAINING, Point, Workplace
from paretopress.jobs.journal import Journal, read_recorded, read_status
from paretopress.networks.checkpoints import Checkpoint

RECORD = {"nonzero_rate": 0.25, "accuracy": 0.1 + 0.2, "seconds": 1e-9}


@pytest.fixture
def journal(tmp_path) -> Callable[[], Journal]:
    """Opens one journal, again and again."""
    return lambda: Journal(tmp_path / "journal", "this job")


def test_a_record_cut_anywhere_or_with_a_bit_of_any_byte_flipped_is_no_record(
    journal, tmp_path, caplog
):
    journal().remember("evaluations", "a", lambda: RECORD)
    path = tmp_path / "journal" / "evaluations" / "a.json"
    whole = path.read_bytes()
    assert json.loads(whole)["content"]["record"] == RECORD, "a person can read it"
    damaged = [whole[:length] for length in range(len(whole))] + [whole + b"\n", whole + whole]
    damaged += [
        whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :] for at in range(len(whole))
    ]
    copy = tmp_path / "copy.json"
    for content in damaged:
        copy.write_bytes(content)
        caplog.clear()
        assert read_recorded(copy) is None, content
        assert f"{copy}: damaged" in caplog.text


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 300,
        b"\xff\xfe",
        json.dumps(RECORD).encode(),
        b"[" * 100_000,
        b'{"sha256": "0", "content": {}}\n',
    ],
    ids=["empty", "zeros", "no text", "of another version", "nested without end", "no digest"],
)
def test_a_record_that_is_something_else_is_named_and_computed_again(
    journal, tmp_path, caplog, content
):
    journal().remember("evaluations", "a", lambda: RECORD | {"accuracy": 0.5})
    path = tmp_path / "journal" / "evaluations" / "a.json"
    path.write_bytes(content)
    assert journal().remember("evaluations", "a", lambda: RECORD) == RECORD
    assert str(path) in caplog.text
    assert journal().remember("evaluations", "a", dict) == RECORD, "it was written again"


@pytest.mark.parametrize(
    "source", [("journal", "b"), ("other", "a")], ids=["of another design", "of another job"]
)
def test_a_record_in_another_ones_place_is_named_and_computed_again(
    journal, tmp_path, caplog, source
):
    Journal(tmp_path / "other", "another job").remember(
        "evaluations", "a", lambda: RECORD | {"accuracy": 0.5}
    )
    journal().remember("evaluations", "b", lambda: RECORD | {"accuracy": 0.6})
    path = tmp_path / "journal" / "evaluations" / "a.json"
    path.write_bytes((tmp_path / source[0] / "evaluations" / f"{source[1]}.json").read_bytes())
    assert journal().remember("evaluations", "a", lambda: RECORD) == RECORD
    assert f"{path}: a record of something else" in caplog.text


def test_a_damaged_fingerprint_costs_no_record(journal, tmp_path, caplog):
    journal().remember("evaluations", "a", lambda: RECORD)
    mark = tmp_path / "journal" / "fingerprint"
    mark.write_bytes(mark.read_bytes()[:-5])
    assert journal().remember("evaluations", "a", dict) == RECORD
    assert f"{mark}: damaged" in caplog.text
    other = Journal(tmp_path / "journal", "another job")
    assert other.remember("evaluations", "a", lambda: {"accuracy": 0.5}) == {"accuracy": 0.5}


def test_a_record_of_another_format_is_named_and_not_used(journal, tmp_path, caplog, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("paretopress.jobs.sealed.FORMAT", 99)
        journal().remember("evaluations", "a", lambda: RECORD)
    assert journal().remember("evaluations", "a", lambda: {"accuracy": 0.5}) == {"accuracy": 0.5}
    assert "a.json: written in format 99" in caplog.text


def test_a_checkpoint_of_another_job_is_not_used(tmp_path, caplog):
    Checkpoint(tmp_path, "this job").save(1, {"epoch": 1})
    assert Checkpoint(tmp_path, "another job").load() is None
    assert "the training does not go on from it" in caplog.text


def test_a_checkpoint_that_cannot_be_read_is_named(tmp_path, caplog):
    (tmp_path / "epoch-000003-abc.pt").mkdir()
    assert Checkpoint(tmp_path, "this job").load() is None
    assert "epoch-000003-abc.pt: damaged, it cannot be read" in caplog.text


@pytest.mark.parametrize("content", [b"", b"{}", b"null", b"\xff", b"[1, 2]"])
def test_a_damaged_status_is_no_status(journal, tmp_path, content):
    journal().report(3, 14)
    assert read_status(tmp_path / "journal").done == 3
    (tmp_path / "journal" / "status.json").write_bytes(content)
    assert read_status(tmp_path / "journal") is None


def test_a_status_of_another_version_is_no_status(journal, tmp_path):
    journal().remember("evaluations", "a", lambda: RECORD)
    whole = (tmp_path / "journal" / "evaluations" / "a.json").read_bytes()
    (tmp_path / "journal" / "status.json").write_bytes(whole)
    assert read_status(tmp_path / "journal") is None


def damage(data: Any, path: Path) -> None:
    """Cuts the file somewhere, or flips one of its bits."""
    content = path.read_bytes()
    # A share and no number of a byte: two runs' files differ in length by the digits of their times.
    at = int(data.draw(st.integers(0, 9999), label="ten-thousandth") / 10_000 * len(content))
    bit = data.draw(st.integers(0, 7), label="bit")
    cut, flipped = content[:at], content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]
    path.write_bytes(cut if data.draw(st.booleans(), label="cut") else flipped)


def epochs(place: Workplace) -> float:
    return place.training_steps() / 4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("job", "made", "wanted", "most"),
    [(SEARCH, Workplace.evaluations, BUDGET - INITIAL, 1), (TRAINING, epochs, EPOCHS, EPOCHS)],
    ids=["search", "training"],
)
def test_a_job_with_a_damaged_progress_file_names_it_and_ends_with_the_same_bytes(
    workplace, job, made, wanted, most
):
    undisturbed = workplace()
    points = undisturbed.points(job, "files")
    assert "damaged" not in undisturbed.log(job)
    died = workplace()
    assert died.start(job, Point("files", points - 1)) == -signal.SIGKILL

    @settings(
        max_examples=cases(8),
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    @given(st.data())
    def damaged(data: Any) -> None:
        place = workplace(died)
        journal = place.folder / job["params"]["journal"]
        files = sorted(
            path.relative_to(journal)
            for path in journal.rglob("*")
            if path.is_file() and path.stat().st_size
        )
        name = data.draw(st.sampled_from(files), label="file")
        damage(data, journal / name)
        for output in (job["log"], *job["output"].values()):  # what a power cut can leave of them
            (place.folder / output).write_text("half a li", encoding="utf-8")
        place.complete(job)
        assert place.outputs(job) == undisturbed.outputs(job)
        assert 0 <= made(place) - wanted <= most
        assert f"{name}: damaged" in place.log(job) or name.name in ("status.json", "finished")

    damaged()
