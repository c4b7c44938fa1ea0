"""What `paretopress evaluate` prints of a design, and what it refuses."""

import json
import re
import shlex
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from paths import ROOT
from safetensors.torch import load_file
from spaces import bounded
from torch import nn

from paretopress.__main__ import SPLITS, command_line, main
from paretopress.compression.allocation import lamp_table, magnitudes_of, save_tables
from paretopress.compression.layers import LAYER_KINDS, layout_of
from paretopress.compression.plans import canonical
from paretopress.config.variables import VARIABLES, Design
from paretopress.dataset import split as splits
from paretopress.dataset.split import Split, normalized, save_split, spread
from paretopress.jobs.provenance import record_files
from paretopress.networks.build import build_network
from paretopress.networks.metrics import write_metrics
from paretopress.networks.moves import load_moves
from paretopress.networks.weights import save_weights
from paretopress.search.targets import load_target

RESULTS = Path("results/s")
BASELINE, DATASET = RESULTS / "baselines" / "own", RESULTS / "dataset"
WEIGHTS, METRICS, TABLES = (
    BASELINE / name for name in ("weights.safetensors", "metrics.json", "allocation.safetensors")
)
ARCHITECTURE = {
    "name": "file",
    "path": str(ROOT / "tests" / "tiny_network.py"),
    "function": "build_network",
    "arguments": {},
}
IMAGES = {"train": 40, "validation": 30, "test": 50}
CONVOLUTIONS = ("conv_scope=2", "conv_amount=0.6", "conv_target=1")
BOTH = (*CONVOLUTIONS, "linear_scope=2", "linear_amount=0.7", "linear_target=2", "quantization=1")
Evaluate = Callable[..., str]


def config(allocation: str = "lamp", repair: str = "none", **more: Any) -> dict[str, Any]:
    return {
        "study": "s",
        "seeds": [3, 4],
        "dataset": {"kind": "digits"},
        "networks": {"own": {"architecture": ARCHITECTURE}},
        "search_space": {"allocation": allocation},
        "compression": {"repair": repair, "images": 25, "batch_size": 10},
        "constraint": {"allowed_drop_points": 5},
        "evaluation": {"split": "validation", "batch_size": 20},
        "methods": [{"family": "random"}],
        **more,
    }


def record(*files: Path, **params: Any) -> None:
    record_files(RESULTS, map(str, files), "rule", {}, params, {}, [])


@pytest.fixture
def network(tmp_path, monkeypatch) -> nn.Module:
    """The network of a study in the working directory: its files, as its jobs would write them."""
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(1)
    network = build_network(ARCHITECTURE, 3).eval()
    BASELINE.mkdir(parents=True)
    DATASET.mkdir()
    save_weights(network, WEIGHTS)
    record(WEIGHTS, architecture=ARCHITECTURE)
    for name, count in IMAGES.items():
        images = torch.randint(0, 256, (count, 3, 16, 16), dtype=torch.uint8)
        path = DATASET / f"{name}.safetensors"
        save_split(Split(images, torch.arange(count) % 3, ("a", "b", "c")), path)
        record(path)
    tables = {
        kind: lamp_table(
            {
                layer.name: lambda name=layer.name: magnitudes_of(
                    network.get_parameter(f"{name}.weight").detach().clone()
                )
                for layer in getattr(layout_of(network), kind)
            }
        )
        for kind in LAYER_KINDS
    }
    save_tables(tables, TABLES)
    record(TABLES, architecture=ARCHITECTURE, keep=[])
    write_metrics({"accuracy": {"validation": 0.5, "test": 0.44}}, METRICS)
    record(METRICS)
    return network


@pytest.fixture
def evaluate(network, monkeypatch, capsys) -> Evaluate:
    """Runs the command on the study, and gives what it prints; a refusal is its message."""

    def run(*words: str, study: dict[str, Any] | None = None) -> str:
        Path("c.yaml").write_text(yaml.safe_dump(study or config()), encoding="utf-8")
        monkeypatch.setattr("sys.argv", ["paretopress", "evaluate", "--configfile=c.yaml", *words])
        threads = torch.get_num_threads()
        try:
            main()
        except SystemExit as ended:
            if ended.code == 2:  # argparse has printed why
                return capsys.readouterr().err
            return str(ended.code)
        finally:
            torch.set_num_threads(threads)
        return capsys.readouterr().out

    return run


def searched(design: Design, study: dict[str, Any], split: str, seed: int) -> tuple[Any, str]:
    """What a search measures of a design, and the id of the design."""
    space, repairing = study["search_space"], study["compression"]
    lamp, auto = space["allocation"] == "lamp", repairing["repair"] == "auto"
    moves = load_moves(
        {"keep": space.get("keep", []), "repair": repairing},
        [str(TABLES)] if lamp else [],
        [str(DATASET / "train.safetensors")] if auto else [],
    )
    bounds = bounded((0.1, 0.9), (0.1, 0.9))
    images = DATASET / f"{split}.safetensors"
    target = load_target(WEIGHTS, images, ARCHITECTURE, bounds, seed, 20, 0.0, moves)
    plan = canonical(design, target.layout, seed)[1]
    return target.evaluate(plan), plan.design_id


@pytest.mark.parametrize(
    ("allocation", "repair", "words"),
    [*product(("uniform", "lamp"), ("none", "auto"), (CONVOLUTIONS, BOTH))],
)
def test_the_numbers_are_those_of_a_search(evaluate, allocation, repair, words):
    study = config(allocation, repair)
    found = json.loads(evaluate("own", *words, "--json", study=study))
    asked = dict(word.split("=") for word in words)
    assert found["design"] == {
        name: float(asked.get(name, known.untouched)) for name, known in VARIABLES.items()
    }
    measured, design_id = searched(Design(**found["design"]), study, "validation", 3)
    assert found["nonzero_rate"] == measured.nonzero_rate
    assert found["accuracy"] == measured.accuracy
    assert found["design_id"] == design_id
    repaired = {"images": 25, "batch_size": 10} if repair == "auto" else None
    assert found["moves"] == {"allocation": allocation, "keep": [], "repair": repaired}
    entries, nonzero = (
        sum(layer[key] for layer in found["layers"]) for key in ("entries", "nonzero")
    )
    assert nonzero / entries == found["nonzero_rate"], "the layers are counted before int8"
    assert found["seconds"]["compression"] > 0 < found["seconds"]["images"]


def by_hand(network: nn.Module, split: str, chosen: torch.Tensor | None = None) -> float:
    images = splits.load_split(DATASET / f"{split}.safetensors")
    chosen = torch.arange(len(images)) if chosen is None else chosen
    with torch.inference_mode():
        scores = network(normalized(images, images.images[chosen]))
    return float((scores.argmax(1) == images.labels[chosen]).double().mean())


def lamp_scores(weight: torch.Tensor) -> torch.Tensor:
    """The square of each weight, by the sum of the squares that are not smaller."""
    squares = weight.detach().double().flatten() ** 2
    return squares / torch.stack([squares[squares >= square].sum() for square in squares])


def test_the_layers_and_the_accuracy_are_those_of_the_tensors(evaluate, network):
    weights = {name: network.get_parameter(f"{name}.weight") for name in ("0", "2")}
    uniform = {name: round(0.4 * weight.numel()) for name, weight in weights.items()}
    scores = torch.cat([lamp_scores(weight) for weight in weights.values()])
    lost = set(scores.argsort()[: round(0.6 * len(scores))].tolist())
    first = weights["0"].numel()
    kept = first - sum(place < first for place in lost)
    lamp = {"0": kept, "2": len(scores) - len(lost) - kept}
    assert lamp != uniform
    for allocation, nonzero in {"uniform": uniform, "lamp": lamp}.items():
        pruned = build_network(ARCHITECTURE, 3).eval()
        pruned.load_state_dict(network.state_dict())
        for name, count in nonzero.items():
            flat = pruned.get_parameter(f"{name}.weight").data.view(-1)
            flat[flat.abs().argsort()[: len(flat) - count]] = 0
        for split in SPLITS:
            given = ("own", *CONVOLUTIONS, "--split", split, "--json")
            found = json.loads(evaluate(*given, study=config(allocation)))
            assert found["accuracy"] == by_hand(pruned, split)
            layers = {layer["name"]: layer["nonzero"] for layer in found["layers"]}
            assert layers == {
                name: sum(int(tensor.count_nonzero()) for tensor in layer.parameters())
                for name, layer in pruned.named_modules()
                if isinstance(layer, nn.Linear | nn.Conv2d)
            }
            assert {name: layers[name] - 8 for name in nonzero} == nonzero, "and 8 biases"


def test_the_text_has_the_numbers_of_the_json(evaluate):
    words = ("own", *CONVOLUTIONS, "--split=test")
    study = config(repair="auto")
    found = json.loads(evaluate(*words, "--json", study=study))
    lines = evaluate(*words, study=study).splitlines()
    assert lines[:3] == [
        f"own, design {found['design_id']}",
        "  conv_scope=2 conv_amount=0.6 conv_target=1",
        "",
    ]
    said = dict(re.split(r"  +", line, maxsplit=1) for line in lines[3:8])
    assert said["non-zero rate"] == f"{found['nonzero_rate']:.2%}"
    dense = sum(tensor.numel() for tensor in load_file(WEIGHTS).values()) * 4
    assert found["dense_bytes"] == dense
    packed = f"{found['bytes'] * dense / 1e3:.3f} of {dense / 1e3:.3f} kB"
    assert said["packed bytes"] == f"{packed} ({found['bytes']:.2%})"
    accuracy, missed = found["accuracy"], 39 - 100 * found["accuracy"]
    verdict = f"missed by {missed:.2f} points" if missed > 0 else "kept"
    whole = f"{accuracy:.2%} of 50 test images (dense 44.00%, floor 39.00%, {verdict})"
    assert said["accuracy"] == whole
    assert (found["dense_accuracy"], found["floor"]) == (0.44, 0.39)
    assert found["feasible"] == (missed <= 0)
    assert re.fullmatch(r"\d+\.\d\d compression, \d+\.\d\d images", said["seconds"])
    assert said["moves"] == "allocation lamp; repair on 25 training images"
    assert lines[8] == ""
    rows = [line.split() for line in lines[9:]]
    assert rows == [
        ["layer", "kind", "entries", "non-zero", "share"],
        *(
            [
                layer["name"],
                layer["kind"],
                f"{layer['entries']:,}",
                f"{layer['nonzero']:,}",
                f"{layer['nonzero'] / layer['entries']:.2%}",
            ]
            for layer in found["layers"]
        ),
    ]
    assert len({len(line) for line in lines[9:]}) == 1, "the columns are aligned"


def test_images_are_spread_over_the_split(evaluate, network):
    few = json.loads(evaluate("own", "--images", "7", "--json"))
    whole = splits.load_split(DATASET / "validation.safetensors")
    assert few["accuracy"] == by_hand(network, "validation", spread(whole, 7))
    assert (few["images"], few["split_images"], few["dense_accuracy"]) == (7, 30, None)
    assert (few["floor"], few["feasible"]) == (None, None)
    assert " of 7 of 30 validation images\n" in evaluate("own", "--images=7")
    note = (
        "  the dense network was not measured on these images. The same command without variables"
    )
    assert note in evaluate("own", *CONVOLUTIONS, "--images=7")
    all_of_them = evaluate("own", "--images", "1000")
    assert "  --images 1,000: the split has 30, and all are used\n" in all_of_them
    assert " of 30 validation images (dense 50.00%, floor 45.00%, " in all_of_them


@pytest.mark.parametrize(("dense", "verdict"), [(0.2, "kept"), (1.0, "missed by ")])
def test_the_floor_is_kept_or_missed(evaluate, network, dense, verdict):
    write_metrics({"accuracy": {"validation": dense, "test": dense}}, METRICS)
    record(METRICS)
    assert json.loads(evaluate("own", *CONVOLUTIONS, "--json"))["feasible"] == (verdict == "kept")
    shown = evaluate("own", *CONVOLUTIONS)
    assert f" (dense {dense:.2%}, floor {dense - 0.05:.2%}, {verdict}" in shown


def test_what_is_not_named_is_untouched(evaluate, network):
    shown = evaluate("own", study=config(repair="auto"))
    assert "  nothing, the dense network\n" in shown
    assert "non-zero rate  100.00%\n" in shown
    assert "allocation lamp; nothing to repair\n" in shown
    assert "allocation lamp; no repair\n" in evaluate("own")
    METRICS.unlink()
    assert f"{by_hand(network, 'validation'):.2%} of 30 validation images\n" in evaluate("own")


@pytest.mark.parametrize(
    ("words", "note"),
    [
        (["conv_amount=0.5"], "conv_amount has no effect: conv_scope is 0"),
        (["linear_scope=0", "linear_target=1"], "linear_target has no effect: linear_scope is 0"),
        (
            ["conv_scope=2", "conv_amount=0", "conv_target=1"],
            "conv_scope has no effect: no entry of a chosen convolution layer becomes zero",
        ),
    ],
)
def test_a_variable_without_effect_is_named(evaluate, words, note):
    assert f"  nothing, the dense network\n  {note}\n" in evaluate("own", *words)
    assert json.loads(evaluate("own", *words, "--json"))["notes"] == [note]


def test_the_design_is_shown_as_it_is_evaluated(evaluate):
    words = ("own", "conv_scope=2", "conv_amount=0.60004", "conv_target=1")
    assert "  conv_scope=2 conv_amount=0.6 conv_target=1\n" in evaluate(*words)
    assert "conv_amount=0.60004" in evaluate(*words, study=config("uniform"))
    emptied = ("own", "linear_scope=2", "linear_amount=1", "linear_target=1")
    assert "emptied        6, 9\n" in evaluate(*emptied)
    assert json.loads(evaluate(*emptied, "--json"))["emptied"] == ["6", "9"]


def test_a_kept_layer_is_counted_and_left_alone(evaluate):
    study = config("uniform", search_space={"allocation": "uniform", "keep": ["2", "6", "9"]})
    words = ("own", *CONVOLUTIONS, "quantization=1")
    shown = evaluate(*words, study=study)
    assert "  quantization has no effect: the network has no Linear layer that torch" in shown
    assert "moves          allocation uniform; kept 2, 6, 9; no repair\n" in shown
    layers = json.loads(evaluate(*words, "--json", study=study))["layers"]
    assert [layer["entries"] - layer["nonzero"] for layer in layers] == [round(216 * 0.6), 0, 0, 0]


def test_the_seed_of_a_random_subset_is_that_of_the_run(evaluate):
    words = ("own", "linear_scope=1", "linear_amount=0.5", "linear_target=1", "--json")
    design = Design(1, 0, 0.5, 0.0, 1, 0, 0)

    def ids(**more: Any) -> dict[str, str]:
        return {
            seed: json.loads(evaluate(*words, *seed.split(), study=config(**more)))["design_id"]
            for seed in ("", "--seed 3", "--seed 5", "--seed 6")
        }

    found = ids()
    assert found[""] == found["--seed 3"] == searched(design, config(), "validation", 3)[1]
    assert found["--seed 5"] == searched(design, config(), "validation", 5)[1]
    assert len(set(found.values())) > 1
    shared = {"budget": {"initial_seed": 5}}
    assert set(ids(**shared).values()) == {found["--seed 5"]}
    shown = evaluate(*words[:-1], "--seed=6", study=config(**shared))
    assert "  --seed has no effect: budget.initial_seed is 5\n" in shown


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["Own"], ["'Own': not a network of the study (c.yaml).", "mean 'own'?", "Allowed: own."]),
        (["own", "conv_scope"], ["'conv_scope': not a variable with a value.", "NAME=VALUE"]),
        (["own", "conv_scop=2"], ["'conv_scop': no variable", "'conv_scope'?", *VARIABLES]),
        (["own", "conv_scope=0", "conv_scope=2"], ["conv_scope: given twice."]),
        (["own", "conv_scope=3"], ["conv_scope = '3': not allowed.", "0 none, 1 a random"]),
        (["own", "conv_target=1.0"], ["conv_target = '1.0': not allowed.", "1 weights"]),
        (["own", "quantization=2"], ["quantization = '2'", "0 none, 1 dynamic int8"]),
        (["own", "conv_amount=1.5"], ["conv_amount = '1.5'", "a number from 0 to 1"]),
        (["own", "conv_amount=nan"], ["conv_amount = 'nan'", "a number from 0 to 1"]),
        (["own", "conv_amount=much"], ["conv_amount = 'much'", "a number from 0 to 1"]),
        (
            ["own", "conv_scope=2", "conv_amount=0.5"],
            ["conv_target: not given.", "conv_scope = 2 needs both conv_amount and conv_target"],
        ),
        (["own", "--split", "dev"], ["invalid choice: 'dev'", *SPLITS]),
        (["own", "--images", "0"], ["--images: '0': not allowed.", "a whole number from 1"]),
        (["own", "--seed", "-1"], ["--seed: '-1': not allowed.", "from 0 to 2,147,483,647"]),
        (["own", "--threads", "many"], ["--threads: 'many': not allowed."]),
        ([], ["the following arguments are required: NETWORK\n"]),
        (["own", "--image", "5"], ["unrecognized arguments: --image 5"]),
    ],
)
def test_a_mistake_is_refused_with_what_is_allowed(evaluate, words, parts):
    said = evaluate(*words)
    for part in parts:
        assert part in said


def test_a_network_without_weights_here_is_refused(evaluate):
    table = {"t": {"path": "t.csv", "networks": {"elsewhere": {"threshold": 0.5, "images": 9}}}}
    said = evaluate("elsewhere", study=config(evaluation_tables=table))
    assert said.startswith("'elsewhere': only its evaluations are there, in a table, and no weight")
    assert said.endswith("Allowed: own.")


OTHERS = ("quantization=1", "linear_scope=0")


@pytest.mark.parametrize(
    "words",
    [
        ["own", *CONVOLUTIONS, *OTHERS, "--split", "test"],
        ["--split", "test", "own", *CONVOLUTIONS, *OTHERS],
        ["own", "--split", "test", *CONVOLUTIONS, *OTHERS],
        ["own", *CONVOLUTIONS, "--split", "test", *OTHERS],
    ],
)
def test_options_may_stand_before_between_and_behind_the_variables(evaluate, words):
    found = json.loads(evaluate("--json", *words))
    assert found["split"] == "test"
    assert list(found["design"].values()) == [0, 2, 0, 0.6, 0, 1, 1, 32, 32]


def advised(said: str) -> list[str]:
    """The words of the command that makes what is missing."""
    return shlex.split(said.partition("without the searches: ")[2])


def test_for_a_missing_file_the_command_that_makes_it_is_named(evaluate):
    study = config(repair="auto")
    end = ["--cores", "all", "--configfile", "c.yaml"]
    train = DATASET / "train.safetensors"
    train.unlink()
    said = evaluate("own", *CONVOLUTIONS, study=study)
    assert said.startswith(f"{train}: not there yet. ")
    assert advised(said) == ["snakemake", str(train), *end]
    assert "design" in evaluate("own"), "without repair it is not needed"
    for file in (WEIGHTS, METRICS):
        file.unlink()
    said = evaluate("own", study=study)
    assert said.startswith(f"{WEIGHTS}, {train}: not there yet. ")
    assert advised(said) == ["snakemake", str(METRICS), *end]
    said = evaluate("own", "--prefix", "first", study=study)
    assert advised(said)[:2] == ["snakemake", f"first/{METRICS}"]


def test_another_layer_to_keep_can_be_tried_before_a_study_has_its_table(evaluate):
    study = config(search_space={"allocation": "lamp", "keep": ["2"]})
    words = ("own", *CONVOLUTIONS, "--json")
    other = json.loads(evaluate(*words, study=study))
    assert {layer["name"]: layer["nonzero"] for layer in other["layers"]}["2"] == 584
    assert any("no table of the allocation" in note for note in other["notes"])
    with_table = json.loads(evaluate(*words))
    TABLES.unlink()
    without = json.loads(evaluate(*words))
    assert without["notes"] == other["notes"]
    assert json.loads(evaluate("own", "--json"))["notes"] == [], "nothing to tabulate for"
    changed = ("seconds", "notes")
    assert {key: value for key, value in without.items() if key not in changed} == {
        key: value for key, value in with_table.items() if key not in changed
    }


@pytest.mark.parametrize("file", [WEIGHTS, TABLES, METRICS, DATASET / "train.safetensors"])
def test_a_damaged_file_is_refused(evaluate, file):
    with open(file, "ab") as damaged:
        damaged.write(b" ")
    said = evaluate("own", study=config(repair="auto"))
    assert f"{file}: damaged or edited" in said
    assert f"snakemake {file} --cores 1 --configfile c.yaml" in said


def test_a_layer_to_keep_that_the_network_has_not_is_refused(evaluate):
    for allocation in ("lamp", "uniform"):
        study = config(search_space={"allocation": allocation, "keep": ["2", "layer9.*"]})
        said = evaluate("own", *CONVOLUTIONS, study=study)
        assert said.startswith("search_space.keep: 'layer9.*': no Linear or convolution layer has")
        assert "own: 0, 2, 6, 9" in said


def test_a_floor_that_the_config_has_is_always_known(evaluate):
    study = config(constraint={"floor": 0.3})
    found = json.loads(evaluate("own", *CONVOLUTIONS, "--images=7", "--json", study=study))
    assert (found["dense_accuracy"], found["floor"]) == (None, 0.3)
    assert found["feasible"] == (found["accuracy"] >= 0.3)
    assert " validation images (floor 30.00%, " in evaluate("own", "--images=7", study=study)


def test_weights_that_were_made_for_another_config_are_refused(evaluate):
    record(WEIGHTS, architecture={**ARCHITECTURE, "arguments": {"width": 2}})
    said = evaluate("own")
    assert said.startswith(f"{WEIGHTS}: made for another architecture than c.yaml has now. ")
    assert "another name of the study" in said
    assert said.endswith(f"snakemake {WEIGHTS} --cores all --configfile c.yaml")


def test_the_help_names_every_variable_and_split(capsys):
    with pytest.raises(SystemExit):
        command_line().parse_args(["evaluate", "--help"])
    shown = capsys.readouterr().out
    assert splits.SPLITS == SPLITS
    for word in (*VARIABLES, *SPLITS, "example: paretopress evaluate --configfile"):
        assert word in shown
