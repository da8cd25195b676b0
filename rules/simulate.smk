rule simulate_granules:
    """Make the granules of one product from the truth of a study's simulated world."""
    output:
        folder=directory("<resources>/archive/simulated/{world}/{product}"),
    log:
        "<logs>/simulated/{world}/{product}/simulate.log",
    benchmark:
        "<benchmarks>/simulated/{world}/{product}/simulate.tsv"
    conda:
        "../envs/altimetry.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(20),
    params:
        world=of_world,
        code=code_version("simulate_granules.py"),
    message:
        "{wildcards.world}: simulating {wildcards.product} granules"
    script:
        "../scripts/simulate_granules.py"


rule simulate_rasters:
    """Make the rasters that a user of a study's simulated world would bring: thickness, mass balance and firn."""
    output:
        folder=directory("<resources>/archive/simulated/{world}/rasters"),
    log:
        "<logs>/simulated/{world}/rasters/simulate.log",
    conda:
        "../envs/altimetry.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(20),
    params:
        world=of_world,
        code=code_version("simulate_rasters.py"),
    message:
        "{wildcards.world}: simulating rasters"
    script:
        "../scripts/simulate_rasters.py"
