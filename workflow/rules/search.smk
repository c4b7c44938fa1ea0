rule search:
    input:
        **MOVES,
        weights="<study>/baselines/{network}/weights.safetensors",
        metrics="<study>/baselines/{network}/metrics.json",
        images=f"<study>/dataset/{STUDY.evaluation.split}.safetensors",
        designs=lambda wildcards: PLANNED.sample_file(run_of_job(wildcards), ".csv"),
        # A sample that is made again has the same designs but other times. `ancient`, because other
        # times are no reason to search again.
        timings=ancient(
            lambda wildcards: PLANNED.sample_file(run_of_job(wildcards), ".timings.csv")
        ),
        own_code=own_code_of,
        own_candidates=own_candidates_of,
    output:
        evaluations="<study>/runs/{network}/{method}/seed-{seed}/evaluations.csv",
        iterations="<study>/runs/{network}/{method}/seed-{seed}/iterations.csv",
        timings="<study>/runs/{network}/{method}/seed-{seed}/timings.csv",
    log:
        "<study>/logs/runs/{network}/{method}/seed-{seed}.log",
    benchmark:
        "<study>/benchmarks/runs/{network}/{method}/seed-{seed}.tsv"
    conda:
        "../../envs/paretopress.yaml"
    params:
        # An edited method reruns its own searches and no others.
        **code_params(
            SCRIPTS / "run_search.py",
            {
                name: method_file(method["implementation"])
                for name, method in PLANNED.methods.items()
            },
            "method",
            many_jobs=True,
        ),
        # No `lookup` where there are many jobs: it would search the whole config in each of them.
        architecture=lambda wildcards: CONFIG["networks"][wildcards.network]["architecture"],
        space=lookup(within=CONFIG, dpath="search_space"),
        moves=PLANNED.moves,
        size=lookup(within=CONFIG, dpath="objectives/size"),
        method=lambda wildcards: PLANNED.methods[wildcards.method],
        budget=lookup(within=CONFIG, dpath="budget/evaluations"),
        initial_seed=lookup(within=CONFIG, dpath="budget/initial_seed"),
        constraint=lookup(within=CONFIG, dpath="constraint"),
        split=lookup(within=CONFIG, dpath="evaluation/split"),
        batch_size=lookup(within=CONFIG, dpath="evaluation/batch_size"),
        device=lookup(within=CONFIG, dpath="evaluation/device"),
        # These functions take `threads`, so that the parameters trigger no rerun. A new gate does
        # not discard evaluations of a network that passed an earlier one.
        training=lambda wildcards, threads: CONFIG["networks"][wildcards.network]["training"],
        gate=lambda wildcards, threads: CONFIG["networks"][wildcards.network]["gate"],
        journal=lambda wildcards: placed(PLANNED.search_journal(run_of_job(wildcards))),
    script:
        "../scripts/run_search.py"
