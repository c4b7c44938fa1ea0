rule hypervolume:
    input:
        evaluations=rules.search.output.evaluations,
        metrics="<study>/baselines/{network}/metrics.json",
    output:
        "<study>/runs/{network}/{method}/seed-{seed}/hypervolume.json",
    log:
        "<study>/logs/hypervolume/{network}/{method}/seed-{seed}.log",
    benchmark:
        "<study>/benchmarks/hypervolume/{network}/{method}/seed-{seed}.tsv"
    conda:
        "../../envs/paretopress.yaml"
    params:
        **code_of("measure_hypervolume.py", many_jobs=True),
        constraint=lookup(within=CONFIG, dpath="constraint"),
        split=lookup(within=CONFIG, dpath="evaluation/split"),
        size=lookup(within=CONFIG, dpath="objectives/size"),
    script:
        "../scripts/measure_hypervolume.py"
