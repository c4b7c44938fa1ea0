# One job reads all tables. A run is only a few of their lines, so that starting a job for each run
# would take longer than reading them.
rule import_runs:
    input:
        tables=[local(table.path) for table in STUDY.evaluation_tables.values()],
    output:
        [PLANNED.run_file(run, file) for run in PLANNED.imported for file in RUN_FILES],
        metrics=of_networks(
            "<study>/baselines/{network}/metrics.json",
            PLANNED.imported_networks,
        ),
    log:
        "<study>/logs/import_runs.log",
    benchmark:
        "<study>/benchmarks/import_runs.tsv"
    localrule: True
    conda:
        "../../envs/paretopress.yaml"
    params:
        **code_of("import_runs.py"),
        tables=lookup(within=CONFIG, dpath="evaluation_tables"),
        sizes={run.network: PLANNED.sizes[run.network] for run in PLANNED.imported},
        results=placed(PLANNED.results),
    script:
        "../scripts/import_runs.py"
