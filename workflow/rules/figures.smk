rule front_figure:
    input:
        evaluations=of_runs("evaluations.csv", PLANNED.front_runs),
        front="<study>/fronts/{network}.csv",
        test=lambda wildcards: of_networks(
            "<study>/fronts/{network}.test.csv", {wildcards.network} & set(STUDY.networks)
        ),
        metrics="<study>/baselines/{network}/metrics.json",
    output:
        **drawn("front"),
    log:
        "<study>/logs/figures/front_figure/{network}.log",
    benchmark:
        "<study>/benchmarks/figures/front_figure/{network}.tsv"
    localrule: True
    conda:
        "../../envs/paretopress.yaml"
    params:
        **code_of("draw_front.py"),
        constraint=lookup(within=PLANNED.constraints, dpath="{network}"),
        split=lookup(within=PLANNED.splits, dpath="{network}"),
        size=lookup(within=PLANNED.sizes, dpath="{network}"),
    script:
        "../scripts/draw_front.py"


rule method_figures:
    input:
        runs=rules.tabulate_runs.output.runs,
        history=rules.tabulate_runs.output.history,
        evaluations=rules.join_runs.output.evaluations,
    output:
        **drawn("hypervolume", "convergence", "attainment", "critical-difference"),
    log:
        "<study>/logs/figures/method_figures/{network}.log",
    benchmark:
        "<study>/benchmarks/figures/method_figures/{network}.tsv"
    localrule: True
    conda:
        "../../envs/paretopress.yaml"
    params:
        **code_of("draw_methods.py"),
        significance_level=lookup(within=CONFIG, dpath="statistics/significance_level"),
        size=lookup(within=PLANNED.sizes, dpath="{network}"),
    script:
        "../scripts/draw_methods.py"


rule setting_figures:
    input:
        runs=rules.tabulate_runs.output.runs,
        evaluations=rules.join_runs.output.evaluations,
        metrics="<study>/baselines/{network}/metrics.json",
    output:
        **drawn(
            "hypervolume-by-objective-metric",
            "hypervolume-by-constraint-metric",
            "best-and-worst",
            "worst-run-front",
        ),
    log:
        "<study>/logs/figures/setting_figures/{network}.log",
    benchmark:
        "<study>/benchmarks/figures/setting_figures/{network}.tsv"
    localrule: True
    conda:
        "../../envs/paretopress.yaml"
    params:
        **code_of("draw_settings.py"),
        constraint=lookup(within=PLANNED.constraints, dpath="{network}"),
        split=lookup(within=PLANNED.splits, dpath="{network}"),
        size=lookup(within=PLANNED.sizes, dpath="{network}"),
    script:
        "../scripts/draw_settings.py"


rule search_figures:
    input:
        runs=rules.tabulate_runs.output.runs,
        evaluations=rules.join_runs.output.evaluations,
        iterations=rules.join_runs.output.iterations,
        timings=rules.join_runs.output.timings,
    output:
        **drawn("surrogates", "fallbacks", "time"),
    log:
        "<study>/logs/figures/search_figures/{network}.log",
    benchmark:
        "<study>/benchmarks/figures/search_figures/{network}.tsv"
    localrule: True
    conda:
        "../../envs/paretopress.yaml"
    params:
        **code_of("draw_searches.py"),
        columns=lambda wildcards: {
            "candidates": PLANNED.candidates,
            "size": PLANNED.sizes[wildcards.network],
        },
    script:
        "../scripts/draw_searches.py"


rule inference_figure:
    input:
        times="<study>/inference/{network}.csv",
        front="<study>/fronts/{network}.csv",
    output:
        **drawn("inference"),
    log:
        "<study>/logs/figures/inference_figure/{network}.log",
    benchmark:
        "<study>/benchmarks/figures/inference_figure/{network}.tsv"
    localrule: True
    conda:
        "../../envs/paretopress.yaml"
    params:
        **code_of("draw_inference.py"),
        front="the union front of all runs",
        size=lookup(within=PLANNED.sizes, dpath="{network}"),
    script:
        "../scripts/draw_inference.py"


use rule inference_figure as worst_run_inference_figure with:
    input:
        times="<study>/inference/{network}.csv",
        front="<study>/fronts/{network}.worst-run.csv",
    output:
        **drawn("worst-run-inference"),
    log:
        "<study>/logs/figures/worst_run_inference_figure/{network}.log",
    benchmark:
        "<study>/benchmarks/figures/worst_run_inference_figure/{network}.tsv"
    params:
        **code_of("draw_inference.py"),
        front="the front of the worst run of the best setting",
        size=lookup(within=PLANNED.sizes, dpath="{network}"),
