rule union_front:
    input:
        evaluations=of_front_runs("evaluations.csv"),
        metrics="<study>/baselines/{network}/metrics.json",
        modules=modules_of("join_fronts.py"),
    output:
        "<study>/fronts/{network}.csv",
    log:
        "<study>/logs/fronts/{network}.log",
    benchmark:
        "<study>/benchmarks/fronts/{network}.tsv"
    localrule: True
    conda:
        "../../envs/paretopress.yaml"
    params:
        constraint=lookup(within=CONSTRAINTS, dpath="{network}"),
        split=lookup(within=SPLITS, dpath="{network}"),
    script:
        "../scripts/join_fronts.py"


# The paper draws and times the front of one run: the worst run of the best setting.
rule worst_run_front:
    input:
        evaluations=of_front_runs("evaluations.csv"),
        hypervolumes=of_front_runs("hypervolume.json"),
        metrics="<study>/baselines/{network}/metrics.json",
        modules=modules_of("take_worst_run.py"),
    output:
        "<study>/fronts/{network}.worst-run.csv",
    log:
        "<study>/logs/fronts/{network}.worst-run.log",
    benchmark:
        "<study>/benchmarks/fronts/{network}.worst-run.tsv"
    localrule: True
    conda:
        "../../envs/paretopress.yaml"
    params:
        constraint=lookup(within=CONSTRAINTS, dpath="{network}"),
        split=lookup(within=SPLITS, dpath="{network}"),
        budget=lookup(within=CONFIG, dpath="budget/evaluations"),
        imported=lambda wildcards: wildcards.network not in STUDY.networks,
    script:
        "../scripts/take_worst_run.py"
