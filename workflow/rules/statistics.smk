STATISTICS = (
    "runs",
    "networks",
    "summary",
    "friedman",
    "ranks",
    "pairwise",
    "factors",
    "levels",
    "level_pairs",
    "costs",
)


rule statistics:
    input:
        runs=of_networks("<study>/runs/{network}/runs.csv", PLANNED.networks),
        timings=of_networks("<study>/runs/{network}/timings.csv", PLANNED.networks),
        metrics=of_networks("<study>/baselines/{network}/metrics.json", PLANNED.networks),
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
        **code_of("compare_methods.py"),
        significance_level=lookup(within=CONFIG, dpath="statistics/significance_level"),
        smallest_effect=lookup(within=CONFIG, dpath="statistics/smallest_effect"),
        splits=PLANNED.splits,
        constraints=PLANNED.constraints,
        sizes=PLANNED.sizes,
    script:
        "../scripts/compare_methods.py"
