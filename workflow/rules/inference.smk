# The job checks the same, but would do so after all the searches.
onstart:
    if workflow.resource_settings.cores and any(
        job.rule.name == "inference_time" for job in workflow.dag.needrun_jobs()
    ):
        try:
            require_cores(STUDY.inference_time.threads, workflow.resource_settings.cores)
        except UserError as error:
            raise WorkflowError(str(error))


rule inference_time:
    input:
        front="<study>/fronts/{network}.csv",
        worst_run=lambda wildcards: of_networks(
            "<study>/fronts/{network}.worst-run.csv", {wildcards.network} & set(COMPARED)
        ),
        weights="<study>/baselines/{network}/weights.safetensors",
        images=rules.dataset.output.test,
        own_code=own_code_of,
        modules=modules_of("time_front.py"),
    output:
        times="<study>/inference/{network}.csv",
        passes="<study>/inference/{network}.passes.csv",
    log:
        "<study>/logs/inference/{network}.log",
    benchmark:
        "<study>/benchmarks/inference/{network}.tsv"
    conda:
        "../../envs/paretopress.yaml"
    # All cores, so that Snakemake runs nothing beside it; how many of them torch uses is inference_time.threads. Cluster runs
    # need not name --cores: there the profile gives the job a machine of its own.
    threads: workflow.resource_settings.cores or STUDY.inference_time.threads
    params:
        architecture=lookup(within=CONFIG, dpath="networks/{network}/architecture"),
        initial_seed=lookup(within=CONFIG, dpath="budget/initial_seed"),
        settings=lookup(within=CONFIG, dpath="inference_time"),
    script:
        "../scripts/time_front.py"
