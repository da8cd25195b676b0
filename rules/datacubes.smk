# ITS_LIVE's own datacubes in place of pairs: layers chosen by what cubes say, values streamed


rule choose_layers:
    """Choose the layers of datacubes by what the cubes say of themselves; no velocity is read."""
    input:
        ledgers=ledgers("itslive"),
        counts="<results>/{study}/itslive/counts.csv",
        regions="<results>/{study}/regions.geojson",
    output:
        layers=directory("<results>/{study}/velocity/layers"),
    log:
        "<logs>/{study}/velocity/choose_layers.log",
    wildcard_constraints:
        study=source_is("datacubes"),
    conda:
        "../envs/velocity.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(120),
        itslive_connections=connections_to_cubes,
    params:
        settings=of_study("products/itslive"),
        spans=spans_of,
        places=places_of,
        code=code_version("choose_layers.py"),
    message:
        "{wildcards.study}: choosing layers of datacubes"
    script:
        "../scripts/choose_layers.py"


rule stream_velocity:
    """Annual velocities out of datacubes, each chunk read once, and what every layer showed."""
    input:
        layers="<results>/{study}/velocity/layers",
    output:
        annual="<results>/{study}/velocity/annual.nc",
        speeds="<results>/{study}/velocity/speeds.csv",
        pairs="<results>/{study}/velocity/pairs.parquet",
        pair="<results>/{study}/velocity/pair.nc",
    log:
        "<logs>/{study}/velocity/stream_velocity.log",
    benchmark:
        "<benchmarks>/{study}/velocity/stream_velocity.tsv"
    wildcard_constraints:
        study=source_is("datacubes"),
    priority: 1  # most of what is drawn and said waits for it
    conda:
        "../envs/velocity.yaml"
    threads: lambda wildcards: 1 if STUDIES[wildcards.study]["size"] == "tiny" else 2
    resources:
        mem_mb=growing(2000),
        runtime=growing(480),
        itslive_connections=connections_to_cubes,
    params:
        composite=composite_of,
        years=first_and_last_year,
        code=code_version("stream_velocity.py"),
    message:
        "{wildcards.study}: annual velocities out of datacubes"
    script:
        "../scripts/stream_velocity.py"


rule keep_cube:
    """Copy the chosen layers of datacubes into a cube of the study's own."""
    input:
        layers="<results>/{study}/velocity/layers",
        pairs="<results>/{study}/velocity/pairs.parquet",
    output:
        cube=directory("<results>/{study}/velocity/cube.zarr"),
    log:
        "<logs>/{study}/velocity/keep_cube.log",
    wildcard_constraints:
        study=source_is("datacubes"),
    conda:
        "../envs/velocity.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(480),
        itslive_connections=connections_to_cubes,
    params:
        settings=of_study("products/itslive"),
        code=code_version("keep_cube.py"),
    message:
        "{wildcards.study}: copying layers of datacubes"
    script:
        "../scripts/keep_cube.py"
