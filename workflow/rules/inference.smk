rule inference_time:
    input:
        **MOVES,
        front="<study>/fronts/{network}.csv",
        worst_run=lambda wildcards: of_networks(
            "<study>/fronts/{network}.worst-run.csv", {wildcards.network} & set(PLANNED.compared)
        ),
        weights="<study>/baselines/{network}/weights.safetensors",
        images=rules.dataset.output.test,
        own_code=own_code_of,
    output:
        times="<study>/inference/{network}.csv",
        passes="<study>/inference/{network}.passes.csv",
    log:
        "<study>/logs/inference/{network}.log",
    benchmark:
        "<study>/benchmarks/inference/{network}.tsv"
    conda:
        "../../envs/paretopress.yaml"
    # All cores, so that Snakemake runs nothing beside this job. Torch uses inference_time.threads
    # of them. On a cluster the job has inference_time.threads cores, on a machine of its own (the
    # profile asks for one).
    threads: (None if workflow.remote_exec else workflow.resource_settings.cores) or STUDY.inference_time.threads
    params:
        **code_of("time_front.py"),
        architecture=lookup(within=CONFIG, dpath="networks/{network}/architecture"),
        initial_seed=lookup(within=CONFIG, dpath="budget/initial_seed"),
        moves=PLANNED.moves,
        settings=lookup(within=CONFIG, dpath="inference_time"),
    script:
        "../scripts/time_front.py"
