from workflow.scripts.paretopress.jobs.digests import folder_digest


rule dataset:
    input:
        images=[path if path == CIFAR10_DOWNLOAD else local(path) for path in PLANNED.images],
    output:
        train="<study>/dataset/train.safetensors",
        validation="<study>/dataset/validation.safetensors",
        test="<study>/dataset/test.safetensors",
    log:
        "<study>/logs/dataset.log",
    benchmark:
        "<study>/benchmarks/dataset.tsv"
    conda:
        "../../envs/paretopress.yaml"
    params:
        **code_of("build_dataset.py"),
        # Where the images are is an input, and where an archive is fetched from says nothing about them.
        settings={
            key: value
            for key, value in CONFIG["dataset"].items()
            if key not in ("path", "urls", "checksum")
        },
        # Derived from `threads`, a parameter triggers no rerun: the checksum says whether an archive is read, never what is in it.
        checksum=lambda wildcards, threads: CONFIG["dataset"].get("checksum"),
        content=lambda wildcards: folder_digest(CONFIG["dataset"].get("path")),
    script:
        "../scripts/build_dataset.py"
