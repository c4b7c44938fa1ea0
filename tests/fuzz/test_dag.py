"""Valid configs build a DAG with real Snakemake: the jobs that they ask for, and nothing planned or written outside the study's folder."""

from pathlib import Path

import pytest
import yaml
from cases import PROFILE
from hypothesis import given, settings
from paths import ROOT
from snakemake.api import SnakemakeApi
from snakemake.settings.types import ConfigSettings, OutputSettings, Quietness, ResourceSettings

from fuzz.configs import Config, make_files, studies
from fuzz.tables import text_of
from paretopress.config.validation import read_study

pytestmark = pytest.mark.slow
# A DAG takes about as long as a hundred other cases.
CASES = {"few": 2, "more": 8, "many": 250}


def planned(file: Path) -> tuple[list[str], set[str]]:
    """The rules of the jobs that a dry run would start, and the files that they would write."""
    quiet = OutputSettings(dryrun=True, quiet={Quietness.ALL})
    with SnakemakeApi(quiet) as api:
        workflow = api.workflow(
            resource_settings=ResourceSettings(cores=1),
            config_settings=ConfigSettings(configfiles=[file]),
            snakefile=ROOT / "Snakefile",
            workdir=file.parent,
        )
        workflow.dag().execute_workflow(executor="dryrun")
        jobs = list(workflow._workflow.dag.jobs)
        return [job.rule.name for job in jobs], {
            str(path)
            for job in jobs
            for path in (*job.output, *job.log, *filter(None, [job.benchmark]))
        }


def listing(folder: Path) -> set[str]:
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if ".snakemake" not in path.parts
    }


@settings(max_examples=CASES[PROFILE])
@given(studies())
def test_a_valid_config_builds_the_dag_that_it_asks_for(
    tmp_path_factory, monkeypatch, caplog, config: Config
):
    folder = tmp_path_factory.mktemp("study") / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    make_files(folder)
    for number, table in enumerate(config["evaluation_tables"].values()):
        table.pop("columns", None)
        rows = [
            {
                "network": network,
                "method": method,
                "seed": 1,
                "evaluation": 1,
                "accuracy": 0.8,
                "nonzero_rate": 0.5,
            }
            for network in table["networks"]
            for method in (f"theirs-{number}", "surrogate-mse-mse", "surrogate-mse-mape")
        ]
        (folder / table["path"]).write_text(text_of(rows, {}), encoding="utf-8")
    file = folder / "mine.yaml"
    file.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    before = listing(folder.parent)
    study = read_study(config, [str(file)])
    rules, files = planned(file)
    assert rules.count("search") == len(study.networks) * len(study.methods_by_name()) * len(
        study.seeds
    )
    assert rules.count("report") == 1
    assert rules.count("export") == len(study.export)
    assert all(
        path.startswith((f"results/{study.study}/", "results/downloads/"))
        and ".." not in Path(path).parts
        for path in files
    )
    assert listing(folder.parent) - before <= {"project/results"} | {
        path for path in listing(folder.parent) if "/logs" in path
    }
