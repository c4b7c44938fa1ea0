"""Every mistake in a config is refused with file, line, key, value and what is allowed."""

from copy import deepcopy
from pathlib import Path

import pytest
import yaml
from paths import ROOT

from paretopress.config.method_files import families
from paretopress.config.regressor_checks import own_files
from paretopress.config.study import Study
from paretopress.config.validation import read_study
from paretopress.errors import UserError

GOOD = {
    "study": "s",
    "seeds": [1, 2],
    "dataset": {"kind": "digits"},
    "networks": {"vgg": {"architecture": {"name": "vgg16_slim"}}},
    "budget": {"evaluations": 20, "initial": 10},
    "methods": [
        {"family": "surrogate", "objective_metrics": ["mse"], "constraint_metrics": ["mape"]},
        {"family": "random"},
    ],
}
REMOVED = object()

# (path of the key that is set, its value, what the message must hold: key, value, allowed, hint)
CASES = {
    "seeds no list": (["seeds"], 3, ["seeds = 3", "a list of values"]),
    "seeds of text": (["seeds", 0], "one", ["seeds[0] = 'one'", "a whole number"]),
    "no repeats": (
        ["inference_time"],
        {"repeats": 0},
        ["inference_time.repeats = 0", "at least 1"],
    ),
    "networks of the same files": (
        ["networks", "vgg.test"],
        {"architecture": {"name": "vgg16_slim"}},
        ["the files of 'vgg' and 'vgg.test' would have the same names", "another name"],
    ),
    "a seed twice": (
        ["seeds"],
        [1, 2, 1],
        ["seeds = [1, 2, 1]", "1 is listed more than once", "each value once"],
    ),
    "no seeds": (["seeds"], [], ["seeds = []", "a list of at least one value"]),
    "a negative seed": (["seeds", 1], -1, ["seeds[1] = -1", "at least 0"]),
    "an architecture nearly named": (
        ["networks", "vgg", "architecture"],
        {"name": "mobilenet_v3_smal"},
        [
            "networks.vgg.architecture.name = 'mobilenet_v3_smal'",
            "Did you mean 'mobilenet_v3_small'?",
        ],
    ),
    "arguments no section": (
        ["networks", "vgg", "architecture"],
        {"name": "resnet18", "arguments": 3},
        ["networks.vgg.architecture.arguments = 3", "a section with keys and values of any kind"],
    ),
    "an own network that is not there": (
        ["networks", "vgg", "architecture"],
        {"name": "file", "path": "nowhere.py"},
        ["networks.vgg.architecture.path = 'nowhere.py'", "no such file"],
    ),
    "an own network that is a folder": (
        ["networks", "vgg", "architecture"],
        {"name": "file", "path": str(ROOT / "config")},
        ["networks.vgg.architecture.path", "not a Python file", "ends with .py"],
    ),
    "weights of another kind": (
        ["networks", "vgg", "weights"],
        str(ROOT / "README.md"),
        ["networks.vgg.weights = ", "no file of weights", "Allowed: a safetensors file, or what"],
    ),
    "an unknown candidate": (
        ["methods", 0, "candidates"],
        ["random_forrest"],
        ["candidates[0] = 'random_forrest'", "Did you mean 'random_forest'?", "full dotted name"],
    ),
    "no candidates": (
        ["methods", 0, "candidates"],
        [],
        ["candidates = []", "a list of at least one value"],
    ),
    "candidates no list": (
        ["methods", 0, "candidates"],
        "knn",
        ["candidates = 'knn'", "a list of at least one value"],
    ),
    "a candidate twice": (
        ["methods", 0, "candidates"],
        ["knn", "knn"],
        ["candidates = ['knn', 'knn']", "'knn' is listed more than once"],
    ),
    "a candidate by two names": (
        ["methods", 0, "candidates"],
        ["lightgbm", "lightgbm.LGBMRegressor"],
        ["methods[0].candidates", "'lightgbm.LGBMRegressor' is listed more than once"],
    ),
    "a candidate by two paths": (
        ["methods", 0, "candidates"],
        ["lightgbm", "lightgbm.sklearn.LGBMRegressor"],
        ["candidates[1] = 'lightgbm.sklearn.LGBMRegressor'", "the same class as 'lightgbm'"],
    ),
    "a candidate of no module": (
        ["methods", 0, "candidates"],
        ["knn", "sklearn.svn.SVR"],
        ["candidates[1] = 'sklearn.svn.SVR'", "cannot be imported", "PYTHONPATH"],
    ),
    "a candidate of an unknown class": (
        ["methods", 0, "candidates"],
        ["sklearn.svm.SVRR"],
        ["candidates[0] = 'sklearn.svm.SVRR'", "sklearn.svm has no SVRR", "Did you mean 'SVR'?"],
    ),
    "a candidate that is no class": (
        ["methods", 0, "candidates"],
        ["os.getcwd"],
        ["candidates[0] = 'os.getcwd'", "not a class with fit and predict"],
    ),
    "a candidate that needs arguments": (
        ["methods", 0, "candidates"],
        ["sklearn.pipeline.Pipeline"],
        ["candidates[0]", "cannot be built without arguments (TypeError: ", "A class of your own"],
    ),
    "a classifier": (
        ["methods", 0, "candidates"],
        ["sklearn.svm.SVC"],
        ["candidates[0] = 'sklearn.svm.SVC'", "no regressor, since", "'classifier'"],
    ),
    "the same metrics twice": (
        ["methods", 1],
        GOOD["methods"][0] | {"candidates": ["knn"]},
        ["surrogate-mse-mape is listed 2 times", "belong into studies of their own"],
    ),
    "an unknown infill rule": (
        ["methods", 0, "infill_rule"],
        "distance",
        ["infill_rule = 'distance'", "random, objective_distance"],
    ),
    "a negative initial seed": (
        ["budget", "initial_seed"],
        -1,
        ["budget.initial_seed = -1", "at least 0"],
    ),
    "a seed that is true": (["seeds", 0], True, ["seeds[0] = True", "a whole number"]),
    "study missing": (["study"], REMOVED, ["study: missing", "letters, digits"]),
    "study leaves results": (
        ["study"],
        "../x",
        ["study = '../x'", "beginning with a letter or digit"],
    ),
    "unknown key": (["sedes"], [1], ["sedes: unknown key", "Did you mean 'seeds'?"]),
    "unknown key inside": (
        ["budget", "initals"],
        3,
        ["budget.initals: unknown key", "Did you mean 'initial'?", "evaluations, initial"],
    ),
    "unknown key in a method": (
        ["methods", 0, "generation"],
        3,
        ["methods[0].generation: unknown key", "Did you mean 'generations'?"],
    ),
    "unknown metric": (
        ["methods", 0, "objective_metrics"],
        ["spearmann"],
        ["'spearmann'", "Did you mean 'spearman'?", "mse, mape, spearman"],
    ),
    "a metric twice": (
        ["methods", 0, "constraint_metrics"],
        ["mse", "mse"],
        ["constraint_metrics", "each value once"],
    ),
    "no metric": (["methods", 0, "constraint_metrics"], [], ["methods[0].constraint_metrics = []"]),
    "unknown family": (
        ["methods", 0, "family"],
        "surogate",
        [
            "methods[0].family = 'surogate'",
            "Did you mean 'surrogate'?",
            f"{', '.join(families())}, or",
        ],
    ),
    "family missing": (
        ["methods", 0, "family"],
        REMOVED,
        ["methods[0].family: missing", f"one of {', '.join(families())}, or"],
    ),
    "no methods": (["methods"], [], ["methods = []"]),
    "a method twice": (
        ["methods", 1],
        GOOD["methods"][0],
        ["surrogate-mse-mape is listed 2 times", "each method once"],
    ),
    "ctaea off budget": (
        ["methods", 1],
        {"family": "ctaea", "population": 3, "generations": 3},
        ["population 3 and generations 3", "budget.evaluations = 20", "population x generations"],
    ),
    "ctaea of one": (
        ["methods", 1],
        {"family": "ctaea", "population": 1, "generations": 20},
        ["methods[1].population = 1", "at least 2"],
    ),
    "budget below sample": (
        ["budget", "evaluations"],
        9,
        ["budget.evaluations = 9", "smaller than the initial sample of 10"],
    ),
    "sample too small": (
        ["budget", "initial"],
        4,
        ["budget.initial = 4", "too small a sample", "at least 10"],
    ),
    "budget of text": (
        ["budget", "evaluations"],
        "many",
        ["budget.evaluations = 'many'", "a whole number at least 1"],
    ),
    "budget of a half": (
        ["budget", "evaluations"],
        20.5,
        ["budget.evaluations = 20.5", "a whole number"],
    ),
    "amount above one": (
        ["search_space"],
        {"conv_amount": {"maximum": 1.2}},
        ["conv_amount.maximum = 1.2", "above 0 and below 1"],
    ),
    "amount of one": (
        ["search_space"],
        {"linear_amount": {"maximum": 1}},
        ["linear_amount.maximum = 1", "above 0 and below 1"],
    ),
    "amount of zero": (
        ["search_space"],
        {"linear_amount": {"minimum": 0.0}},
        ["linear_amount.minimum = 0.0", "above 0"],
    ),
    "amounts crossed": (
        ["search_space"],
        {"conv_amount": {"minimum": 0.8, "maximum": 0.2}},
        ["conv_amount.minimum = 0.8", "minimum < maximum"],
    ),
    "bits of one": (
        ["search_space"],
        {"conv_bits": [8, 1]},
        ["search_space.conv_bits[1] = 1", "one of 2, 3, 4, 5, 6, 7, 8, 32"],
    ),
    "bits of nine": (
        ["search_space"],
        {"linear_bits": [9]},
        ["search_space.linear_bits[0] = 9", "one of 2, 3, 4, 5, 6, 7, 8, 32"],
    ),
    "bits of sixteen": (
        ["search_space"],
        {"conv_bits": [32, 16]},
        ["search_space.conv_bits[1] = 16", "one of 2, 3, 4, 5, 6, 7, 8, 32"],
    ),
    "no bits": (
        ["search_space"],
        {"conv_bits": []},
        ["search_space.conv_bits = []", "a list of at least one value"],
    ),
    "bits twice": (
        ["search_space"],
        {"conv_bits": [4, 8, 4]},
        ["search_space.conv_bits = [4, 8, 4]", "4 is listed more than once"],
    ),
    "bits as no list": (
        ["search_space"],
        {"conv_bits": 4},
        [
            "search_space.conv_bits = 4",
            "Write [4].",
            "a list of at least one value, each one of 2, 3",
        ],
    ),
    "bits of a half": (
        ["search_space"],
        {"conv_bits": [4.5]},
        ["search_space.conv_bits[0] = 4.5", "one of 2, 3, 4, 5, 6, 7, 8, 32"],
    ),
    "a truth for a number": (
        ["search_space"],
        {"quantization": [True]},
        ["search_space.quantization[0] = True", "true and false are no numbers", "one of 0, 1"],
    ),
    "a scope of three": (
        ["search_space"],
        {"conv_scope": [0, 3]},
        ["search_space.conv_scope[1] = 3", "one of 0, 1, 2"],
    ),
    "no amounts": (
        ["search_space"],
        {"conv_amount": []},
        ["search_space.conv_amount = []", "a list of at least one value"],
    ),
    "a listed amount above one": (
        ["search_space"],
        {"conv_amount": [0.5, 1.5]},
        ["search_space.conv_amount[1] = 1.5", "above 0 and below 1"],
    ),
    "an amount as a number": (
        ["search_space"],
        {"conv_amount": 0.5},
        ["search_space.conv_amount = 0.5", "minimum, maximum, or a list of at least one value"],
    ),
    "nothing left to choose": (
        ["search_space"],
        {
            "linear_scope": [0],
            "conv_scope": [2],
            "linear_amount": [0.5],
            "conv_amount": [0.5],
            "linear_target": [1],
            "conv_target": [1],
            "quantization": [0],
            "conv_bits": [4],
        },
        ["search_space = ", "each variable of a design has one value", "paretopress evaluate"],
    ),
    "an unknown size": (
        ["objectives"],
        {"size": "megabytes"},
        ["objectives.size = 'megabytes'", "one of nonzero_rate, bytes"],
    ),
    "floor in per cent": (["constraint"], {"floor": 76}, ["constraint.floor = 76", "below 1"]),
    "floor and drop": (
        ["constraint"],
        {"floor": 0.7, "allowed_drop_points": 4},
        ["both allowed_drop_points and floor", "exactly one"],
    ),
    "neither floor nor drop": (
        ["constraint"],
        {},
        ["neither allowed_drop_points nor floor", "exactly one"],
    ),
    "no drop": (
        ["constraint"],
        {"allowed_drop_points": 0},
        ["allowed_drop_points = 0", "at least 1e-06"],
    ),
    "unknown split": (
        ["evaluation"],
        {"split": "train"},
        ["evaluation.split = 'train'", "validation, test"],
    ),
    "unknown dataset": (
        ["dataset", "kind"],
        "digit",
        ["dataset.kind = 'digit'", "Did you mean 'digits'?", "digits, folder"],
    ),
    "folder without a path": (["dataset"], {"kind": "folder"}, ["dataset.path: missing"]),
    "no such folder": (
        ["dataset"],
        {"kind": "folder", "path": "nowhere.zip"},
        ["dataset.path = 'nowhere.zip'", "no such file", "--config"],
    ),
    "no such archive": (
        ["dataset"],
        {"kind": "cifar10", "path": "nowhere.tar.gz"},
        ["dataset.path = 'nowhere.tar.gz'", "no such file", "--config"],
    ),
    "no address": (
        ["dataset"],
        {"kind": "cifar10", "urls": []},
        ["dataset.urls = []", "each an address"],
    ),
    "an address of no server": (
        ["dataset"],
        {"kind": "cifar10", "urls": ["/tmp/x"]},
        ["dataset.urls[0] = '/tmp/x'", "https://"],
    ),
    "an address twice": (
        ["dataset"],
        {"kind": "cifar10", "urls": ["http://a"] * 2},
        ["dataset.urls", "each value once"],
    ),
    "half a checksum": (
        ["dataset"],
        {"kind": "cifar10", "checksum": "6d95"},
        ["dataset.checksum = '6d95'", "64 hexadecimal digits"],
    ),
    "channels": (["dataset", "mean"], [0.5], ["dataset.mean = [0.5]", "a list of 3 values"]),
    "std of zero": (["dataset", "std"], [1.0, 0.0, 1.0], ["dataset.std[1] = 0.0", "above 0"]),
    "mean of 0 to 255": (
        ["dataset", "mean"],
        [125.3, 123.0, 113.9],
        [
            "dataset.mean = [125.3, 123.0, 113.9]: above 1, as if images had values from 0 to 255",
            "125.3, 123, 113.9 divided by 255: 0.4914, 0.4824, 0.4467.",
            "a std of 1 becomes 0.003922",
        ],
    ),
    "std of 0 to 255": (
        ["dataset", "std"],
        [63, 62.1, 255],
        ["dataset.std = [63, 62.1, 255]", "divided by 255: 0.2471, 0.2435, 1."],
    ),
    "one mean of 0 to 255": (
        ["dataset", "mean"],
        [0.49, 123.0, 0.45],
        ["dataset.mean = [0.49, 123.0, 0.45]", " 123 divided by 255: 0.4824."],
    ),
    "mean below 0": (["dataset", "mean"], [-0.1, 0.0, 0.0], ["dataset.mean[0] = -0.1", "at least"]),
    "mean above 255": (["dataset", "mean"], [0.1, 0.1, 32000.0], ["dataset.mean[2]", "at most 1"]),
    "std below 0": (["dataset", "std"], [-1.0, 1.0, 1.0], ["dataset.std[0] = -1.0", "above 0"]),
    "resize below the crop": (
        ["dataset"],
        {"kind": "digits", "image_size": 224, "resize": 200},
        ["dataset.resize = 200", "less than image_size, 224", "at least 224"],
    ),
    "resize out of bounds": (["dataset", "resize"], 5000, ["dataset.resize", "at most 2048"]),
    "unknown interpolation": (
        ["dataset", "interpolation"],
        "bicubical",
        ["dataset.interpolation = 'bicubical'", "Did you mean 'bicubic'?"],
    ),
    "splits take all": (
        ["dataset"],
        {"kind": "digits", "validation_fraction": 0.6, "test_fraction": 0.5},
        ["hold out 1.1", "a sum below 1"],
    ),
    "tiny images": (["dataset", "image_size"], 8, ["dataset.image_size = 8", "at least 32"]),
    "no networks": (["networks"], {}, ["networks = {}", "at least one network"]),
    "unknown architecture": (
        ["networks", "vgg", "architecture", "name"],
        "vgg61",
        ["architecture.name = 'vgg61'", "vgg16"],
    ),
    "a bad name of a network": (
        ["networks", "a/b"],
        GOOD["networks"]["vgg"],
        ["'a/b'", "letters, digits"],
    ),
    "odd width": (
        ["networks", "vgg", "architecture", "width_divisor"],
        3,
        ["width_divisor = 3", "1, 2, 4, 8, 16, 32"],
    ),
    "a width of another": (
        ["networks", "vgg", "architecture", "width_per_group"],
        3,
        ["width_per_group: unknown key", "name, width_divisor"],
    ),
    "weights and training": (
        ["networks", "vgg"],
        GOOD["networks"]["vgg"] | {"weights": "a", "training": {}},
        ["both given", "not both"],
    ),
    "no such weights": (
        ["networks", "vgg", "weights"],
        "no.safetensors",
        ["networks.vgg.weights = 'no.safetensors'", "no such file"],
    ),
    "an infinite rate": (
        ["networks", "vgg", "training"],
        {"learning_rate": float("inf")},
        ["learning_rate = inf"],
    ),
    "batches of one": (
        ["networks", "vgg", "training"],
        {"batch_size": 1},
        ["batch_size = 1", "at least 2"],
    ),
    "names alike": (
        ["networks", "VGG"],
        GOOD["networks"]["vgg"],
        ["'vgg' but for upper and lower case"],
    ),
    "folds of one": (["methods", 0, "folds"], 8, ["budget.initial = 10", "2 for each fold"]),
    "unknown optimiser": (
        ["networks", "vgg", "training"],
        {"optimizer": "adamW"},
        ["optimizer = 'adamW'", "Did you mean 'adamw'?"],
    ),
    "unknown recipe": (
        ["networks", "vgg", "training"],
        {"recipe": "papr"},
        ["training.recipe = 'papr'", "Did you mean 'paper'?"],
    ),
    "unknown precision": (
        ["networks", "vgg", "training"],
        {"precision": "float16"},
        ["precision = 'float16'", "float32, bfloat16"],
    ),
    "a recipe that is a list": (
        ["networks", "vgg", "training"],
        {"recipe": ["paper"]},
        ["training.recipe = ['paper']", "one_cycle, paper"],
    ),
    "a gate of no epochs": (
        ["networks", "vgg", "gate"],
        {"epochs": 0},
        ["gate.epochs = 0", "at least 1"],
    ),
    "a floor of the gate in per cent": (
        ["networks", "vgg", "gate"],
        {"least_accuracy": 76},
        ["gate.least_accuracy = 76", "below 1"],
    ),
    "a gate that is text": (
        ["networks", "vgg", "gate"],
        {"above_chance": "no"},
        ["gate.above_chance = 'no'", "true or false"],
    ),
    "rate as YAML text": (
        ["networks", "vgg", "training"],
        {"learning_rate": "1e-3"},
        ["learning_rate = '1e-3'", "write 0.001"],
    ),
    "significance in per cent": (
        ["statistics"],
        {"significance_level": 5},
        ["significance_level = 5", "below 1"],
    ),
    "a section that is a number": (
        ["budget"],
        100,
        ["budget = 100", "a section with the keys evaluations, initial"],
    ),
}


def changed(path: list, value: object) -> dict:
    config = deepcopy(GOOD)
    place = config
    for key in path[:-1]:
        place = place[key]
    if value is REMOVED:
        del place[path[-1]]
    elif isinstance(place, list) and path[-1] == len(place):
        place.append(value)
    else:
        place[path[-1]] = value
    return config


@pytest.mark.parametrize(("path", "value", "expected"), CASES.values(), ids=CASES.keys())
def test_a_mistake_is_refused_with_place_key_value_and_what_is_allowed(
    path, value, expected, tmp_path
):
    config = changed(path, value)
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    with pytest.raises(UserError) as error:
        read_study(yaml.safe_load(file.read_text(encoding="utf-8")), [str(file)])
    message = str(error.value)
    assert str(file) in message
    assert "llowed" in message
    for part in expected:
        assert part in message, message


def test_the_good_config_is_good():
    assert list(read_study(GOOD, []).methods_by_name()) == ["surrogate-mse-mape", "random"]


OWN = """
import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

class Plain:
    def fit(self, X, y):
        self.mean = y.mean()

    def predict(self, X):
        return np.full(len(X), self.mean)

class Regressor(RegressorMixin, BaseEstimator, Plain):
    pass

class Half(RegressorMixin, Plain):
    pass

class Classifier(ClassifierMixin, BaseEstimator, Plain):
    pass

class Untold(BaseEstimator, Plain):
    pass

class Few(RandomForestRegressor):
    def __init__(self):
        super().__init__(n_estimators=3)

class Failing(Plain):
    def __init__(self):
        raise LookupError("no\\nlicense")

class Unfit(Plain):
    def fit(self, X, y):
        raise LookupError("no data")

class Column(Plain):
    def predict(self, X):
        return super().predict(X)[:, None]

class Dice(Plain):
    def predict(self, X):
        return np.random.random(len(X))
"""


def test_candidates_of_ones_own_are_checked_and_are_files_of_the_study(tmp_path, monkeypatch):
    (tmp_path / "mine_of_this_test.py").write_text(OWN, encoding="utf-8")
    (tmp_path / "broken_of_this_test.py").write_text("raise SystemExit(3)", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    def read(*names: str) -> Study:
        return read_study(changed(["methods", 0, "candidates"], ["knn", *names]), [])

    good = [f"mine_of_this_test.{name}" for name in ("Plain", "Regressor", "Half", "Untold", "Few")]
    study = read(*good, "sklearn.svm.SVR", "lightgbm.LGBMRegressor")
    listed = study.methods_by_name()["surrogate-mse-mape"]["settings"]["candidates"]
    assert listed == ["knn", *good, "sklearn.svm.SVR", "lightgbm.LGBMRegressor"]
    assert own_files(listed) == [str(tmp_path / "mine_of_this_test.py")]
    monkeypatch.chdir(tmp_path)
    assert own_files(listed) == ["mine_of_this_test.py"]
    for name, said in {
        "mine_of_this_test.Classifier": "'classifier'",
        "mine_of_this_test.Failing": "cannot be built without arguments (LookupError: no license)",
        "mine_of_this_test.Unfit": "cannot be fitted to 20 samples (LookupError: no data)",
        "mine_of_this_test.Column": "predicts an array of shape (20, 1) for 20 samples, not (20,)",
        "mine_of_this_test.Dice": "predicts something else when it is fitted again",
        "broken_of_this_test.Model": "cannot be imported (SystemExit: 3)",
    }.items():
        with pytest.raises(UserError) as error:
            read(name)
        assert f"methods[0].candidates[1] = {name!r}: " in str(error.value)
        assert said in str(error.value)


def test_a_downloaded_dataset_needs_no_path():
    study = read_study(GOOD | {"dataset": {"kind": "cifar10", "checksum": "AB" * 32}}, [])
    assert (study.dataset.path, study.dataset.checksum) == (None, "ab" * 32)


@pytest.mark.parametrize(
    "file", sorted((ROOT / "config").glob("*.yaml")), ids=lambda file: file.name
)
def test_the_configs_that_come_with_the_project_are_good(file):
    read_study(yaml.safe_load(file.read_text(encoding="utf-8")), [str(file)], check_files=False)


def test_the_line_is_that_of_the_key(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text(
        yaml.safe_dump(GOOD, sort_keys=False).replace("initial: 10", "initial: ten"),
        encoding="utf-8",
    )
    text = file.read_text(encoding="utf-8")
    line = next(
        number for number, content in enumerate(text.splitlines(), start=1) if "ten" in content
    )
    with pytest.raises(UserError, match=rf"c\.yaml, line {line}: budget\.initial = 'ten'"):
        read_study(yaml.safe_load(text), [str(file)])


def test_every_problem_is_named_at_once():
    config = GOOD | {"seeds": [1, 1], "budgt": {}, "evaluation": {"split": "x"}}
    with pytest.raises(UserError, match=r"3 problems") as error:
        read_study(config, [])
    assert str(error.value).count("\n") == 3


def test_a_value_from_the_command_line_is_blamed_on_it(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text(yaml.safe_dump(GOOD), encoding="utf-8")
    with pytest.raises(UserError, match=r"command line \(--config\): evaluation\.split = 'all'"):
        read_study(GOOD | {"evaluation": {"split": "all"}}, [str(file)])


def test_text_from_the_command_line_is_read_as_in_a_file(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text(yaml.safe_dump(GOOD), encoding="utf-8")
    study = read_study(
        GOOD | {"seeds": ["1", "5"], "budget": {"evaluations": "60", "initial": 10}}, [str(file)]
    )
    assert (study.seeds, study.budget.evaluations) == ([1, 5], 60)
    with pytest.raises(UserError, match=r"command line \(--config\): budget\.evaluations = 'many'"):
        read_study(GOOD | {"budget": {"evaluations": "many", "initial": 10}}, [str(file)])


@pytest.mark.parametrize("data", [None, [], "text", {}])
def test_a_file_without_a_config_is_refused(data, tmp_path):
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")
    with pytest.raises(UserError, match="no config in it"):
        read_study(data, [str(tmp_path / "c.yaml")])


@pytest.mark.parametrize(
    "data",
    [{None: 1}, {("a", 1): 2}, {"seeds": None, "dataset": None, "networks": None, "methods": None}],
)
def test_odd_yaml_is_refused_and_never_a_traceback(data):
    with pytest.raises(UserError):
        read_study({**GOOD, **data}, [])


def test_a_key_that_stands_twice_is_refused(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text(yaml.safe_dump(GOOD) + "seeds: [7]\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"seeds: the key is there twice"):
        read_study(yaml.safe_load(file.read_text(encoding="utf-8")), [str(file)])


def own_network(folder: Path, files: dict[str, str]) -> dict:
    """The config of a study with the first of the files as its network. They are written."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    path = str(folder / next(iter(files)))
    return GOOD | {"networks": {"mine": {"architecture": {"name": "file", "path": path}}}}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (
            "def build_netwrk(num_classes): ...",
            "defines no such function. Did you mean 'build_netwrk'? Allowed: build_netwrk.",
        ),
        ("", "defines no such function. Allowed: a function, which the file has yet to define"),
        ("def build_network(:", "not a Python file (invalid syntax"),
    ],
)
def test_a_file_without_the_function_is_refused_without_running_it(code, expected, tmp_path):
    (tmp_path / "mine.py").write_text(
        code + f"\nopen({str(tmp_path / 'ran')!r}, 'w')", encoding="utf-8"
    )
    network = {"architecture": {"name": "file", "path": str(tmp_path / "mine.py")}}
    with pytest.raises(UserError) as error:
        read_study(GOOD | {"networks": {"mine": network}}, [])
    assert "networks.mine.architecture." in str(error.value)
    assert expected in str(error.value)
    assert not (tmp_path / "ran").exists()


BUILDS = "def build_network(n): ..."


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"net.py": "from blocks import Blok\n" + BUILDS, "blocks.py": "class Block: ..."},
         ["net.py, line 1: from blocks import Blok: ", "blocks.py has no 'Blok'. Did you mean 'Block'? Allowed: Block."]),
        ({"net.py": "\nimport blokcs\n" + BUILDS, "blocks.py": ""},
         ["net.py, line 2: import blokcs: there is no ", "no such installed package. Did you mean 'blocks'?"]),
        ({"net.py": "from layers import conv\n" + BUILDS, "layers/conv.py": "from . import x\nimport y.z", "y/a.py": ""},
         ["conv.py, line 1: from . import x: there is no ", "conv.py, line 2: import y.z: there is no "]),
        ({"net.py": "def build_network(n):\n    from blocks import b", "blocks.py": "import deeper", "deeper.py": "x = 1\ny = ("},
         ["deeper.py, not a Python file ('(' was never closed (deeper.py, line 2))"]),
        ({"net.py": "from ..up import x\n" + BUILDS}, ["net.py, line 1: from ..up import x: it leaves the folder"]),
        ({"net.py": "from yaml import Block\n" + BUILDS, "yaml.py": "class Block: ..."},
         ["an installed package has the same name as ", "yaml.py, and goes before it. Allowed: another name"]),
    ],
)  # fmt: skip
def test_files_beside_that_a_network_imports_are_checked_without_running_them(
    files, expected, tmp_path
):
    with pytest.raises(UserError) as error:
        read_study(own_network(tmp_path, files), [])
    assert "networks.mine.architecture.path" in str(error.value)
    for part in expected:
        assert part in str(error.value)


@pytest.mark.parametrize(
    "files",
    [
        {"net.py": "try:\n    import timm\nexcept ImportError:\n    timm = None\n" + BUILDS},
        {"net.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import timm\n" + BUILDS},
        {"net.py": "def build_network(n):\n    import timm"},  # it may be never called so
        {"net.py": "import sys\nsys.path.append('lib')\nimport timm\n" + BUILDS},
        {"net.py": "from blocks import *", "blocks.py": "from more import *", "more.py": BUILDS},
        {"net.py": "from blocks import *", "blocks.py": "from torch.nn import *"},
        {"net.py": "from blocks import X\n" + BUILDS, "blocks.py": "globals()['X'] = 1"},
        {"net.py": "from blocks import X\n" + BUILDS, "blocks.py": "def __getattr__(name): ..."},
        {"net.py": "from blocks import X, Y, Z\n" + BUILDS, "blocks.py": "for X in 'a':\n    with open(X) as (Y, Z): ..."},
        {"net.py": "from blocks import net\n" + BUILDS, "blocks.py": "import net"},
        {"net.py": "from random import random\nimport torch\n" + BUILDS, "random.py": "x = 1", "torch.py": "("},
        {"net.py": "\ufeff# -*- coding: utf-8 -*-\n" + BUILDS},
    ],
)  # fmt: skip
def test_what_may_work_is_left_to_the_job(files, tmp_path):
    read_study(own_network(tmp_path, files), [])


@pytest.mark.parametrize(
    ("code", "offered"),
    [
        ("from torch import nn\nimport torch.nn.functional as F\nWIDTH = 3\nclass Net(nn.Module): ...\ndef make(n): ...\ndef _own(n): ...",
         "Net, make."),
        ("from torch import nn\nfrom blocks import make as made, WIDTH, nn as other", "made."),
        ("from blocks import *", "Block, make."),
        ("from inner import *", "Block, make."),
        ("import torch", "a function, which the file has yet to define."),
        ("def _own(n): ...", "_own."),
    ],
)  # fmt: skip
def test_of_a_misspelt_function_only_what_the_users_files_define_is_offered(
    code, offered, tmp_path
):
    helpers = {
        "blocks.py": "from torch import nn\nWIDTH = 1\nclass Block: ...\ndef make(n): ...",
        "inner/__init__.py": "from blocks import Block, make, nn",
    }
    with pytest.raises(UserError) as error:
        read_study(own_network(tmp_path, {"net.py": code, **helpers}), [])
    assert str(error.value).endswith(f"Allowed: {offered}")


def test_a_file_that_defines_imports_or_assigns_the_function_is_good(tmp_path):
    for code in (
        "try:\n    from torch.nn import Linear as build_network\nexcept ImportError:\n    def build_network(n): ...",
        "if True:\n    def build_network(n): ...",
        "build_network: object = print",
        "a, build_network = 1, print",
        "from torch.nn import *",
        "def build_network(n): ...",
        "from torch.nn import Linear as build_network",
        "build_network = print",
    ):
        (tmp_path / "mine.py").write_text(code, encoding="utf-8")
        study = read_study(
            GOOD
            | {
                "networks": {
                    "mine": {"architecture": {"name": "file", "path": str(tmp_path / "mine.py")}}
                }
            },
            [],
        )
        assert study.networks["mine"].architecture.function == "build_network"


@pytest.mark.parametrize(
    ("folders", "more", "expected"),
    [
        (
            ["train/a", "train/b"],
            {},
            ["no folder test/ in it (found: train/)", "SPLIT/CLASS/IMAGE"],
        ),
        (["test/a", "val/a"], {}, ["no folder train/ in it (found: test/, val/)"]),
        (["cats", "dogs"], {}, ["no folders train/ and test/ in it (found: cats/, dogs/)"]),
        (["train/a", "train/b", "test/a"], {}, ["the class 'b' stands in train but not in test"]),
        (["train/a", "test/a", "val/c"], {}, ["the class 'a' stands in train and test but not in"]),
        (["train/a", "test/a"], {}, ["fewer than two classes"]),
        (["train/a", "test/a", "val/a", "valid/a"], {}, ["are both the split validation"]),
        (
            ["train/a", "train/b", "test/a", "test/b"],
            {"checksum": "ab" * 32},
            ["dataset.checksum: the SHA-256 of an archive, and dataset.path is a folder"],
        ),
        (["train/a", "train/b", "test/a", "test/b"], {}, []),
        (["Train/a", "Train/b", "TEST/a", "TEST/b", "val/a", "val/b", "extra/c"], {}, []),
        (["images/train/a", "images/train/b", "images/test/a", "images/test/b", ".git"], {}, []),
    ],
)
def test_the_layout_of_a_folder_of_images_is_checked_with_the_config(
    folders, more, expected, tmp_path
):
    for folder in folders:
        (tmp_path / "given" / folder).mkdir(parents=True)
    dataset = {"kind": "folder", "path": str(tmp_path / "given")} | more
    read_study(GOOD | {"dataset": dataset}, [], check_files=False)
    if not expected:
        read_study(GOOD | {"dataset": dataset}, [])
        return
    with pytest.raises(UserError) as error:
        read_study(GOOD | {"dataset": dataset}, [])
    for part in ["dataset.", *expected]:
        assert part in str(error.value)


def test_a_file_that_is_no_archive_of_images_is_refused_with_the_config(tmp_path):
    for name in ("images.rar", "images.png", "images.7z"):
        (tmp_path / name).write_bytes(b"x")
        dataset = {"kind": "folder", "path": str(tmp_path / name)}
        with pytest.raises(UserError, match=r"dataset\.path = .*: not an image archive\. Allowed:"):
            read_study(GOOD | {"dataset": dataset}, [])


def test_a_comparison_on_test_images_is_refused_where_there_are_no_others():
    table = {"path": "runs.csv", "networks": {"vgg16": {"threshold": 0.76}}}
    tables_alone = {
        "study": "mine",
        "budget": {"evaluations": 100},
        "evaluation_tables": {"mine": table},
    }
    asked = {"statistics": {"test_images": True}}
    read_study(GOOD | asked, [], check_files=False)
    refused = r"statistics\.test_images.*the study has no networks, or searches on the test images"
    for config in (tables_alone, GOOD | {"evaluation": {"split": "test"}}):
        read_study(config, [], check_files=False)
        with pytest.raises(UserError, match=refused):
            read_study(config | asked, [], check_files=False)
