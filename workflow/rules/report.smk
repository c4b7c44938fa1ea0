rule report:
    input:
        **{table: f"<study>/statistics/{table}.csv" for table in STATISTICS},
        metrics=of_networks("<study>/baselines/{network}/metrics.json", NETWORKS),
        fronts=of_networks("<study>/fronts/{network}.csv", NETWORKS),
        tests=of_networks("<study>/fronts/{network}.test.csv", STUDY.networks),
        sizes=of_networks("<study>/fronts/{network}.sizes.csv", STUDY.networks),
        times=of_networks("<study>/inference/{network}.csv", STUDY.networks),
        iterations=of_networks("<study>/runs/{network}/iterations.csv", NETWORKS),
        timings=of_networks("<study>/runs/{network}/timings.csv", NETWORKS),
        figures=[
            f"<study>/figures/{figure}-{network}.svg"
            for network, figures in FIGURES.items()
            for figure in figures
        ],
        claims=rules.claims.output[0],
        template=os.path.relpath(REPORT / "report.html.j2"),
        parts=[
            os.path.relpath(part)
            for part in sorted(REPORT.iterdir())
            if part.suffix in (".j2", ".css")
        ],
        modules=modules_of("write_report.py"),
    output:
        report="<study>/report.html",
        summary="<study>/summary.json",
        config="<study>/config.yaml",
    log:
        "<study>/logs/report.log",
    benchmark:
        "<study>/benchmarks/report.tsv"
    localrule: True
    conda:
        "../../envs/paretopress.yaml"
    params:
        config=CONFIG,
        networks=NETWORKS,
        methods=list(METHODS),
        splits=SPLITS,
        constraints=CONSTRAINTS,
        figures=FIGURES,
        statistics=STATISTICS,
    script:
        "../scripts/write_report.py"
