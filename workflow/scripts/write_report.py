"""Write the report, its numbers as JSON, and the config of the study with all defaults."""

import json
import platform
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from paretopress.config.candidates import in_words
from paretopress.config.export import command_in
from paretopress.jobs.files import write_whole
from paretopress.jobs.job import job
from paretopress.jobs.machine import this_machine
from paretopress.networks.metrics import read_metrics
from paretopress.report.comparison import comparison
from paretopress.report.costs import with_forecasts
from paretopress.report.networks import network_page
from paretopress.report.plot import front_plot
from paretopress.report.render import effective_config, render
from paretopress.report.ship import exported_series, to_ship
from paretopress.report.sources import sources
from paretopress.report.summary import summary_json
from paretopress.runs.forecast import read_times
from paretopress.search.objectives import threshold_of
from paretopress.statistics.costs import machines
from paretopress.tables import read_table, records

PACKAGES = ("torch", "torchvision", "pymoo", "scikit-learn", "xgboost", "lightgbm")
ALWAYS = ("moocore", "pandas", "scipy", "scikit-posthocs", "snakemake")

with job(snakemake):
    config, inputs, params = snakemake.params.config, snakemake.input, snakemake.params
    statistics = {name: read_table(inputs[name]) for name in params.statistics}
    on_test = {Path(path).stem.split(".")[0]: read_table(path) for path in inputs.on_test}
    figures = {Path(path).stem: path for path in inputs.figures}
    files = {Path(path).parent.name: path for path in inputs.metrics}
    measured = {
        kind: dict(zip(config["networks"], inputs[kind], strict=True))
        for kind in ("tests", "sizes", "times")
    }
    checks = {
        name: json.loads(Path(path).read_text(encoding="utf-8"))["notes"]
        for name, path in zip(config["networks"], inputs.checks, strict=True)
    }
    forecasts = {
        Path(path).parent.name: read_times(Path(path).read_text(encoding="utf-8"))
        for path in inputs.forecasts
    }
    dataset = next((json.loads(Path(path).read_text("utf-8")) for path in inputs.dataset), None)
    histories = dict(zip(config["networks"], inputs.history, strict=True))
    export = command_in(Path(snakemake.output.config).parent)
    exports = {
        Path(path).parent.name: json.loads(Path(path).read_text("utf-8")) for path in inputs.exports
    }
    pages, plots, ships, comparisons, timings = [], {}, [], [], []
    for position, name in enumerate(params.networks):
        own, split, constraint = (
            name in config["networks"],
            params.splits[name],
            params.constraints[name],
        )
        metrics = read_metrics(Path(files[name]))
        thresholds = {
            images: threshold_of(metrics, images, constraint)
            for images in ((split, "test") if own else (split,))
        }
        pages.append(
            network_page(
                name,
                metrics,
                split,
                thresholds,
                read_table(inputs.fronts[position]),
                {kind: read_table(paths[name]) for kind, paths in measured.items()} if own else {},
                {figure: figures[f"{figure}-{name}"] for figure in params.figures[name]},
                read_table(histories[name])["validation_accuracy"] if own else (),
                own and bool(config["networks"][name]["weights"]),
                params.sizes[name],
                params.normalization_left_out,
            )
        )
        evaluations = read_table(inputs.evaluations[position])
        if own:  # imported runs of an own network are not on its front
            of_the_study = evaluations["method"].isin(params.methods)
            evaluations = evaluations[of_the_study & evaluations["seed"].isin(config["seeds"])]
            ships.append(to_ship(pages[-1], exports.get(name, []), export))
        others = exported_series(pages[-1], ships[-1]) if own else []
        plots[name] = front_plot(pages[-1], evaluations, split, export, others)
        comparisons.append(
            comparison(
                name,
                statistics,
                read_table(inputs.iterations[position]),
                config["budget"]["evaluations"],
                params.sizes[name],
                on_test,
            )
        )
        timings.append(read_table(inputs.timings[position]))
    timed = pd.concat(timings, ignore_index=True)
    statistics["claims"] = read_table(inputs.claims)
    statistics |= {f"{name}.test": table for name, table in on_test.items()}
    packages = (*(PACKAGES if config["networks"] else ()), *ALWAYS)
    versions = {"Python": platform.python_version()} | {
        package: version(package) for package in packages
    }
    surroundings = {"versions": versions, "machine": this_machine(), "machines": machines(timed)}
    page = render(
        Path(inputs.template),
        study=config["study"],
        config=config,
        config_text=effective_config(config),
        methods=params.methods,
        dataset=dataset,
        checks=checks,
        own_runs=len(config["networks"]) * len(params.methods) * len(config["seeds"]),
        surrogates=in_words(params.candidates),
        pages=pages,
        plots=plots,
        ships=ships,
        comparisons=comparisons,
        claims=records(statistics["claims"]),
        costs=list(with_forecasts(records(statistics["costs"]), forecasts, config["budget"])),
        sources=list(
            sources(
                list(config["networks"]),
                [page.name for page in pages if page.imported],
                list(config["networks"]) if on_test else [],
            )
        ),
        **surroundings,
    )
    write_whole(snakemake.output.report, page)
    write_whole(
        snakemake.output.summary, summary_json(config, pages, comparisons, statistics, surroundings)
    )
    write_whole(snakemake.output.config, effective_config(config))
