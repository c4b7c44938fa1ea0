"""Jobs record what their outputs were made from, and read nothing that is not what its own job wrote."""

import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from damage import DAMAGES, POSITIONS, damaged, replaced
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paretopress.imports import PACKAGE
from paretopress.jobs.digests import content_digest
from paretopress.jobs.job import job
from paretopress.jobs.provenance import (
    Damaged,
    read_verified,
    record_path,
    recorded_files,
    study_folder,
    verified,
)
from paretopress.jobs.sealed import unsealed

STUDY = Path("results/small")
WEIGHTS, METRICS, FRONT = (
    STUDY / name for name in ("baselines/a/weights.bin", "baselines/a/metrics.json", "fronts/a.csv")
)


class Values(dict):
    """The named values of a rule, as Snakemake gives them: also by attribute."""

    __getattr__ = dict.__getitem__


def rule(name: str, inputs: list, outputs: list, **params) -> SimpleNamespace:
    return SimpleNamespace(
        rule=name,
        scriptdir=str(PACKAGE.parent),
        input=list(map(str, inputs)),
        output=list(map(str, outputs)),
        log=[str(STUDY / "logs" / f"{name}.log")],
        params=Values(params),
        wildcards=Values(network="a"),
    )


TRAIN = rule("train", ["images.bin", "code.py"], [WEIGHTS], epochs=3)
MEASURE = rule("measure", [WEIGHTS, "code.py"], [METRICS])
JOIN = rule(
    "join",
    [WEIGHTS, METRICS, "code.py"],
    [FRONT],
    constraint={"floor": 0.5},
    **{
        "code jobs": "jobs format 1",
        "code tables.py": "tables.py 0123",
        "code b.py": "jobs format 1",
    },
)
TEXTS = {
    WEIGHTS: b"\x00\x01\x02\x03" * 20,
    METRICS: b'{"accuracy": 0.75}\n',
    FRONT: b"design_id,accuracy\nabc,0.7\n",
}


def run(given_rule: SimpleNamespace, texts: dict[Path, bytes] = TEXTS) -> None:
    with job(given_rule):
        for path in map(Path, given_rule.output):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(texts[path])


@pytest.fixture
def study(tmp_path, monkeypatch) -> None:
    """The working directory is a folder in which two of three jobs are done."""
    monkeypatch.chdir(tmp_path)
    for name in ("images.bin", "code.py"):
        Path(name).write_text(f"the content of {name}")
    run(TRAIN)
    run(MEASURE)


def record(file: Path) -> dict:
    return unsealed(record_path(STUDY, file).read_bytes())


def refused(given_rule: SimpleNamespace) -> str:
    """Why the job does not begin, as its log says it."""
    with pytest.raises(SystemExit), job(given_rule):
        raise AssertionError("the job has begun")
    return Path(given_rule.log[0]).read_text()


def test_no_job_begins_with_another_copy_of_the_package_than_its_rules(study):
    made = record(METRICS)
    elsewhere = rule("measure", [WEIGHTS, "code.py"], [METRICS])
    elsewhere.scriptdir = str(Path("checkout/workflow/scripts").absolute())
    (Path(elsewhere.scriptdir) / "paretopress").mkdir(parents=True)
    told = refused(elsewhere)
    assert f"{PACKAGE} would be used here" in told
    assert f"than {elsewhere.scriptdir}/paretopress," in told
    assert record(METRICS) == made


def test_a_record_says_what_a_file_was_made_from(study):
    run(JOIN)
    made = record(FRONT)
    assert made["sha256"] == content_digest(FRONT)
    assert made["bytes"] == len(TEXTS[FRONT])
    assert (made["rule"], made["wildcards"], made["params"]) == (
        "join",
        {"network": "a"},
        {"constraint": {"floor": 0.5}},
    )
    assert made["made_from"] == {
        str(path): content_digest(Path(path)) for path in (WEIGHTS, METRICS, "code.py")
    }
    assert made["code"] == ["jobs format 1", "tables.py 0123"]
    assert {"Python", "pandas"} <= set(made["versions"])
    assert list(recorded_files(STUDY)) == sorted([WEIGHTS, METRICS, FRONT])


def test_a_journal_is_known_by_inputs_settings_and_the_code_that_counts(study):
    def fingerprint(settings: dict, code: str = "0123", **files: str) -> str:
        Path("images.bin").write_text(files.get("images", "the content of images.bin"))
        given = rule("search", ["images.bin", "code.py"], [FRONT], **{"code a.py": f"a.py {code}"})
        with job(given) as work:
            FRONT.parent.mkdir(parents=True, exist_ok=True)
            FRONT.write_bytes(TEXTS[FRONT])
        return work.fingerprint(settings, without=["code.py"])

    known = fingerprint({"seed": 1})
    assert fingerprint({"seed": 1}) == known
    Path("code.py").write_text("an input that is left out")
    assert fingerprint({"seed": 1}) == known
    others = [
        fingerprint({"seed": 2}),
        fingerprint({"seed": 1}, code="4567"),
        fingerprint({"seed": 1}, images="other images"),
    ]
    assert len({known, *others}) == 4


def test_equal_jobs_leave_equal_records(study):
    before = {file: record_path(STUDY, file).read_bytes() for file in (WEIGHTS, METRICS)}
    shutil.rmtree(STUDY)
    run(TRAIN)
    run(MEASURE)
    assert {file: record_path(STUDY, file).read_bytes() for file in before} == before


@given(
    st.sampled_from([WEIGHTS, METRICS]), st.booleans(), st.sampled_from(sorted(DAMAGES)), POSITIONS
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_job_begins_on_a_damaged_file_or_record(study, file, of_record, kind, position):
    target = record_path(STUDY, file) if of_record else file
    with replaced(target, damaged(target.read_bytes(), kind, position)):
        message = refused(JOIN)
    assert str(target) in message
    assert f"Remove {file}" in message
    assert set(verified(STUDY, JOIN.input)) == set(JOIN.input), "what is put back is whole"


def test_a_file_without_a_record_is_refused(study):
    record_path(STUDY, METRICS).unlink()
    assert "metrics.json.json: no such file, so that nobody can tell whether" in refused(JOIN)


@pytest.mark.parametrize("with_record", [False, True])
def test_the_file_of_another_job_is_refused(study, with_record):
    shutil.copy(WEIGHTS, METRICS)
    if with_record:
        shutil.copy(record_path(STUDY, WEIGHTS), record_path(STUDY, METRICS))
    message = refused(JOIN)
    assert str(METRICS) in message
    assert (
        "the record of baselines/a/weights.bin" in message
        if with_record
        else "not what rule measure wrote" in message
    )


@pytest.mark.parametrize(
    "reader", [JOIN, rule("late", [METRICS, "code.py"], [FRONT])], ids=["both", "the later one"]
)
def test_files_that_were_not_made_from_one_another_are_refused(study, reader):
    run(TRAIN, {WEIGHTS: b"other weights"})
    message = refused(reader)
    assert f"{METRICS}: made from another {WEIGHTS} than lies there now" in message
    run(MEASURE)
    run(JOIN)


def test_times_that_were_measured_again_are_no_reason_to_refuse_what_was_made_from_the_first(study):
    timings = STUDY / "designs/a/seed-1.timings.csv"
    sample, search = rule("sample", ["code.py"], [timings]), rule("search", [timings], [FRONT])
    texts = {**TEXTS, timings: b"evaluation,seconds\n1,0.25\n"}
    run(sample, texts)
    run(search)
    run(sample, {timings: b"evaluation,seconds\n1,0.5\n"})
    verified(STUDY, [str(timings), str(FRONT)])


def test_a_damaged_file_is_not_blamed_on_what_was_made_from_it(study):
    WEIGHTS.write_bytes(b"other weights")
    assert "made from another" not in refused(JOIN)


def test_every_damaged_file_is_named_at_once(study):
    for file in (WEIGHTS, METRICS):
        file.write_bytes(b"")
    message = refused(JOIN)
    assert str(WEIGHTS) in message
    assert str(METRICS) in message


def test_a_job_that_fails_leaves_no_record(study):
    run(JOIN)
    with pytest.raises(KeyError):
        run(JOIN, {})
    with pytest.raises(Damaged, match="no such file"):
        read_verified(STUDY, FRONT)


def test_what_the_user_gives_needs_no_record_and_is_known_by_its_digest(study):
    Path("images.bin").write_bytes(b"other images")
    run(TRAIN)
    assert record(WEIGHTS)["made_from"]["images.bin"] == content_digest(Path("images.bin"))
    other = Path("results/other/weights.bin")
    other.parent.mkdir()
    other.write_bytes(b"of another study, given as a file of weights")
    run(rule("train", [other], [WEIGHTS]))


def test_the_digest_of_a_folder_is_that_of_its_names_and_contents(tmp_path):
    (tmp_path / "train" / "cat").mkdir(parents=True)
    image = tmp_path / "train" / "cat" / "1.png"
    image.write_bytes(b"cat")
    first = content_digest(tmp_path)
    image.write_bytes(b"car")
    second = content_digest(tmp_path)
    image.rename(image.with_name("2.png"))
    third = content_digest(tmp_path)
    (image.parent / os.fsdecode(b"n\xe4me.png")).write_bytes(b"its name is no UTF-8")
    assert len({first, second, third, content_digest(tmp_path)}) == 4


@pytest.mark.parametrize(
    ("log", "study"),
    [
        ("results/tiny/logs/report.log", "results/tiny"),
        ("results/logs/logs/runs/results/logs/seed-1.log", "results/logs"),
        ("results/tiny/logs/results/small/logs/dataset.log", "results/tiny/logs/results/small"),
        ("/data/results/a/results/small/logs/dataset.log", "/data/results/a/results/small"),
    ],
)
def test_the_study_of_a_log_is_found_under_any_prefix(log, study):
    assert study_folder(log) == Path(study)
