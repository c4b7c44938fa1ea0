# The tables of statistics/ that have a sibling by the accuracies on the test images.
TABLES_ON_TEST_IMAGES = [
    table for table in STATISTICS if table not in ("networks", "summary", "costs")
]


rule run_fronts:
    input:
        evaluations=of_runs("evaluations.csv", PLANNED.own_runs),
        metrics="<study>/baselines/{network}/metrics.json",
    output:
        "<study>/fronts/{network}.runs.csv",
    log:
        "<study>/logs/fronts/{network}.runs.log",
    benchmark:
        "<study>/benchmarks/fronts/{network}.runs.tsv"
    localrule: True
    conda:
        "../../envs/paretopress.yaml"
    params:
        **code_of("join_run_fronts.py"),
        constraint=lookup(within=CONFIG, dpath="constraint"),
        split=lookup(within=CONFIG, dpath="evaluation/split"),
        size=lookup(within=CONFIG, dpath="objectives/size"),
    script:
        "../scripts/join_run_fronts.py"


# With the journal of test_front, so that a design is evaluated once for both. That job is awaited,
# because only one at a time can have the journal.
use rule test_front as test_run_fronts with:
    input:
        **MOVES,
        after="<study>/fronts/{network}.test.csv",
        front="<study>/fronts/{network}.runs.csv",
        weights="<study>/baselines/{network}/weights.safetensors",
        metrics="<study>/baselines/{network}/metrics.json",
        images=rules.dataset.output.test,
        own_code=own_code_of,
    output:
        "<study>/fronts/{network}.runs.test.csv",
    log:
        "<study>/logs/fronts/{network}.runs.test.log",
    benchmark:
        "<study>/benchmarks/fronts/{network}.runs.test.tsv"


rule statistics_on_test_images:
    input:
        runs=of_networks("<study>/runs/{network}/runs.csv", STUDY.networks),
        fronts=of_networks("<study>/fronts/{network}.runs.csv", STUDY.networks),
        tests=of_networks("<study>/fronts/{network}.runs.test.csv", STUDY.networks),
        metrics=of_networks("<study>/baselines/{network}/metrics.json", STUDY.networks),
    output:
        **{table: f"<study>/statistics/{table}.test.csv" for table in TABLES_ON_TEST_IMAGES},
    log:
        "<study>/logs/statistics.test.log",
    benchmark:
        "<study>/benchmarks/statistics.test.tsv"
    localrule: True
    conda:
        "../../envs/paretopress.yaml"
    params:
        **code_of("compare_on_test_images.py"),
        significance_level=lookup(within=CONFIG, dpath="statistics/significance_level"),
        smallest_effect=lookup(within=CONFIG, dpath="statistics/smallest_effect"),
        constraint=lookup(within=CONFIG, dpath="constraint"),
        size=lookup(within=CONFIG, dpath="objectives/size"),
    script:
        "../scripts/compare_on_test_images.py"
