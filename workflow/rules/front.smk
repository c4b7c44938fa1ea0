rule union_front:
    input:
        evaluations=of_runs("evaluations.csv", PLANNED.front_runs),
        metrics="<study>/baselines/{network}/metrics.json",
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
        **code_of("join_fronts.py"),
        constraint=lookup(within=PLANNED.constraints, dpath="{network}"),
        split=lookup(within=PLANNED.splits, dpath="{network}"),
        size=lookup(within=PLANNED.sizes, dpath="{network}"),
    script:
        "../scripts/join_fronts.py"


# The paper draws and times the front of one run: the worst run of the best setting.
rule worst_run_front:
    input:
        evaluations=of_runs("evaluations.csv", PLANNED.front_runs),
        hypervolumes=of_runs("hypervolume.json", PLANNED.front_runs),
        metrics="<study>/baselines/{network}/metrics.json",
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
        **code_of("take_worst_run.py"),
        constraint=lookup(within=PLANNED.constraints, dpath="{network}"),
        split=lookup(within=PLANNED.splits, dpath="{network}"),
        size=lookup(within=PLANNED.sizes, dpath="{network}"),
        budget=lookup(within=CONFIG, dpath="budget/evaluations"),
        imported=lambda wildcards: wildcards.network not in STUDY.networks,
    script:
        "../scripts/take_worst_run.py"
