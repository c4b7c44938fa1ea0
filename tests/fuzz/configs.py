"""Strategies for whole configs: valid ones, made from the models of the config, and ones with a single mistake."""

import datetime
import string
from copy import deepcopy
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from hypothesis import strategies as st
from pydantic import StringConstraints

from paretopress.config.base import ADDRESS, NAME, PATH, SHA256
from paretopress.config.candidates import SURROGATES
from paretopress.config.dataset import Cifar10Dataset, DigitsDataset, FolderDataset
from paretopress.config.evaluation_tables import Columns, EvaluationTable
from paretopress.config.export import LEAST_ACCURACY, WORDS
from paretopress.config.methods import CANDIDATE, RegisteredMethod
from paretopress.config.networks import Network, OwnNetwork
from paretopress.config.schema import Allowed, allowed_of, field_allowed, models_of
from paretopress.config.search import AmountRange, Constraint
from paretopress.config.study import Study

LETTERS = string.ascii_letters + string.digits
IMAGES, WEIGHTS, CODE = "images.zip", "weights.safetensors", "network.py"
Config = dict[str, Any]


def make_files(folder: Path) -> None:
    """The files that the configs name; what is in them is read by no check of a config but the code."""
    (folder / IMAGES).write_bytes(b"PK")
    (folder / WEIGHTS).write_bytes(b"\x02" + bytes(7) + b"{}")  # the shortest safetensors
    (folder / CODE).write_text(
        "def build_network(num_classes): ...\ndef other(num_classes): ...\n", encoding="utf-8"
    )


def names() -> st.SearchStrategy[str]:
    plain = st.builds(str.__add__, st.sampled_from(LETTERS), st.text(LETTERS + "_.-", max_size=12))
    return st.one_of(
        plain,
        st.from_regex(NAME, fullmatch=True),
        st.sampled_from(["1", "1e5", "null", "true", "CON", "a.b", "a..", "xy" * 9]),
    )


def arguments() -> st.SearchStrategy[Config]:
    """Plain values of any shape."""
    leaf = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**31), 2**31),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=8),
    )
    values = st.recursive(
        leaf,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.text(min_size=1, max_size=5), inner, max_size=3)
        ),
        max_leaves=5,
    )
    return st.dictionaries(st.text(min_size=1, max_size=6), values, max_size=3)


def _bound(allowed: Allowed, *kinds: str) -> Any:
    found = [
        getattr(item, kind)
        for item in allowed.constraints
        for kind in kinds
        if getattr(item, kind, None) is not None
    ]
    return found[0] if found else None


TEXTS = {
    NAME: names(),
    ADDRESS: st.from_regex(r"https?://[a-z0-9.]{1,10}/[!-~]{0,10}", fullmatch=True),
    SHA256: st.text("0123456789abcdefABCDEF", min_size=64, max_size=64),
    PATH: st.just(CODE),
    CANDIDATE: st.sampled_from([*SURROGATES, "sklearn.svm.SVR", "sklearn.linear_model.Ridge"]),
}


def _numbers(allowed: Allowed) -> st.SearchStrategy[Any]:
    low, above = _bound(allowed, "ge"), _bound(allowed, "gt")
    high, below = _bound(allowed, "le"), _bound(allowed, "lt")
    if allowed.annotation is int:
        least = low if low is not None else above + 1 if above is not None else -(10**9)
        most = high if high is not None else below - 1 if below is not None else 10**9
        return st.integers(least, most) | st.sampled_from([least, most])
    bounds = {
        "min_value": low if low is not None else above,
        "max_value": high if high is not None else below,
    }
    return st.floats(
        **bounds,
        exclude_min=above is not None,
        exclude_max=below is not None,
        allow_nan=False,
        allow_infinity=False,
    )


def values(allowed: Allowed) -> st.SearchStrategy[Any]:
    """What a key may hold by its annotation."""
    kind, origin = allowed.annotation, get_origin(allowed.annotation)
    if models := models_of(allowed):
        return st.one_of(*map(sections, models))
    if origin is Literal:
        return st.sampled_from(get_args(kind))
    if origin is list:
        length = {
            "min_size": _bound(allowed, "min_length") or 0,
            "max_size": _bound(allowed, "max_length") or 4,
        }
        fixed = length["min_size"] == length["max_size"]
        return st.lists(
            values(allowed_of(get_args(kind)[0])),
            **length,
            **({} if fixed else {"unique_by": repr}),
        )
    if origin is dict and get_args(kind)[1] is Any:
        return arguments()
    if origin is dict:
        inner = values(allowed_of(get_args(kind)[1]))
        return st.dictionaries(
            names(), inner, min_size=_bound(allowed, "min_length") or 0, max_size=2
        )
    if kind is str:
        patterns = [
            str(item.pattern)
            for item in allowed.constraints
            if isinstance(item, StringConstraints) and item.pattern
        ]
        return TEXTS[patterns[0]] if patterns else st.text(min_size=1, max_size=8)
    return st.booleans() if kind is bool else _numbers(allowed)


# Where an annotation does not say it all: what two keys of one section must have in common, and the files that are there.
def _cropped(section: Config) -> Config:
    resize, size = section.get("resize"), section.get("image_size", 32)
    return section if resize is None else section | {"resize": max(resize, size)}


def _digits(section: Config) -> Config:
    section = _cropped(section)
    held_out = section.get("validation_fraction", 0.2) + section.get("test_fraction", 0.2)
    return (
        section if held_out < 1 else section | {"validation_fraction": 0.5, "test_fraction": 0.25}
    )


def _one_limit(section: Config) -> Config:
    key = next(iter(section), "floor")
    return {key: section.get(key) or 0.5}


def _ordered(section: Config) -> Config:
    low, high = sorted((section.get("minimum", 0.001), section.get("maximum", 0.999)))
    return {"minimum": low, "maximum": high} if low < high else {}


def _one_source(section: Config) -> Config:
    if section.get("weights") is not None:
        return {key: value for key, value in section.items() if key != "training"} | {
            "weights": WEIGHTS
        }
    return {key: value for key, value in section.items() if key != "checksum"}


def _own_name(section: Config) -> Config:
    name = (section.get("name") or "").lower()
    bad = (
        name in ("initial", "test", "training")
        or name.startswith(("surrogate-", "ctaea-"))
        or name.endswith(".csv")
    )
    section = {key: value for key, value in section.items() if key != "settings"}
    return section | {"name": "own"} if bad else section


def _distinct_columns(section: Config) -> Config:
    """Two columns that one name is given to would be one column of the table."""
    return {
        key: f"{key} {value}" if isinstance(value, str) else [f"{key} {one}" for one in value]
        for key, value in section.items()
    }


FITTED = {
    DigitsDataset: _digits,
    FolderDataset: lambda section: _cropped(section) | {"path": IMAGES},
    Cifar10Dataset: _cropped,
    Constraint: _one_limit,
    AmountRange: _ordered,
    Network: _one_source,
    OwnNetwork: lambda section: section | {"function": "build_network"},
    RegisteredMethod: _own_name,
    Columns: _distinct_columns,
}
OVERRIDES: dict[tuple[type, str], st.SearchStrategy[Any]] = {
    (Network, "weights"): st.just(WEIGHTS) | st.none(),
    (RegisteredMethod, "family"): st.just("random"),
    (EvaluationTable, "checksum"): st.none(),  # a table is read where the jobs are planned
    (Study, "export"): st.dictionaries(
        st.text("abc", min_size=1, max_size=2),  # _spread gives them the names of networks
        st.lists(st.sampled_from([*WORDS, f"{LEAST_ACCURACY} 0.5", "0123456789ab"]), unique=True),
        max_size=2,
    ),
}
ALWAYS = {
    (Study, "dataset"),
    (Study, "networks"),
    (Study, "methods"),
}  # what most of a study hangs on


def sections(model: type) -> st.SearchStrategy[Config]:
    """A section by its model: what it needs, and any of the rest."""
    fields = {}
    for key, field in model.model_fields.items():
        given = OVERRIDES.get((model, key), values(field_allowed(field)))
        fields[key] = (
            st.none() | given if field.default is None and not field.is_required() else given
        )
    required = {
        key: fields.pop(key)
        for key, field in model.model_fields.items()
        if field.is_required() or (model, key) in ALWAYS
    }
    return st.fixed_dictionaries(required, optional=fields).map(FITTED.get(model, dict))


def _spread(study: Config) -> Config:
    """The study with what the checks between sections ask for."""
    study = {key: value for key, value in study.items() if value is not None}
    networks, tables = study.get("networks", {}), study.get("evaluation_tables", {})
    if study["study"].lower() in ("downloads", "readme.md"):
        study["study"] = "s"
    if not networks and not tables:
        study["networks"] = networks = {"only": {"architecture": {"name": "vgg16_slim"}}}
    budget = {"evaluations": 100, "initial": 50} | study.get("budget", {})
    budget["initial"], budget["evaluations"] = sorted(
        (max(budget["initial"], 20), max(budget["evaluations"], 20))
    )
    methods, seen = [], set()
    for family in study.get("methods", []):
        if family["family"] == "ctaea":
            family = {"family": "ctaea", "population": 2, "generations": budget["evaluations"] // 2}
            budget["evaluations"] -= budget["evaluations"] % 2
            budget["initial"] = min(budget["initial"], budget["evaluations"])
        if family["family"] not in seen:  # of one family two entries can stand for one method
            methods.append(family)
        seen.add(family["family"])
    study |= {"budget": budget, "methods": methods or [{"family": "random"}]}
    study["seeds"] = study.get("seeds") or [0]
    study["dataset"] = study.get("dataset") or {"kind": "digits"}
    # Names apart: networks of tables are judged by themselves.
    study["networks"] = {
        f"{name[:80]}-{index}": network for index, (name, network) in enumerate(networks.items())
    }
    study["export"] = dict(zip(study["networks"], study.get("export", {}).values(), strict=False))
    study["evaluation_tables"] = {
        name: table
        | {
            "path": f"table-{index}.csv",
            "networks": {
                f"{network[:70]}-{index}-{inner}": facts
                for inner, (network, facts) in enumerate(table["networks"].items())
            },
        }
        for index, (name, table) in enumerate(tables.items())
    }
    return study


def studies() -> st.SearchStrategy[Config]:
    """Valid configs, of every key. Their files are those of `make_files` and a table-0.csv, ... for each table."""
    return sections(Study).map(_spread)


def paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place of a config."""
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [
        *([path] if path else []),
        *(found for key, one in inner for found in paths(one, (*path, key))),
    ]


REMOVED, UNKNOWN, TWICE = object(), object(), object()
ODD: list[Any] = [
    None, True, -1, 0, 1, 1.5, 10**10, 10**30, 1e300, float("inf"), float("nan"), "", " ", "x", "1", "1e-3", "..", "../x", "/x", "a/b", "{x}",
    "<study>", "a\x00b", "a\nb", "\ud800", "é", "=1+1", "x" * 300, "9" * 5000, "2020-13-45", [], [[]], [None], {}, {"x": 1}, {1: 2},
    datetime.date(2026, 1, 1), b"\xff", {1, 2}, (1, 2), len, REMOVED, UNKNOWN, TWICE,
]  # fmt: skip


@st.composite
def mistaken(draw: st.DrawFn) -> tuple[Config, tuple[str | int, ...], Any]:
    """A config in which one place was changed: the config, the place, what stands there now. It can be valid still."""
    config = deepcopy(draw(studies()))
    path = draw(st.sampled_from(paths(config)))
    value = draw(st.sampled_from(ODD) | st.text(max_size=5) | st.integers() | st.floats())
    section = config
    for key in path[:-1]:
        section = section[key]
    if value is REMOVED:
        del section[path[-1]]
    elif value is UNKNOWN and isinstance(section, dict):
        section["unknown"] = 1
        path = (*path[:-1], "unknown")
    elif value is TWICE and isinstance(section, list):
        section.append(section[path[-1]])
        path = path[:-1]
    else:
        section[path[-1]] = None if value in (UNKNOWN, TWICE) else value
    return config, path, value
