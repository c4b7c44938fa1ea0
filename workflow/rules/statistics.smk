rule statistics:
    input:
        hypervolumes=of_every_network(of_every_run("hypervolume.json")),
        iterations=of_every_network(of_every_run("iterations.csv")),
        evaluations=of_every_network(of_every_run("evaluations.csv")),
        modules=modules_of("compare_methods.py"),
    output:
        summary="<study>/statistics/summary.csv",
        friedman="<study>/statistics/friedman.csv",
        pairwise="<study>/statistics/pairwise.csv",
    log:
        "<study>/logs/statistics.log",
    benchmark:
        "<study>/benchmarks/statistics.tsv"
    conda:
        "../../envs/paretopress.yaml"
    params:
        significance_level=lookup(within=CONFIG, dpath="statistics/significance_level"),
    script:
        "../scripts/compare_methods.py"
