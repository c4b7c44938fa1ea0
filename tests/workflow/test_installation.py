"""The command and the library as they are installed, and no study that runs an installed copy instead of its own code."""

import os
import re
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from paths import ROOT
from project import RESULTS, Project, without_make

from paretopress.__main__ import DOCUMENTS, OF_A_STUDY, main
from paretopress.imports import PACKAGE

IMAGES = f"{RESULTS}/dataset/test.safetensors"


def output_of(*command: object, folder: Path, **environment: str) -> str:
    """Without PYTHONPATH, in which pytest's own may stand."""
    known = {name: value for name, value in without_make().items() if name != "PYTHONPATH"}
    done = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env=known | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> Path:
    """The bin folder of an environment of one's own, which has the packages of the one that runs the tests."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    own = sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)})
    (Path(own) / "packages.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return folder / "bin"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Project:
    return Project(tmp_path_factory.mktemp("checkout"))


def install(environment: Path, *what: str, folder: Path) -> None:
    offline = ("--no-deps", "--no-build-isolation", "--no-index", "--quiet")
    output_of(environment / "python", "-m", "pip", "install", *offline, *what, folder=folder)


def refusal(project: Project, *arguments: str) -> str:
    refused = project.snakemake("--cores", "1", IMAGES, *arguments)
    assert refused.returncode == 1
    assert not (project.folder / RESULTS / "dataset").exists()
    return refused.stdout + refused.stderr


@pytest.mark.slow
def test_an_installed_copy_is_the_library_and_the_command_and_never_runs_in_a_study(
    environment, checkout, tmp_path, monkeypatch
):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    copied = Project.copy(checkout.folder, tmp_path / "copied")
    install(environment, ".", folder=copied.folder)

    library = output_of(
        environment / "python", "-c", "import paretopress as p; print(p.__file__)", folder=tmp_path
    )
    installed = Path(library.strip()).parent
    assert installed.is_relative_to(environment.parent.resolve())
    files = {path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py")}
    assert {path.relative_to(installed) for path in installed.rglob("*.py")} == files
    told = output_of(environment / "paretopress", "--help", folder=tmp_path)
    assert "example: paretopress status --configfile" in told

    # The installed copy is stale: it is of the checkout as it was.
    monkeypatch.setattr(checkout, "python", str(environment / "python"))
    own = checkout.folder / "workflow" / "scripts" / "paretopress"
    before_the_first_job = refusal(checkout)
    assert not (checkout.folder / RESULTS / "logs" / "dataset.log").exists()
    # Where jobs can have environments of their own, each of them looks for itself.
    in_the_job = refusal(checkout, "--sdm", "env-modules")
    assert (checkout.folder / RESULTS / "logs" / "dataset.log").exists()
    for told in (before_the_first_job, in_the_job):
        assert f"{installed} would be used here, another copy of ParetoPress than {own}," in told
        assert f"pip install --no-deps -e {checkout.folder}" in told

    install(environment, "-e", str(checkout.folder), folder=tmp_path)
    checkout.complete(1, IMAGES)
    study = ("--configfile", "tiny.yaml")
    for tied in (("paretopress",), ("python", "-m", "paretopress")):
        command = [environment / tied[0], *tied[1:], "status", *study]
        assert "tiny: 12 runs" in output_of(*command, folder=checkout.folder)


def test_make_puts_the_command_of_this_checkout_into_its_environment(tmp_path):
    folder = tmp_path / "checkout"
    for name in ("Makefile", "workflow/scripts/paretopress"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(ROOT / name)
    python = folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    output_of("make", "-o", ".venv/.runtime", ".venv/bin/paretopress", folder=folder)
    told = output_of(python.parent / "paretopress", "status", folder=ROOT)
    assert told.startswith("digits: ")


@pytest.mark.parametrize("command", [*OF_A_STUDY, DOCUMENTS])
def test_each_command_says_what_it_does_with_an_example(command, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["paretopress", command, "--help"])
    with pytest.raises(SystemExit, match=r"^0$"):
        main()
    told = capsys.readouterr().out
    assert told.startswith(f"usage: paretopress {command}")
    assert re.search(rf"^example.*: paretopress {command}", told, re.MULTILINE)


def test_a_command_ends_quietly_where_nobody_reads_on():
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "paretopress", "status"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(PACKAGE.parent)},
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")
