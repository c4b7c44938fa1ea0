"""Writes the report, and the config that it is about with every default filled in."""

import platform
from importlib.metadata import version
from pathlib import Path

from paretopress.logs import job_log
from paretopress.metrics import read_metrics
from paretopress.objectives import threshold_of
from paretopress.report import effective_config, network_page, render
from paretopress.tables import read_table, read_tables

PACKAGES = ("torch", "torchvision", "pymoo", "scikit-learn", "xgboost", "lightgbm", "snakemake")

with job_log(snakemake.log[0]):
    config, inputs = snakemake.params.config, snakemake.input
    split = config["evaluation"]["split"]
    iterations = read_tables(inputs.iterations)
    statistics = {name: read_table(inputs[name]) for name in ("summary", "friedman", "pairwise")}
    pages = []
    for position, name in enumerate(config["networks"]):
        metrics = read_metrics(Path(inputs.metrics[position]))
        figures = {kind: inputs[f"{kind}_figures"][position] for kind in ("front", "inference", "hypervolume", "convergence")}
        thresholds = {images: threshold_of(metrics, images, config["constraint"]) for images in (split, "test")}
        front = read_table(inputs.fronts[position])
        measured = {kind: read_table(inputs[kind][position]) for kind in ("tests", "sizes", "times")}
        pages.append(network_page(name, metrics, split, thresholds, front, measured, figures, iterations, statistics))
    versions = {"Python": platform.python_version()} | {package: version(package) for package in PACKAGES}
    Path(snakemake.output.report).write_text(render(Path(inputs.template), config, pages, versions), encoding="utf-8")
    Path(snakemake.output.config).write_text(effective_config(config), encoding="utf-8")
