rule initial_designs:
    input:
        **MOVES,
        weights="<study>/baselines/{network}/weights.safetensors",
        metrics="<study>/baselines/{network}/metrics.json",
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
        **code_of("initial_designs.py", many_jobs=True),
        # No `lookup` where there are many jobs: it would search the whole config in each of them.
        architecture=lambda wildcards: CONFIG["networks"][wildcards.network]["architecture"],
        space=lookup(within=CONFIG, dpath="search_space"),
        moves=PLANNED.moves,
        sample_size=lookup(within=CONFIG, dpath="budget/initial"),
        batch_size=lookup(within=CONFIG, dpath="evaluation/batch_size"),
        device=lookup(within=CONFIG, dpath="evaluation/device"),
        # These functions take `threads`, so that the parameters trigger no rerun. A new gate does
        # not discard evaluations of a network that passed an earlier one.
        training=lambda wildcards, threads: CONFIG["networks"][wildcards.network]["training"],
        gate=lambda wildcards, threads: CONFIG["networks"][wildcards.network]["gate"],
        split=lookup(within=CONFIG, dpath="evaluation/split"),
        journal=placed(PLANNED.journal("{network}", "initial", "seed-{seed}")),
    script:
        "../scripts/initial_designs.py"
