from workflow.scripts.paretopress.jobs.digests import folder_digest


rule dataset:
    input:
        # The digest of its content watches a folder. Its time misses what changes deeper, and moves
        # with the files that a file browser leaves.
        images=[
            (
                path
                if path == CIFAR10_DOWNLOAD
                else ancient(local(path)) if os.path.isdir(path) else local(path)
            )
            for path in PLANNED.images
        ],
    output:
        train="<study>/dataset/train.safetensors",
        validation="<study>/dataset/validation.safetensors",
        test="<study>/dataset/test.safetensors",
        images="<study>/dataset/images.json",
    log:
        "<study>/logs/dataset.log",
    benchmark:
        "<study>/benchmarks/dataset.tsv"
    conda:
        "../../envs/paretopress.yaml"
    params:
        **code_of("build_dataset.py"),
        # The path is an input already. The addresses of an archive do not change the images.
        settings={
            key: value
            for key, value in CONFIG["dataset"].items()
            if key not in ("path", "urls", "checksum")
        },
        # The function takes `threads`, so that the parameter triggers no rerun. The checksum
        # decides whether an archive is read. It does not change the images.
        checksum=lambda wildcards, threads: CONFIG["dataset"].get("checksum"),
        content=lambda wildcards: folder_digest(CONFIG["dataset"].get("path")),
    script:
        "../scripts/build_dataset.py"
