rule check_study:
    """Hold the results against what must be true of them, and against the truth where the granules are simulated."""
    input:
        unpack(check_inputs),
    output:
        checks="<results>/{study}/checks.json",
    log:
        "<logs>/{study}/check_study.log",
    conda:
        "../envs/altimetry.yaml"
    threads: 1
    resources:
        mem_mb=growing(2500),
        runtime=growing(30),
    params:
        world=world_of,
        settings=of_study(),
        code=code_version("check_study.py"),
    message:
        "{wildcards.study}: checking the results"
    script:
        "../scripts/check_study.py"
