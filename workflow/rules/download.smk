# The checksum alone determines the content of the archive. So neither other addresses nor an edited
# downloader run this rule again: the addresses reach the script through the config, which Snakemake
# does not watch, and no code is among the parameters. If the rule runs again for another reason
# (another environment, --force), it takes the archive from its store and fetches nothing.
# It is a localrule, because the nodes of a cluster often have no network.
rule download:
    output:
        archive=CIFAR10_DOWNLOAD,
    log:
        "results/downloads/logs/cifar10.log",
    benchmark:
        "results/downloads/benchmarks/cifar10.tsv"
    localrule: True
    conda:
        "../../envs/paretopress.yaml"
    params:
        checksum=lookup(within=CONFIG, dpath="dataset/checksum", default=None),
        store=placed("results/downloads/store"),
    script:
        "../scripts/download_cifar10.py"
