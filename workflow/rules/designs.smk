rule initial_designs:
    input:
        weights="<study>/baselines/{network}/weights.safetensors",
        # Passed is passed: another floor is checked, and what has been evaluated stays.
        gate=ancient("<study>/baselines/{network}/gate.passed"),
        images=f"<study>/dataset/{STUDY.evaluation.split}.safetensors",
        own_code=own_code_of,
    output:
        designs="<study>/designs/{network}/seed-{seed}.csv",
        timings="<study>/designs/{network}/seed-{seed}.timings.csv",
    log:
        "<study>/logs/designs/{network}/seed-{seed}.log",
    benchmark:
        "<study>/benchmarks/designs/{network}/seed-{seed}.tsv"
    conda:
        "../../envs/paretopress.yaml"
    params:
        **code_of("initial_designs.py"),
        architecture=lookup(within=CONFIG, dpath="networks/{network}/architecture"),
        space=lookup(within=CONFIG, dpath="search_space"),
        sample_size=lookup(within=CONFIG, dpath="budget/initial"),
        batch_size=lookup(within=CONFIG, dpath="evaluation/batch_size"),
        journal=PLANNED.journal("{network}", "initial", "seed-{seed}"),
    script:
        "../scripts/initial_designs.py"
