rule test_front:
    input:
        **MOVES,
        front="<study>/fronts/{network}.csv",
        weights="<study>/baselines/{network}/weights.safetensors",
        metrics="<study>/baselines/{network}/metrics.json",
        images=rules.dataset.output.test,
        own_code=own_code_of,
    output:
        "<study>/fronts/{network}.test.csv",
    log:
        "<study>/logs/fronts/{network}.test.log",
    benchmark:
        "<study>/benchmarks/fronts/{network}.test.tsv"
    conda:
        "../../envs/paretopress.yaml"
    params:
        **code_of("evaluate_front.py"),
        architecture=lookup(within=CONFIG, dpath="networks/{network}/architecture"),
        initial_seed=lookup(within=CONFIG, dpath="budget/initial_seed"),
        moves=PLANNED.moves,
        constraint=lookup(within=CONFIG, dpath="constraint"),
        split=lookup(within=CONFIG, dpath="evaluation/split"),
        batch_size=lookup(within=CONFIG, dpath="evaluation/batch_size"),
        device=lookup(within=CONFIG, dpath="evaluation/device"),
        journal=placed(PLANNED.journal("{network}", "test")),
    script:
        "../scripts/evaluate_front.py"


rule front_sizes:
    input:
        **MOVES,
        front="<study>/fronts/{network}.csv",
        weights="<study>/baselines/{network}/weights.safetensors",
        images=rules.dataset.output.test,
        own_code=own_code_of,
    output:
        "<study>/fronts/{network}.sizes.csv",
    log:
        "<study>/logs/fronts/{network}.sizes.log",
    benchmark:
        "<study>/benchmarks/fronts/{network}.sizes.tsv"
    conda:
        "../../envs/paretopress.yaml"
    params:
        **code_of("measure_sizes.py"),
        architecture=lookup(within=CONFIG, dpath="networks/{network}/architecture"),
        initial_seed=lookup(within=CONFIG, dpath="budget/initial_seed"),
        moves=PLANNED.moves,
    script:
        "../scripts/measure_sizes.py"
