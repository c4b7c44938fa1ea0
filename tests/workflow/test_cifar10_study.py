"""Real Snakemake runs with CIFAR-10 from a local server, and which changes fetch it again."""

import hashlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from local_server import Server, cut, serving, status, whole
from project import RESULTS, TINY, Project, edit_code
from small_cifar10 import pack, write_batches

from paretopress.dataset.split import load_split

pytestmark = pytest.mark.slow

ARCHIVE = Path("results/downloads/cifar-10-python.tar.gz")
TARGETS = [
    str(RESULTS / "dataset" / f"{name}.safetensors") for name in ("train", "validation", "test")
]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> bytes:
    folder = tmp_path_factory.mktemp("cifar10")
    write_batches(folder)
    return pack(folder).read_bytes()


@pytest.fixture(scope="module")
def server(archive) -> Iterator[Server]:
    with (
        serving({"cut": [cut(archive, 100_000)], "archive": [whole(archive)]}) as started,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("NO_PROXY", "*")
        yield started


def study(server: Server, archive: bytes, **dataset: object) -> dict:
    urls = [server.url(path) for path in ("missing", "cut", "archive")]
    return TINY | {
        "dataset": {"kind": "cifar10", "urls": urls, "checksum": sha256(archive)} | dataset
    }


@pytest.fixture(scope="module")
def downloaded(server, archive, tmp_path_factory) -> Project:
    project = Project(tmp_path_factory.mktemp("downloaded"))
    project.configure(study(server, archive))
    project.complete(2, *TARGETS)
    return project


@pytest.fixture
def project(downloaded, server, archive) -> Iterator[Project]:
    """The project with its data; the config is put back, and nothing may have been fetched in between."""
    fetched = len(server.requests)
    yield downloaded
    downloaded.configure(study(server, archive))
    assert len(server.requests) == fetched


def test_the_archive_is_downloaded_over_all_troubles_and_read(downloaded, server, archive):
    assert server.requests == [("missing", None), ("cut", None), ("archive", "bytes=100000-")]
    assert (downloaded.folder / ARCHIVE).read_bytes() == archive
    assert [len(load_split(downloaded.folder / target)) for target in TARGETS] == [80, 20, 20]
    log = (downloaded.folder / "results/downloads/logs/cifar10.log").read_text(encoding="utf-8")
    for line in (
        "HTTP 404 Not Found",
        "the connection was cut",
        "goes on at 0.1 MB",
        "SHA-256 as wanted",
    ):
        assert line in log


def test_each_network_is_forecast_before_its_searches(project):
    forecast = "results/tiny/baselines/first/forecast.json"
    project.complete(1, forecast)
    log = (project.folder / "results/tiny/logs/forecast/first.log").read_text(encoding="utf-8")
    assert re.search(r"forecast of first: .+ of searches, .+ GB each \(done: 0 of \d+ runs\)", log)
    assert project.to_do(forecast) == []


def test_after_the_download_nothing_is_to_do(project):
    assert project.to_do(*TARGETS) == []


def test_other_addresses_rerun_nothing(project, server, archive):
    project.configure(study(server, archive, urls=[server.url("elsewhere")]))
    assert project.to_do(*TARGETS) == []


def test_an_edited_downloader_reruns_nothing(project):
    path = project.folder / "workflow/scripts/paretopress/dataset/downloads.py"
    before = path.read_text(encoding="utf-8")
    edit_code(project, "workflow/scripts/paretopress/dataset/downloads.py")
    edit_code(project, "workflow/scripts/download_cifar10.py")
    assert project.to_do(*TARGETS) == []
    path.write_text(before, encoding="utf-8")


def test_another_checksum_reruns_download_and_dataset(project, server, archive):
    project.configure(study(server, archive, checksum="0" * 64))
    assert project.to_do(*TARGETS) == ["dataset[]", "download[]"]


def test_another_share_reruns_the_dataset_alone(project, server, archive):
    project.configure(study(server, archive, validation_fraction=0.4))
    assert project.to_do(*TARGETS) == ["dataset[]"]


def test_a_removed_archive_reruns_nothing_while_its_images_are_there(project):
    moved = shutil.move(project.folder / ARCHIVE, project.folder / "moved")
    assert project.to_do(*TARGETS) == []
    shutil.move(moved, project.folder / ARCHIVE)


def test_a_download_that_runs_again_fetches_nothing(project):
    project.complete(1, "--forcerun", "download", "--", *TARGETS)
    assert "was fetched before" in (
        project.folder / "results/downloads/logs/cifar10.log"
    ).read_text(encoding="utf-8")
    assert project.to_do(*TARGETS) == []


def test_a_study_with_another_dataset_has_no_download(project):
    project.configure(TINY)
    assert "download" not in project.rules_to_do()


def test_a_given_archive_is_read_where_it_is(project, server, archive):
    target = "results/given/dataset/test.safetensors"
    shutil.copy(project.folder / ARCHIVE, project.folder / "own.tar.gz")
    project.configure(study(server, archive, path="own.tar.gz") | {"study": "given"})
    assert project.to_do(target) == ["dataset[]"]
    project.complete(1, target)
    assert len(load_split(project.folder / target)) == 20


def test_a_download_that_fails_says_what_to_do(tmp_path, server, archive):
    project = Project(tmp_path)
    with serving({"busy": [status(403)]}) as forbidding:
        project.configure(
            study(server, archive, urls=[server.url("missing"), forbidding.url("busy")])
        )
        failed = project.snakemake("--cores", "1", *TARGETS)
    assert failed.returncode != 0
    said = failed.stdout + failed.stderr
    for part in (
        "missing: HTTP 404",
        "busy: HTTP 403",
        f"about 170 MB, SHA-256 {sha256(archive)}",
        "set dataset.path to its path",
    ):
        assert part in said
        assert part in (tmp_path / "results/downloads/logs/cifar10.log").read_text(encoding="utf-8")
    assert not (tmp_path / ARCHIVE).exists()
