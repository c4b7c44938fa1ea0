"""What `paretopress check` prints of images and networks before any work, and that it writes nothing."""

import re
import shutil
from pathlib import Path

import brought_networks
import numpy as np
import pytest
import torch
import yaml
from paths import ROOT
from PIL import Image

from paretopress.__main__ import main
from paretopress.networks.build import build_network

METHODS = [{"family": "random"}]
CIFAR10 = {"kind": "cifar10"}
DIGITS = {"kind": "digits"}


def architecture(function: str, path: str = brought_networks.__file__) -> dict:
    return {"name": "file", "path": path, "function": function}


@pytest.fixture
def check(tmp_path, monkeypatch, capsys):
    """What the command prints of a study of these networks; the folder stays as it was."""
    monkeypatch.chdir(tmp_path)

    def checked(networks: dict, dataset: dict = DIGITS, *arguments: str, **more) -> str:
        study = {"study": "s", "seeds": [1, 2], "dataset": dataset, "networks": networks}
        study |= {"methods": METHODS, "compression": {"images": 50, "batch_size": 20}, **more}
        Path("mine.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")
        before = sorted(tmp_path.rglob("*"))
        monkeypatch.setattr(
            "sys.argv", ["paretopress", "check", "--configfile", "mine.yaml", *arguments]
        )
        main()
        assert sorted(tmp_path.rglob("*")) == before
        return capsys.readouterr().out

    return checked


def folder_of(place: Path, suffix: str = ".png") -> dict:
    """Images of two classes without a validation split."""
    rng = np.random.default_rng(0)
    for split in ("train", "test"):
        for name in ("cat", "dog"):
            (place / split / name).mkdir(parents=True)
            for number in range(20):
                pixels = rng.integers(0, 255, (40, 48, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(place / split / name / f"{number}{suffix}")
    return {"kind": "folder", "path": str(place), "image_size": 32}


def test_a_page_says_what_there_is_and_what_is_left_out(check):
    page = check(
        {
            "up": {"architecture": architecture("upsampling")},
            "other": {"architecture": architecture("with_other_parameters")},
        },
        search_space={"keep": ["head"], "conv_bits": [32, 3]},
        budget={"evaluations": 60, "initial": 30},
    )
    lines = page.splitlines()
    assert lines[0] == "s: images of the kind digits"
    assert "  train       1,077 images of 10 classes (104 to 109 each); 300 opened" in lines
    assert any("not RGB and were converted" in line for line in lines)
    assert "up: file upsampling, to be trained" in lines
    assert re.search(r"^  up +conv +ConvTranspose2d +32,768 +64$", page, re.MULTILINE)
    assert page.count("kept as they are, by search_space.keep: head") == 2
    assert "parameters that are not pruned: BatchNorm2d 16, Conv2d 8, Net 512" in page
    assert re.search(
        r"^  one evaluation +share +takes\n  convolutions(, int8)? +\d+%", page, re.MULTILINE
    )
    rows = re.findall(r"^  (initial samples|random|total) +([\d,]+) ", page, re.MULTILINE)
    assert rows == [("initial samples", "60"), ("random", "60"), ("total", "120")] * 2
    assert page.count("  one after the other, with 1 thread") == 2
    assert len(re.findall(r"^  (?:random|total) .* [0-2]\.\d GB$", page, re.MULTILINE)) == 4
    assert "accuracy" not in page


def test_weights_are_taken_over_and_measured_on_a_few_images(check, tmp_path):
    dataset = folder_of(tmp_path / "images")
    (tmp_path / "images" / "train" / "cat" / "notes.txt").write_text("no image")
    network = build_network(architecture("standardized") | {"arguments": {}}, 2)
    state = {f"module.{name}": value.half() for name, value in network.state_dict().items()}
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "model.pth.tar")
    given = {"architecture": architecture("standardized"), "weights": "model.pth.tar"}
    with pytest.raises(SystemExit, match=r"train/cat/notes\.txt: the image cannot be read"):
        check({"mine": given}, dataset)
    (tmp_path / "images" / "train" / "cat" / "notes.txt").unlink()
    page = check({"mine": given}, dataset, "--threads", "2")
    assert f"s: images of the kind folder, {tmp_path / 'images'}" in page
    assert "  train       32 images of 2 classes (16 each); 32 opened: PNG 32" in page
    assert "validation is a part of train, held out" in page
    assert "mine: file standardized, weights model.pth.tar" in page
    assert "prefix removed from the names in the file: module." in page
    assert "tensors cast from float16 to float32: 4" in page
    assert re.search(r"accuracy of the dense network: [\d.]+% of 8 validation images", page)
    assert "have probably seen the images of the search" in page
    assert "with 2 threads" in page


def test_the_table_of_the_embedded_study_forecasts_each_of_its_methods(check):
    study = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
    (surrogates, *others), own = study["methods"], architecture("only_conv")
    del study["networks"], study["dataset"], study["study"]
    page = check(
        {"mine": {"architecture": own}},
        **study
        | {
            "methods": [surrogates | {"generations": 2, "candidates": ["knn"]}, *others],
            "export": {},
        },
    )
    table = re.search(r"^  forecast .*\n((?:  .*\n)+?)  one after", page, re.MULTILINE)[1]
    assert [re.split(r"  +", line.strip())[:2] for line in table.splitlines()] == [
        ["initial samples", "60"],
        *(
            [f"surrogate-{objective}-{constraint}", "30"]
            for objective in ("mse", "random")
            for constraint in ("spearman", "random")
        ),
        ["ctaea-10x3", "60"],
        ["random", "30"],
        ["total", "270"],
    ]
    assert re.search(r"^Forecast of the study: .+, one after the other\.$", page, re.MULTILINE)


def test_what_a_study_could_not_use_is_refused_before_it(check, tmp_path):
    with pytest.raises(SystemExit, match="other scores each time"):
        check({"mine": {"architecture": architecture("drawn_in_a_pass")}})
    with pytest.raises(SystemExit, match=r"search_space\.keep: \'no_such\'"):
        check(
            {"mine": {"architecture": architecture("upsampling")}},
            search_space={"keep": ["no_such"]},
        )
    dataset = folder_of(tmp_path / "images")
    shutil.rmtree(tmp_path / "images" / "test")
    with pytest.raises(SystemExit, match="test"):
        check({"mine": {"architecture": architecture("upsampling")}}, dataset)


def test_cifar10_that_is_not_downloaded_is_noise_and_is_not_downloaded(check):
    page = check({"mine": {"architecture": architecture("only_conv")}}, CIFAR10)
    assert "CIFAR-10 is not downloaded yet: the networks are tried on noise" in page
    assert "  test        10,000 images of 10 classes (1,000 each); 0 opened" in page
    assert "mine: file only_conv, to be trained" in page


def test_the_page_of_the_guide_is_what_its_network_gives(check, tmp_path):
    guide = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", guide, re.DOTALL)
    (tmp_path / "my_network.py").write_text(code.group(1), encoding="utf-8")
    network = architecture("build_network", "my_network.py")
    page = check({"mine": {"architecture": network}}, folder_of(tmp_path / "images", ".jpg"))
    shown = re.search(r"^    (mine: file .*?)\n\n", guide, re.DOTALL | re.MULTILINE)
    assert re.sub(r"^    ", "", shown.group(1), flags=re.MULTILINE) in page
