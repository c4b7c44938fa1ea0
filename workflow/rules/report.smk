rule report:
    input:
        metrics=of_every_network("<study>/baselines/{network}/metrics.json"),
        fronts=of_every_network("<study>/fronts/{network}.csv"),
        front_figures=of_every_network("<study>/figures/front-{network}.svg"),
        hypervolume_figures=of_every_network("<study>/figures/hypervolume-{network}.svg"),
        convergence_figures=of_every_network("<study>/figures/convergence-{network}.svg"),
        iterations=of_every_network(of_every_run("iterations.csv")),
        summary=rules.statistics.output.summary,
        friedman=rules.statistics.output.friedman,
        pairwise=rules.statistics.output.pairwise,
        template=os.path.relpath(SCRIPTS.parent / "report" / "report.html.j2"),
        modules=modules_of("write_report.py"),
    output:
        report="<study>/report.html",
        config="<study>/config.yaml",
    log:
        "<study>/logs/report.log",
    benchmark:
        "<study>/benchmarks/report.tsv"
    conda:
        "../../envs/paretopress.yaml"
    params:
        config=CONFIG,
    script:
        "../scripts/write_report.py"
