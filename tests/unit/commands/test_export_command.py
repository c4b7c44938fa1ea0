"""What `paretopress export` prints, and what it refuses before any work."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml
from exports import row
from test_evaluate import ARCHITECTURE, METRICS, RESULTS, WEIGHTS, config, record

from paretopress.__main__ import main
from paretopress.config.variables import Design
from paretopress.dataset.split import Split, save_split
from paretopress.export import onnx_files, speed
from paretopress.imports import PACKAGE
from paretopress.jobs import machine
from paretopress.jobs.digests import file_digest
from paretopress.jobs.provenance import record_files
from paretopress.networks.build import build_network
from paretopress.networks.mapped import mapped_network
from paretopress.networks.metrics import write_metrics
from paretopress.networks.weights import save_weights

FRONT, TESTED = (RESULTS / "fronts" / name for name in ("own.csv", "own.test.csv"))
EVALUATIONS = RESULTS / "runs" / "own" / "evaluations.csv"
SPLITS = {
    name: RESULTS / "dataset" / f"{name}.safetensors" for name in ("train", "validation", "test")
}
DESIGNS = [
    Design(2, 2, 0.5, 0.5, 1, 1, 0, 4, 4),
    Design(2, 2, 0.2, 0.2, 1, 1, 0, 8, 8),
    Design(2, 0, 0.2, 0.0, 1, 0, 0),
]
OWN = config(
    allocation="uniform",
    networks={"own": {"architecture": ARCHITECTURE, "weights": "brought.safetensors"}},
    constraint={"floor": 0.001},
    inference_time={"repeats": 1},
    export={"own": ["knee"]},
)
Export = Callable[..., str]


@pytest.fixture
def front(tmp_path, monkeypatch) -> pd.DataFrame:
    """The front of a study in the working directory: its files, as its jobs would write them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(speed, "BLOCK_SECONDS", 0.0)
    monkeypatch.setattr(machine, "LOAD_SECONDS", 0.0)
    monkeypatch.setattr(onnx_files, "PERCENTILES", (99.99,))
    torch.manual_seed(1)
    network = build_network(ARCHITECTURE, 3).eval()
    for folder in {WEIGHTS.parent, FRONT.parent, EVALUATIONS.parent, SPLITS["test"].parent}:
        folder.mkdir(parents=True)
    save_weights(network, WEIGHTS)
    save_weights(network, Path("brought.safetensors"))
    for path, count in zip(SPLITS.values(), (40, 30, 50), strict=True):
        images = torch.randint(0, 256, (count, 3, 32, 32), dtype=torch.uint8)
        save_split(Split(images, torch.arange(count) % 3, ("a", "b", "c")), path)
    accuracy = dict.fromkeys(SPLITS, 0.5)
    write_metrics({"accuracy": accuracy, "images": dict.fromkeys(SPLITS, 30)}, METRICS)
    mapped = mapped_network(network, WEIGHTS)
    rows = pd.DataFrame(
        {**row(mapped, design, accuracy), "method": "random"}
        for design, accuracy in zip(DESIGNS, (0.4, 0.6, 0.3), strict=True)
    )
    rows.to_csv(EVALUATIONS, index=False)
    dense = pd.DataFrame(
        [{"design_id": "dense", "nonzero_rate": 1.0, "bytes": 1.0, "accuracy": 0.5}]
    )
    pd.concat([rows[:2], dense]).to_csv(FRONT, index=False)
    rows[:2].to_csv(TESTED, index=False)
    brought = {"brought.safetensors": file_digest(Path("brought.safetensors"))}
    params = {"architecture": ARCHITECTURE}
    record_files(RESULTS, [str(WEIGHTS)], "import_baseline", {}, params, brought, [])
    record(METRICS, FRONT, EVALUATIONS, *SPLITS.values())
    made = {str(path): file_digest(path) for path in (WEIGHTS, FRONT)}
    record_files(RESULTS, [str(TESTED)], "test_front", {}, {}, made, [])
    return rows


@pytest.fixture
def export(front, capsys, monkeypatch) -> Export:
    """Run the command with these arguments in the folder of the study, and return what it prints."""

    def run(*arguments: str, **changed: object) -> str:
        Path("s.yaml").write_text(yaml.safe_dump({**OWN, **changed}))
        capsys.readouterr()
        monkeypatch.setattr(
            "sys.argv", ["paretopress", "export", "--configfile", "s.yaml", *arguments]
        )
        main()
        printed = capsys.readouterr()
        run.said = printed.err
        return printed.out

    return run


def test_designs_are_chosen_by_words_and_by_id_and_without_any_by_the_config(export, front):
    small, large, other = front["design_id"]
    printed = export("own", "--smallest", other, "--threads", "1")
    assert re.findall(r"^own, design (\w+) \(([^)]+)\)", printed, re.MULTILINE) == [
        (other, other),
        (small, "smallest"),
    ]
    for name in ("packed.safetensors", "model-int8.onnx"):
        assert len(re.findall(rf"^  {re.escape(name)} +[\d.]+ MB  \d", printed, re.MULTILINE)) == 2
    assert f"python {RESULTS / 'export' / 'own' / small / 'load.py'} IMAGE ..." in printed
    assert "(most-accurate)" in export("own", export={"own": ["most-accurate"]})
    assert sorted(path.name for path in (RESULTS / "export" / "own").iterdir()) == sorted(
        [small, large, other]
    )


def test_an_export_that_is_there_is_made_again_only_if_it_differs(export, front):
    small, large, _ = front["design_id"]
    folder = RESULTS / "export" / "own" / small
    export("own", small, large)
    (folder / "model.pt2").unlink()
    assert f"own, design {small} (smallest)" in export("own", "--smallest", large)
    assert f"{folder}: changed since it was made" in export.said
    assert f"own, design {small}: compressing" in export.said
    assert f"{folder.with_name(large)}: already there" in export.said
    assert f"own, design {large}: compressing" not in export.said
    (folder / "README.md").unlink()
    (folder / "notes.txt").write_text("of the user")
    assert f"own, design {small} (smallest)" in export("own", small), "an id says less"
    assert "compressing" not in export.said
    assert "Chosen by `--smallest`" in (folder / "README.md").read_text()
    assert (folder / "notes.txt").exists()
    (folder / "design.json").write_text("{")
    export("own", small)
    assert f"own, design {small}: compressing" in export.said
    export("own", small, evaluation={"batch_size": 7})
    assert f"own, design {small}: compressing" in export.said


def test_without_a_choice_the_words_are_told(export):
    with pytest.raises(SystemExit, match=r"no design is chosen\. Allowed: --smallest, --knee"):
        export("own", export={})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["other"], "'other': not a network of the study .* Allowed: own"),
        (["own", "0123456789ab"], "not a design of this study's own. .* Those of the front: "),
        (["own", "--least-accuracy", "0.99"], "no design of the front has an accuracy of 99.00%"),
    ],
)
def test_what_is_not_there_is_refused_before_any_work(export, arguments, said):
    with pytest.raises(SystemExit, match=said):
        export(*arguments)
    assert not (RESULTS / "export").exists()


def test_words_that_choose_nothing_are_refused_by_the_command_line(export, capsys):
    with pytest.raises(SystemExit, match=r"'smallest': not a design_id.* --smallest, --knee"):
        export("own", "smallest")
    with pytest.raises(SystemExit):
        export("own", "--least-accuracy", "76")
    assert "'76': not allowed. Allowed: an accuracy from 0 to 1" in capsys.readouterr().err


def edited(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n")


def renewed(path: Path) -> None:
    """Other weights with a record of their own, as after a training that was started again."""
    network = build_network(ARCHITECTURE, 3)
    torch.nn.init.zeros_(network[0].weight)
    save_weights(network, path)
    record(path, architecture=ARCHITECTURE)


@pytest.mark.parametrize(
    ("change", "path", "said"),
    [
        (edited, WEIGHTS, r"weights\.safetensors: damaged or edited"),
        (renewed, WEIGHTS, r"own\.test\.csv: made from another .*weights\.safetensors than lies there now"),
        (edited, Path("brought.safetensors"), r"brought\.safetensors: changed since the study took it over"),
        (edited, FRONT, r"own\.csv: damaged or edited"),
        (Path.unlink, FRONT, r"fronts/own\.csv: not there yet. Run the study first: snakemake"),
        (Path.unlink, SPLITS["train"], r"dataset/train\.safetensors: not there yet"),
    ],
)  # fmt: skip
def test_files_that_changed_since_or_are_missing_are_refused(export, change, path, said):
    change(path)
    with pytest.raises(SystemExit, match=said):
        export("own", "--smallest")
    assert not (RESULTS / "export").exists()


def test_the_config_takes_the_same_words_and_no_others(export):
    for text, said in (
        ("smalest", r"'smalest' chooses no design.* Allowed: smallest, knee, most-accurate"),
        ("least-accuracy 76", "chooses no design"),
        ("least-accuracy", "chooses no design"),
        ("nan", "chooses no design"),
    ):
        with pytest.raises(SystemExit, match=said):
            export("own", export={"own": [text]})
    with pytest.raises(SystemExit, match=r"export\.other.*no network of this study"):
        export("own", export={"other": ["smallest"]})


@pytest.mark.slow
def test_a_fine_tuning_that_is_killed_goes_on_and_ends_with_the_same_bytes(export, front):
    design, epochs = front["design_id"][0], 40
    changed = {"fine_tune": {"epochs": epochs, "batch_size": 10, "learning_rate": 0.01}}
    progress = RESULTS / "progress" / "own" / "fine-tuned" / design
    weights = RESULTS / "export" / "own" / f"{design}-tuned" / "weights.safetensors"
    Path("s.yaml").write_text(yaml.safe_dump({**OWN, **changed}))
    command = [sys.executable, "-P", "-m", "paretopress", "export", "--configfile", "s.yaml", "own"]
    with subprocess.Popen(
        [*command, design],
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
        stderr=subprocess.DEVNULL,
    ) as process:
        while not list(progress.glob("epoch-*.pt")):
            assert process.poll() is None, "it ended before an epoch"
        process.kill()
    assert not weights.exists()
    export("own", design, **changed)
    again = export.said
    (done,) = re.findall(r"fine-tuning for 40 epochs on .*, on from epoch (\d+)", again)
    assert 0 < int(done) < epochs
    went_on = weights.read_bytes()
    export("own", design, **changed)
    assert "already there" in export.said
    shutil.rmtree(weights.parent)
    export("own", design, **changed)
    assert "fine-tuning" in export.said
    assert ", on from epoch" not in export.said
    assert weights.read_bytes() == went_on
