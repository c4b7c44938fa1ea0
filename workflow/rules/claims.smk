TESTED = ("runs", "networks", "friedman", "factors", "pairwise", "level_pairs")


rule claims:
    input:
        **{table: f"<study>/statistics/{table}.csv" for table in TESTED},
        evaluations=of_networks("<study>/runs/{network}/evaluations.csv", PLANNED.networks),
        worst_runs=of_networks("<study>/fronts/{network}.worst-run.csv", PLANNED.compared),
        tests=of_networks("<study>/fronts/{network}.test.csv", STUDY.networks),
        passes=of_networks("<study>/inference/{network}.passes.csv", STUDY.networks),
        times=of_networks("<study>/inference/{network}.csv", STUDY.networks),
        timings=of_networks("<study>/runs/{network}/timings.csv", PLANNED.imported_networks),
        history=of_networks("<study>/baselines/{network}/history.csv", STUDY.networks),
        metrics=of_networks("<study>/baselines/{network}/metrics.json", STUDY.networks),
    output:
        "<study>/statistics/claims.csv",
    log:
        "<study>/logs/claims.log",
    benchmark:
        "<study>/benchmarks/claims.tsv"
    localrule: True
    conda:
        "../../envs/paretopress.yaml"
    params:
        **code_of("judge_claims.py"),
        significance_level=lookup(within=CONFIG, dpath="statistics/significance_level"),
        smallest_effect=lookup(within=CONFIG, dpath="statistics/smallest_effect"),
        budget=lookup(within=CONFIG, dpath="budget/evaluations"),
        own=list(STUDY.networks),
        compared=PLANNED.compared,
        figures=[
            f"{figure}-{network}.svg"
            for network, figures in PLANNED.figures.items()
            for figure in figures
        ],
    script:
        "../scripts/judge_claims.py"
