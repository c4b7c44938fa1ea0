rule statistics:
    input:
        runs=of_networks("<study>/runs/{network}/runs.csv", NETWORKS),
        timings=of_networks("<study>/runs/{network}/timings.csv", NETWORKS),
        metrics=of_networks("<study>/baselines/{network}/metrics.json", NETWORKS),
        modules=modules_of("compare_methods.py"),
    output:
        **{table: f"<study>/statistics/{table}.csv" for table in STATISTICS},
    log:
        "<study>/logs/statistics.log",
    benchmark:
        "<study>/benchmarks/statistics.tsv"
    localrule: True
    conda:
        "../../envs/paretopress.yaml"
    params:
        significance_level=lookup(within=CONFIG, dpath="statistics/significance_level"),
        splits=SPLITS,
        constraints=CONSTRAINTS,
    script:
        "../scripts/compare_methods.py"
