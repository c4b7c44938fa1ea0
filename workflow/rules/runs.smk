# The runs of a network in one file of each kind: what comes after reads a few tables, however many runs there are.
rule join_runs:
    input:
        **{table: of_every_run(f"{table}.csv") for table in JOINED},
        modules=modules_of("join_runs.py"),
    output:
        **{table: f"<study>/runs/{{network}}/{table}.csv" for table in JOINED},
    log:
        "<study>/logs/join_runs/{network}.log",
    benchmark:
        "<study>/benchmarks/join_runs/{network}.tsv"
    conda:
        "../../envs/paretopress.yaml"
    script:
        "../scripts/join_runs.py"


rule tabulate_runs:
    input:
        **{table: f"<study>/runs/{{network}}/{table}.csv" for table in JOINED},
        hypervolumes=of_every_run("hypervolume.json"),
        modules=modules_of("tabulate_runs.py"),
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
        budget=lookup(within=CONFIG, dpath="budget/evaluations"),
        imported=imported_runs_of,
    script:
        "../scripts/tabulate_runs.py"
