# The jobs that follow test the names of layers in search_space.keep too, also against the other
# networks. The functions take `threads`, so that the parameters trigger no rerun: the check changes
# no weights.
CHECKED_KEEP = {
    "keep": lambda wildcards, threads: CONFIG["search_space"]["keep"],
    "architectures": lambda wildcards, threads: {
        name: network["architecture"] for name, network in CONFIG["networks"].items()
    },
}


# The first job of each network. Only the report takes its output as input, so that another check
# reruns nothing else: Snakemake would hide other changes behind an `ancient` input that is made
# again. So a training tests its network itself, for it may begin beside this job.
rule check_network:
    input:
        trained=lambda wildcards: list(
            map(local, filter(None, [CONFIG["networks"][wildcards.network]["weights"]]))
        ),
        images=f"<study>/dataset/{STUDY.evaluation.split}.safetensors",
        training=MOVES["training"],
        own_code=own_code_of,
    output:
        "<study>/baselines/{network}/check.json",
    log:
        "<study>/logs/check/{network}.log",
    benchmark:
        "<study>/benchmarks/check/{network}.tsv"
    priority: 1
    conda:
        "../../envs/paretopress.yaml"
    params:
        **code_of("check_network.py"),
        **CHECKED_KEEP,
        architecture=lookup(within=CONFIG, dpath="networks/{network}/architecture"),
        # It takes `threads` as those above do. The checksum decides whether the file is read.
        checksum=lambda wildcards, threads: CONFIG["networks"][wildcards.network]["checksum"],
        space=lookup(within=CONFIG, dpath="search_space"),
        moves=PLANNED.moves,
    script:
        "../scripts/check_network.py"


rule train_baseline:
    input:
        train=rules.dataset.output.train,
        validation=rules.dataset.output.validation,
        own_code=own_code_of,
    output:
        weights="<study>/baselines/{network}/weights.safetensors",
        history="<study>/baselines/{network}/history.csv",
    log:
        "<study>/logs/baselines/{network}.log",
    benchmark:
        "<study>/benchmarks/baselines/{network}.tsv"
    wildcard_constraints:
        network=one_of(PLANNED.networks_with_weights(given=False)),
    conda:
        "../../envs/paretopress.yaml"
    params:
        **code_of("train_baseline.py"),
        **CHECKED_KEEP,
        architecture=lookup(within=CONFIG, dpath="networks/{network}/architecture"),
        training=lookup(within=CONFIG, dpath="networks/{network}/training"),
        # The function takes `threads`, so that the parameter triggers no rerun. The gate decides
        # whether a training goes on. It does not change the weights.
        gate=lambda wildcards, threads: CONFIG["networks"][wildcards.network]["gate"],
        # It takes `threads` too: what was trained on another device is kept.
        device=lambda wildcards, threads: CONFIG["evaluation"]["device"],
        journal=placed(PLANNED.journal("{network}", "training")),
    script:
        "../scripts/train_baseline.py"


rule import_baseline:
    input:
        trained=lambda wildcards: local(CONFIG["networks"][wildcards.network]["weights"]),
        images=rules.dataset.output.test,
        own_code=own_code_of,
    output:
        weights="<study>/baselines/{network}/weights.safetensors",
        history="<study>/baselines/{network}/history.csv",
    log:
        "<study>/logs/baselines/{network}.log",
    benchmark:
        "<study>/benchmarks/baselines/{network}.tsv"
    wildcard_constraints:
        network=one_of(PLANNED.networks_with_weights(given=True)),
    conda:
        "../../envs/paretopress.yaml"
    params:
        **code_of("import_baseline.py"),
        **CHECKED_KEEP,
        architecture=lookup(within=CONFIG, dpath="networks/{network}/architecture"),
        # It takes `threads` as the gate above does. The checksum decides whether the file is read.
        # It does not change the weights.
        checksum=lambda wildcards, threads: CONFIG["networks"][wildcards.network]["checksum"],
    script:
        "../scripts/import_baseline.py"


rule dense_metrics:
    input:
        weights="<study>/baselines/{network}/weights.safetensors",
        history="<study>/baselines/{network}/history.csv",
        train=rules.dataset.output.train,
        validation=rules.dataset.output.validation,
        test=rules.dataset.output.test,
        told=rules.dataset.output.images,
        training=MOVES["training"],
        own_code=own_code_of,
    output:
        "<study>/baselines/{network}/metrics.json",
    log:
        "<study>/logs/metrics/{network}.log",
    benchmark:
        "<study>/benchmarks/metrics/{network}.tsv"
    conda:
        "../../envs/paretopress.yaml"
    params:
        **code_of("measure_baseline.py"),
        # With other kept layers this job runs again, and no training.
        **CHECKED_KEEP,
        architecture=lookup(within=CONFIG, dpath="networks/{network}/architecture"),
        batch_size=lookup(within=CONFIG, dpath="evaluation/batch_size"),
        device=lookup(within=CONFIG, dpath="evaluation/device"),
        split=lookup(within=CONFIG, dpath="evaluation/split"),
        imported=lambda wildcards: bool(CONFIG["networks"][wildcards.network]["weights"]),
        moves={key: PLANNED.moves[key] for key in ("keep", "repair")},
    script:
        "../scripts/measure_baseline.py"


# No rule takes its output as input, so that another gate reruns nothing else. The initial designs
# and the searches check the same themselves. This job runs first and reports a failure once.
rule gate:
    input:
        metrics=rules.dense_metrics.output[0],
    output:
        "<study>/baselines/{network}/gate.passed",
    log:
        "<study>/logs/gate/{network}.log",
    benchmark:
        "<study>/benchmarks/gate/{network}.tsv"
    priority: 1
    localrule: True
    conda:
        "../../envs/paretopress.yaml"
    params:
        **code_of("check_baseline.py"),
        training=lookup(within=CONFIG, dpath="networks/{network}/training"),
        gate=lookup(within=CONFIG, dpath="networks/{network}/gate"),
        split=lookup(within=CONFIG, dpath="evaluation/split"),
        normalization_left_out=STUDY.normalization_left_out,
    script:
        "../scripts/check_baseline.py"
