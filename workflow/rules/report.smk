# A study of the embedded digits takes minutes, and has no forecast.
FORECAST = [] if getattr(STUDY.dataset, "kind", "") == "digits" else list(STUDY.networks)


rule report:
    input:
        **{table: f"<study>/statistics/{table}.csv" for table in STATISTICS},
        dataset=["<study>/dataset/images.json"] if STUDY.networks else [],
        checks=of_networks("<study>/baselines/{network}/check.json", STUDY.networks),
        # Not `ancient`: Snakemake would hide other changes behind one that is made again.
        forecasts=of_networks("<study>/baselines/{network}/forecast.json", FORECAST),
        history=of_networks("<study>/baselines/{network}/history.csv", STUDY.networks),
        metrics=of_networks("<study>/baselines/{network}/metrics.json", PLANNED.networks),
        fronts=of_networks("<study>/fronts/{network}.csv", PLANNED.networks),
        tests=of_networks("<study>/fronts/{network}.test.csv", STUDY.networks),
        sizes=of_networks("<study>/fronts/{network}.sizes.csv", STUDY.networks),
        times=of_networks("<study>/inference/{network}.csv", STUDY.networks),
        exports=of_networks("<study>/export/{network}/exports.json", STUDY.export),
        evaluations=of_networks("<study>/runs/{network}/evaluations.csv", PLANNED.networks),
        on_test=(
            [f"<study>/statistics/{table}.test.csv" for table in TABLES_ON_TEST_IMAGES]
            if STUDY.statistics.test_images
            else []
        ),
        iterations=of_networks("<study>/runs/{network}/iterations.csv", PLANNED.networks),
        timings=of_networks("<study>/runs/{network}/timings.csv", PLANNED.networks),
        figures=[
            f"<study>/figures/{figure}-{network}.svg"
            for network, figures in PLANNED.figures.items()
            for figure in figures
        ],
        claims=rules.claims.output[0],
        template=local(os.path.relpath(REPORT / "report.html.j2")),
        parts=[
            local(os.path.relpath(part))
            for part in sorted(REPORT.rglob("*"))
            if part.suffix in (".j2", ".css", ".js")
        ],
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
        **code_of("write_report.py"),
        config=CONFIG,
        networks=PLANNED.networks,
        methods=list(PLANNED.methods),
        candidates=PLANNED.candidates,
        splits=PLANNED.splits,
        constraints=PLANNED.constraints,
        sizes=PLANNED.sizes,
        figures=PLANNED.figures,
        statistics=STATISTICS,
        normalization_left_out=STUDY.normalization_left_out,
    script:
        "../scripts/write_report.py"
