# The folders of the designs are written beside the output. They have the SHA-256 of their files.
rule export:
    input:
        **MOVES,
        front="<study>/fronts/{network}.csv",
        evaluations="<study>/runs/{network}/evaluations.csv",
        weights="<study>/baselines/{network}/weights.safetensors",
        metrics="<study>/baselines/{network}/metrics.json",
        train=rules.dataset.output.train,
        search=f"<study>/dataset/{STUDY.evaluation.split}.safetensors",
        test=rules.dataset.output.test,
        templates=[
            local(os.path.relpath(template))
            for template in sorted((SCRIPTS / "paretopress" / "export").glob("*.j2"))
        ],
        own_code=own_code_of,
    output:
        "<study>/export/{network}/exports.json",
    log:
        "<study>/logs/export/{network}.log",
    benchmark:
        "<study>/benchmarks/export/{network}.tsv"
    conda:
        "../../envs/paretopress.yaml"
    # As of inference_time: nothing else runs beside the timing.
    threads: (None if workflow.remote_exec else workflow.resource_settings.cores) or STUDY.inference_time.threads
    params:
        **code_of("export_designs.py"),
        settings=lambda wildcards: export_settings(PLANNED, wildcards.network),
        choices=lookup(within=CONFIG, dpath="export/{network}"),
        progress=placed(PLANNED.journal("{network}", "fine-tuned")),
    script:
        "../scripts/export_designs.py"
