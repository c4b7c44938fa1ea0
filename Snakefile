from snakemake.utils import min_version

min_version("9.14")


# A config file given on the command line replaces the default one. If both were merged, their keys
# would make a third study.
if not workflow.overwrite_configfiles:

    configfile: "config/config.yaml"


include: "workflow/rules/module.smk"
include: "workflow/rules/common.smk"


if STUDY.evaluation_tables:

    include: "workflow/rules/evaluation_tables.smk"


if STUDY.networks:

    include: "workflow/rules/download.smk"
    include: "workflow/rules/dataset.smk"
    include: "workflow/rules/compression.smk"
    include: "workflow/rules/forecast.smk"
    include: "workflow/rules/baseline.smk"
    include: "workflow/rules/designs.smk"
    include: "workflow/rules/search.smk"
    include: "workflow/rules/hypervolume.smk"

    if STUDY.evaluation_tables:

        ruleorder: import_runs > search
        ruleorder: import_runs > hypervolume
        ruleorder: import_runs > dense_metrics


include: "workflow/rules/runs.smk"
include: "workflow/rules/front.smk"
include: "workflow/rules/statistics.smk"


if STUDY.networks:

    include: "workflow/rules/front_networks.smk"
    include: "workflow/rules/inference.smk"
    include: "workflow/rules/export.smk"
    include: "workflow/rules/test_images.smk"


include: "workflow/rules/figure_files.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/claims.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/hooks.smk"


rule all:
    input:
        "<study>/report.html",
        of_networks("<study>/baselines/{network}/gate.passed", STUDY.networks),
    localrule: True
