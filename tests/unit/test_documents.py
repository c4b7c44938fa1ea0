"""What is made from the code agrees with it: the key tables, the schema, the pins, the imports."""

import json
import re
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator
from paths import ROOT

from paretopress.config.schema import json_schema, key_tables
from paretopress.imports import PACKAGE

SCRIPTS = ROOT / "workflow" / "scripts"


def pins(file: str) -> list[str]:
    return [
        line
        for line in (ROOT / "envs" / file).read_text(encoding="utf-8").splitlines()
        if "==" in line and not line.startswith("#")
    ]


def test_the_readme_of_the_config_explains_every_key():
    assert (ROOT / "config" / "README.md").read_text(encoding="utf-8").endswith(key_tables()), (
        "run `make docs`"
    )


def test_the_schema_is_that_of_the_model_and_takes_the_configs():
    schema = json.loads((ROOT / "config" / "schema.json").read_text(encoding="utf-8"))
    assert schema == json.loads(json_schema()), "run `make docs`"
    for file in (ROOT / "config").glob("*.yaml"):
        Draft202012Validator(schema).validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    methods = Draft202012Validator(schema | {"required": []})
    assert methods.is_valid({"methods": [{"family": "your_own", "settings": {"step": 1}}]})
    assert not methods.is_valid({"methods": [{"family": "surrogate"}]})


def test_every_pin_is_in_the_lock_and_in_the_conda_environment():
    runtime, lock = pins("requirements.txt"), set(map(str.lower, pins("lock.txt")))
    every = [
        *runtime,
        *pins("requirements-slurm.txt"),
        *pins("requirements-peers.txt"),
        *pins("requirements-dev.txt"),
    ]
    assert {re.sub(r"[-_]+", "-", pin.lower()) for pin in every} <= {
        re.sub(r"[-_]+", "-", pin) for pin in lock
    }
    conda = yaml.safe_load((ROOT / "envs" / "paretopress.yaml").read_text(encoding="utf-8"))
    assert conda["dependencies"][-1]["pip"] == runtime


def test_nothing_in_the_package_imports_snakemake():
    for file in PACKAGE.rglob("*.py"):
        assert not re.search(
            r"^\s*(import|from) snakemake", file.read_text(encoding="utf-8"), re.MULTILINE
        ), file


def test_every_rule_logs_benchmarks_and_names_its_environment():
    # What is downloaded is settled by its checksum, so that the download must not depend on the downloader.
    # A forecast is no result: another one would rerun the report alone.
    watched = dict.fromkeys(("download.smk", "forecast.smk"), ("log:", "benchmark:", "conda:"))
    for file in (ROOT / "workflow" / "rules").glob("*.smk"):
        for rule in re.split(r"^rule ", file.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            for directive in watched.get(file.name, ("log:", "benchmark:", "conda:", "**code_")):
                assert directive in rule, (file.name, rule.split(":")[0], directive)
            script = re.search(r'"\.\./scripts/(\w+\.py)"', rule).group(1)
            assert "with job(snakemake)" in (SCRIPTS / script).read_text(encoding="utf-8"), (
                "checks its inputs, records its outputs"
            )


def test_no_module_is_longer_than_300_lines():
    assert all(
        len(Path(file).read_text(encoding="utf-8").splitlines()) <= 300
        for file in SCRIPTS.rglob("*.py")
    )


def test_every_test_that_a_promise_rests_on_is_there():
    named = set(
        re.findall(r"`(tests/[\w/.]*)`", (ROOT / "docs" / "trust.md").read_text(encoding="utf-8"))
    )
    assert len(named) >= 15
    assert {name for name in named if not (ROOT / name).exists()} == set()
