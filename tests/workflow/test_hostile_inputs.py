"""Hostile input through real Snakemake: refused with its key or made harmless, and nothing written outside the study's folder."""

import io
import tarfile
from pathlib import Path

import pytest
from PIL import Image
from test_pipeline import TINY, Project

pytestmark = pytest.mark.slow

IMAGES = TINY | {"dataset": {"kind": "folder", "path": "images.tar.gz", "validation_fraction": 0.5}}
DATASET = "results/tiny/dataset/train.safetensors"
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 20)
)


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    return Project(tmp_path_factory.mktemp("parent") / "project")


def listing(project: Project) -> dict[str, int]:
    """Every file of the project and of the folder that it lies in, with its time, but what Snakemake notes for itself."""
    return {
        str(path.relative_to(project.folder.parent)): path.stat().st_mtime_ns
        for path in project.folder.parent.rglob("*")
        if path.is_file() and not {".snakemake", "__pycache__"} & set(path.parts)
    }


def refusal(project: Project, *arguments: str) -> str:
    """What Snakemake says; fails where it did not refuse, or something changed."""
    before = listing(project)
    done = project.snakemake("--cores", "1", *arguments)
    said = done.stderr + done.stdout
    assert done.returncode != 0
    assert "Traceback" not in said
    assert listing(project) == before
    return said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("study: !!python/object/apply:os.mkdir [../ran]\n", "not valid JSON or YAML"),
        ("study: !!python/name:os.mkdir\n", "study"),
        (BOMB, "more than 100,000 values, aliases filled in"),
        ("study: &a [*a]\n", "without end"),
    ],
    ids=["tag", "name", "aliases", "itself"],
)
def test_a_hostile_file_is_refused(project, text, said):
    (project.folder / "tiny.yaml").write_text(text, encoding="utf-8")
    assert said in refusal(project)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("study=../outside", "study = '../outside': not allowed"),
        ("study=", "study"),
        ("networks={'../a': {architecture: {name: vgg16_slim}}}", "the name '../a': not allowed"),
        ("networks={'{x}': {architecture: {name: vgg16_slim}}}", "the name '{x}': not allowed"),
        ("dataset={kind: folder, path: 'a{x}.zip'}", "dataset.path = 'a{x}.zip'"),
    ],
)
def test_a_hostile_value_on_the_command_line_is_refused(project, config, said):
    project.configure(TINY)
    assert said in refusal(project, "--config", config)


def image(color: int) -> bytes:
    file = io.BytesIO()
    Image.new("L", (32, 32), color).save(file, "PNG")
    return file.getvalue()


def pack(project: Project, classes: list[str], *more: str) -> None:
    """An archive of two images of each class for each split, and of files with the names of `more`."""
    names = [
        f"{split}/{name}/{number}.png"
        for split in ("train", "test")
        for name in classes
        for number in range(4)
    ]
    with tarfile.open(project.folder / "images.tar.gz", "w:gz") as tar:
        for number, name in enumerate([*names, *more]):
            member, content = tarfile.TarInfo(name), image(number)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    project.configure(IMAGES)


def test_an_archive_that_leads_elsewhere_is_refused_by_its_job(project):
    pack(project, ["a", "b"], "../../../outside.png")
    before = listing(project)
    done = project.snakemake("--cores", "1", DATASET)
    assert done.returncode != 0
    assert (
        "the member '../../../outside.png' would be written outside the target folder. Nothing was unpacked"
        in done.stderr
    )
    new = set(listing(project)) - set(before)
    assert new
    assert all(path.startswith("project/results/tiny/logs/") for path in new), new


def test_classes_of_odd_names_are_read_by_their_job(project):
    pack(project, ["<script>", "=1+1", "{x}", "é ' \"", "-rf"])
    before = listing(project)
    project.complete(1, DATASET)
    assert all(
        path.startswith("project/results/tiny/") for path in set(listing(project)) - set(before)
    )


def test_a_config_shown_by_make_status_runs_nothing(project):
    """`make status` reads a config with its own reader, which says where the mistake is."""
    (project.folder / "tiny.yaml").write_text(
        "study: tiny\nseeds: !!python/object/apply:os.mkdir [ran]\n", encoding="utf-8"
    )
    done = project.command("status")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "line 2" in done.stderr
    assert not Path(project.folder / "ran").exists()
