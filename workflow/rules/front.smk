rule union_front:
    input:
        evaluations=of_every_run("evaluations.csv"),
        metrics="<study>/baselines/{network}/metrics.json",
        modules=modules_of("join_fronts.py"),
    output:
        "<study>/fronts/{network}.csv",
    log:
        "<study>/logs/fronts/{network}.log",
    benchmark:
        "<study>/benchmarks/fronts/{network}.tsv"
    conda:
        "../../envs/paretopress.yaml"
    params:
        constraint=lookup(within=CONFIG, dpath="constraint"),
        split=lookup(within=CONFIG, dpath="evaluation/split"),
    script:
        "../scripts/join_fronts.py"
