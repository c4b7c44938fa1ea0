rule dataset:
    input:
        images=[STUDY.dataset.path] if STUDY.dataset.kind == "folder" else [],
        modules=modules_of("build_dataset.py"),
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
        settings=lookup(within=CONFIG, dpath="dataset"),
        content=lambda wildcards: folder_digest(CONFIG["dataset"].get("path")),
    script:
        "../scripts/build_dataset.py"
