JOINED = ("evaluations", "iterations", "timings")


# Joins the runs of a network into one file of each kind, so that later rules read a few tables,
# however many runs there are.
rule join_runs:
    input:
        **{table: of_runs(f"{table}.csv", PLANNED.runs) for table in JOINED},
    output:
        **{table: f"<study>/runs/{{network}}/{table}.csv" for table in JOINED},
    log:
        "<study>/logs/join_runs/{network}.log",
    benchmark:
        "<study>/benchmarks/join_runs/{network}.tsv"
    conda:
        "../../envs/paretopress.yaml"
    params:
        **code_of("join_runs.py"),
        columns=lambda wildcards: {
            "candidates": PLANNED.candidates,
            "size": PLANNED.sizes[wildcards.network],
        },
    script:
        "../scripts/join_runs.py"


rule tabulate_runs:
    input:
        **{table: f"<study>/runs/{{network}}/{table}.csv" for table in JOINED},
        hypervolumes=of_runs("hypervolume.json", PLANNED.runs),
    output:
        runs="<study>/runs/{network}/runs.csv",
        history="<study>/runs/{network}/history.csv",
    log:
        "<study>/logs/tabulate_runs/{network}.log",
    benchmark:
        "<study>/benchmarks/tabulate_runs/{network}.tsv"
    conda:
        "../../envs/paretopress.yaml"
    params:
        **code_of("tabulate_runs.py"),
        budget=lookup(within=CONFIG, dpath="budget/evaluations"),
        imported=lambda wildcards: [
            [run.method, run.seed] for run in PLANNED.imported if run.network == wildcards.network
        ],
    script:
        "../scripts/tabulate_runs.py"
