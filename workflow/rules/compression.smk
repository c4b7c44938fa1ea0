# What the jobs that compress a network read beside its weights: the table of the allocation, and the
# training images of the repair. Both are empty if the study does without.
MOVES = {
    "allocation": (
        ["<study>/baselines/{network}/allocation.safetensors"]
        if PLANNED.moves["allocation"] == "lamp"
        else []
    ),
    "training": [rules.dataset.output.train] if PLANNED.moves["repair"] else [],
}


rule allocation:
    input:
        weights="<study>/baselines/{network}/weights.safetensors",
        images=rules.dataset.output.test,
        own_code=own_code_of,
    output:
        "<study>/baselines/{network}/allocation.safetensors",
    log:
        "<study>/logs/allocation/{network}.log",
    benchmark:
        "<study>/benchmarks/allocation/{network}.tsv"
    conda:
        "../../envs/paretopress.yaml"
    params:
        **code_of("tabulate_allocation.py"),
        architecture=lookup(within=CONFIG, dpath="networks/{network}/architecture"),
        keep=lookup(within=CONFIG, dpath="search_space/keep"),
    script:
        "../scripts/tabulate_allocation.py"
