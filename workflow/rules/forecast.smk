from workflow.scripts.paretopress.code import CODE, OF_JOBS


# What the study will take, said before its searches. Only the report takes the output as input. Of
# the code, the format of records alone is among the parameters, and the config reaches the script
# through a function that takes `threads`. So no edit of the code, and no other seeds or budget, time
# anything again.
rule forecast:
    input:
        images=f"<study>/dataset/{STUDY.evaluation.split}.safetensors",
        training=MOVES["training"],
        own_code=own_code_of,
    output:
        "<study>/baselines/{network}/forecast.json",
    log:
        "<study>/logs/forecast/{network}.log",
    benchmark:
        "<study>/benchmarks/forecast/{network}.tsv"
    priority: 1
    conda:
        "../../envs/paretopress.yaml"
    params:
        **{f"{CODE}jobs": OF_JOBS},
        architecture=lookup(within=CONFIG, dpath="networks/{network}/architecture"),
        space=lookup(within=CONFIG, dpath="search_space"),
        moves=PLANNED.moves,
        methods=PLANNED.methods,
        config=lambda wildcards, threads: CONFIG,
    script:
        "../scripts/forecast_study.py"
