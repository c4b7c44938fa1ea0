# What the archive holds is settled by its checksum alone. So the addresses reach the script through its config, which Snakemake does not
# watch, and no code counts here: neither other addresses nor an edited downloader run this again. Where it runs again all the same
# (another environment, --force) it takes the archive from its store and fetches nothing.
# localrule: the nodes of a cluster often have no network.
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
