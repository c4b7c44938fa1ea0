rule front_figure:
    input:
        evaluations=of_every_run("evaluations.csv"),
        front="<study>/fronts/{network}.csv",
        test="<study>/fronts/{network}.test.csv",
        metrics="<study>/baselines/{network}/metrics.json",
        modules=modules_of("draw_front.py"),
    output:
        report(
            "<study>/figures/front-{network}.svg",
            caption="../report/front.rst",
            category="Fronts",
            labels={"network": "{network}", "figure": "front"},
        ),
        "<study>/figures/front-{network}.png",
    log:
        "<study>/logs/figures/front-{network}.log",
    benchmark:
        "<study>/benchmarks/figures/front-{network}.tsv"
    conda:
        "../../envs/paretopress.yaml"
    params:
        constraint=lookup(within=CONFIG, dpath="constraint"),
        split=lookup(within=CONFIG, dpath="evaluation/split"),
    script:
        "../scripts/draw_front.py"


rule hypervolume_figure:
    input:
        hypervolumes=of_every_run("hypervolume.json"),
        modules=modules_of("draw_hypervolumes.py"),
    output:
        report(
            "<study>/figures/hypervolume-{network}.svg",
            caption="../report/hypervolume.rst",
            category="Methods compared",
            labels={"network": "{network}", "figure": "final hypervolume"},
        ),
        "<study>/figures/hypervolume-{network}.png",
    log:
        "<study>/logs/figures/hypervolume-{network}.log",
    benchmark:
        "<study>/benchmarks/figures/hypervolume-{network}.tsv"
    conda:
        "../../envs/paretopress.yaml"
    script:
        "../scripts/draw_hypervolumes.py"


rule convergence_figure:
    input:
        hypervolumes=of_every_run("hypervolume.json"),
        modules=modules_of("draw_convergence.py"),
    output:
        report(
            "<study>/figures/convergence-{network}.svg",
            caption="../report/convergence.rst",
            category="Methods compared",
            labels={"network": "{network}", "figure": "hypervolume against evaluations"},
        ),
        "<study>/figures/convergence-{network}.png",
    log:
        "<study>/logs/figures/convergence-{network}.log",
    benchmark:
        "<study>/benchmarks/figures/convergence-{network}.tsv"
    conda:
        "../../envs/paretopress.yaml"
    params:
        initial=lookup(within=CONFIG, dpath="budget/initial"),
    script:
        "../scripts/draw_convergence.py"


rule inference_figure:
    input:
        times="<study>/inference/{network}.csv",
        modules=modules_of("draw_inference.py"),
    output:
        report(
            "<study>/figures/inference-{network}.svg",
            caption="../report/inference.rst",
            category="Fronts",
            labels={"network": "{network}", "figure": "inference time"},
        ),
        "<study>/figures/inference-{network}.png",
    log:
        "<study>/logs/figures/inference-{network}.log",
    benchmark:
        "<study>/benchmarks/figures/inference-{network}.tsv"
    conda:
        "../../envs/paretopress.yaml"
    script:
        "../scripts/draw_inference.py"
