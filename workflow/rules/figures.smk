rule front_figure:
    input:
        evaluations=of_front_runs("evaluations.csv"),
        front="<study>/fronts/{network}.csv",
        test=lambda wildcards: of_networks(
            "<study>/fronts/{network}.test.csv", {wildcards.network} & set(STUDY.networks)
        ),
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
        "<study>/logs/figures/front_figure/{network}.log",
    benchmark:
        "<study>/benchmarks/figures/front_figure/{network}.tsv"
    localrule: True
    conda:
        "../../envs/paretopress.yaml"
    params:
        constraint=lookup(within=CONSTRAINTS, dpath="{network}"),
        split=lookup(within=SPLITS, dpath="{network}"),
    script:
        "../scripts/draw_front.py"


rule method_figures:
    input:
        runs=rules.tabulate_runs.output.runs,
        history=rules.tabulate_runs.output.history,
        evaluations=rules.join_runs.output.evaluations,
        modules=modules_of("draw_methods.py"),
    output:
        hypervolume=[
            report(
                "<study>/figures/hypervolume-{network}.svg",
                caption="../report/hypervolume.rst",
                category="Methods compared",
                labels={"network": "{network}", "figure": "final hypervolume"},
            ),
            "<study>/figures/hypervolume-{network}.png",
        ],
        convergence=[
            report(
                "<study>/figures/convergence-{network}.svg",
                caption="../report/convergence.rst",
                category="Methods compared",
                labels={"network": "{network}", "figure": "hypervolume against evaluations"},
            ),
            "<study>/figures/convergence-{network}.png",
        ],
        attainment=[
            report(
                "<study>/figures/attainment-{network}.svg",
                caption="../report/attainment.rst",
                category="Methods compared",
                labels={"network": "{network}", "figure": "empirical attainment"},
            ),
            "<study>/figures/attainment-{network}.png",
        ],
        critical_difference=[
            report(
                "<study>/figures/critical-difference-{network}.svg",
                caption="../report/critical-difference.rst",
                category="Methods compared",
                labels={"network": "{network}", "figure": "critical difference"},
            ),
            "<study>/figures/critical-difference-{network}.png",
        ],
    log:
        "<study>/logs/figures/method_figures/{network}.log",
    benchmark:
        "<study>/benchmarks/figures/method_figures/{network}.tsv"
    localrule: True
    conda:
        "../../envs/paretopress.yaml"
    params:
        significance_level=lookup(within=CONFIG, dpath="statistics/significance_level"),
    script:
        "../scripts/draw_methods.py"


# The paper's figures 2 to 8 and 10.
rule setting_figures:
    input:
        runs=rules.tabulate_runs.output.runs,
        evaluations=rules.join_runs.output.evaluations,
        metrics="<study>/baselines/{network}/metrics.json",
        modules=modules_of("draw_settings.py"),
    output:
        objective_metric=[
            report(
                "<study>/figures/hypervolume-by-objective-metric-{network}.svg",
                caption="../report/by-metric.rst",
                category="Surrogate settings",
                labels={"network": "{network}", "figure": "hypervolume by objective metric"},
            ),
            "<study>/figures/hypervolume-by-objective-metric-{network}.png",
        ],
        constraint_metric=[
            report(
                "<study>/figures/hypervolume-by-constraint-metric-{network}.svg",
                caption="../report/by-metric.rst",
                category="Surrogate settings",
                labels={"network": "{network}", "figure": "hypervolume by constraint metric"},
            ),
            "<study>/figures/hypervolume-by-constraint-metric-{network}.png",
        ],
        best_and_worst=[
            report(
                "<study>/figures/best-and-worst-{network}.svg",
                caption="../report/best-and-worst.rst",
                category="Surrogate settings",
                labels={"network": "{network}", "figure": "best and worst setting"},
            ),
            "<study>/figures/best-and-worst-{network}.png",
        ],
        worst_run_front=[
            report(
                "<study>/figures/worst-run-front-{network}.svg",
                caption="../report/worst-run-front.rst",
                category="Fronts",
                labels={
                    "network": "{network}",
                    "figure": "front of the worst run of the best setting",
                },
            ),
            "<study>/figures/worst-run-front-{network}.png",
        ],
    log:
        "<study>/logs/figures/setting_figures/{network}.log",
    benchmark:
        "<study>/benchmarks/figures/setting_figures/{network}.tsv"
    localrule: True
    conda:
        "../../envs/paretopress.yaml"
    params:
        constraint=lookup(within=CONSTRAINTS, dpath="{network}"),
        split=lookup(within=SPLITS, dpath="{network}"),
    script:
        "../scripts/draw_settings.py"


rule search_figures:
    input:
        runs=rules.tabulate_runs.output.runs,
        evaluations=rules.join_runs.output.evaluations,
        iterations=rules.join_runs.output.iterations,
        timings=rules.join_runs.output.timings,
        modules=modules_of("draw_searches.py"),
    output:
        surrogates=[
            report(
                "<study>/figures/surrogates-{network}.svg",
                caption="../report/surrogates.rst",
                category="Searches",
                labels={"network": "{network}", "figure": "surrogates chosen"},
            ),
            "<study>/figures/surrogates-{network}.png",
        ],
        fallbacks=[
            report(
                "<study>/figures/fallbacks-{network}.svg",
                caption="../report/fallbacks.rst",
                category="Searches",
                labels={"network": "{network}", "figure": "random fallbacks"},
            ),
            "<study>/figures/fallbacks-{network}.png",
        ],
        time=[
            report(
                "<study>/figures/time-{network}.svg",
                caption="../report/time.rst",
                category="Searches",
                labels={"network": "{network}", "figure": "time"},
            ),
            "<study>/figures/time-{network}.png",
        ],
    log:
        "<study>/logs/figures/search_figures/{network}.log",
    benchmark:
        "<study>/benchmarks/figures/search_figures/{network}.tsv"
    localrule: True
    conda:
        "../../envs/paretopress.yaml"
    script:
        "../scripts/draw_searches.py"


rule inference_figure:
    input:
        times="<study>/inference/{network}.csv",
        front="<study>/fronts/{network}.csv",
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
        "<study>/logs/figures/inference_figure/{network}.log",
    benchmark:
        "<study>/benchmarks/figures/inference_figure/{network}.tsv"
    localrule: True
    conda:
        "../../envs/paretopress.yaml"
    params:
        front="the union front of all runs",
    script:
        "../scripts/draw_inference.py"


# The paper's figures 9 and 11.
rule worst_run_inference_figure:
    input:
        times="<study>/inference/{network}.csv",
        front="<study>/fronts/{network}.worst-run.csv",
        modules=modules_of("draw_inference.py"),
    output:
        report(
            "<study>/figures/worst-run-inference-{network}.svg",
            caption="../report/inference.rst",
            category="Fronts",
            labels={"network": "{network}", "figure": "inference time of the worst run's front"},
        ),
        "<study>/figures/worst-run-inference-{network}.png",
    log:
        "<study>/logs/figures/worst_run_inference_figure/{network}.log",
    benchmark:
        "<study>/benchmarks/figures/worst_run_inference_figure/{network}.tsv"
    localrule: True
    conda:
        "../../envs/paretopress.yaml"
    params:
        front="the front of the worst run of the best setting",
    script:
        "../scripts/draw_inference.py"
