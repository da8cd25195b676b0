# image pairs to a cube, the cube to annual velocities, those to what follows from a velocity field


# a checkpoint: a year whose share of the plan is as before is not read again
checkpoint plan_cube:
    """Decide the grid of a cube and what becomes of every image pair; list each year's share."""
    input:
        ledgers=ledgers("itslive"),
        counts="<results>/{study}/itslive/counts.csv",
        regions="<results>/{study}/regions.geojson",
    output:
        plan=directory("<results>/{study}/velocity/plan"),
    log:
        "<logs>/{study}/velocity/plan_cube.log",
    wildcard_constraints:
        study=source_is("pairs"),
    conda:
        "../envs/velocity.yaml"
    threads: 2
    resources:
        mem_mb=growing(1000),
        runtime=growing(60),
    params:
        settings=of_study("products/itslive"),
        years=years_of,
        index=lambda wildcards: f"{STUDIES[wildcards.study]['resources']}/index/itslive-{wildcards.study}.parquet",
        code=code_version("plan_cube.py"),
    message:
        "{wildcards.study}: choosing image pairs"
    script:
        "../scripts/plan_cube.py"


rule stack_pairs:
    """Read the image pairs of one year onto the grid of the cube."""
    input:
        share=share_of,
        regions="<results>/{study}/regions.geojson",
    output:
        layers=directory("<results>/{study}/velocity/years/{year}"),
    log:
        "<logs>/{study}/velocity/stack/{year}.log",
    benchmark:
        "<benchmarks>/{study}/velocity/stack/{year}.tsv"
    wildcard_constraints:
        study=source_is("pairs"),
        year="[0-9]{4}",
    conda:
        "../envs/velocity.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(120),
    params:
        scheduler=of_study("scheduler"),
        code=code_version("stack_pairs.py"),
    message:
        "{wildcards.study}: stacking image pairs of {wildcards.year}"
    script:
        "../scripts/stack_pairs.py"


rule build_cube:
    """Assemble the years into one cube; their chunks are taken as they are."""
    input:
        plan="<results>/{study}/velocity/plan",
        years=stacked_years,
        left_out="<results>/{study}/itslive/left_out.parquet",
        ledgers=ledgers("itslive"),
        regions="<results>/{study}/regions.geojson",
    output:
        cube=directory("<results>/{study}/velocity/cube.zarr"),
        pairs="<results>/{study}/velocity/pairs.parquet",
        pair="<results>/{study}/velocity/pair.nc",
    log:
        "<logs>/{study}/velocity/build_cube.log",
    benchmark:
        "<benchmarks>/{study}/velocity/build_cube.tsv"
    wildcard_constraints:
        study=source_is("pairs"),
    conda:
        "../envs/velocity.yaml"
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(120),
    params:
        settings=of_study("products/itslive"),
        code=code_version("build_cube.py"),
    message:
        "{wildcards.study}: assembling the cube"
    script:
        "../scripts/build_cube.py"


rule composite_velocity:
    """Annual velocities of the cube, their seasonal cycle and trend, and the distribution of speeds."""
    input:
        cube="<results>/{study}/velocity/cube.zarr",
    output:
        annual="<results>/{study}/velocity/annual.nc",
        speeds="<results>/{study}/velocity/speeds.csv",
    log:
        "<logs>/{study}/velocity/composite_velocity.log",
    benchmark:
        "<benchmarks>/{study}/velocity/composite_velocity.tsv"
    wildcard_constraints:
        study=source_is("pairs"),
    priority: 1  # most of what is drawn and said waits for it
    conda:
        "../envs/velocity.yaml"
    threads: lambda wildcards: 1 if STUDIES[wildcards.study]["size"] == "tiny" else 2
    resources:
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        composite=composite_of,
        years=first_and_last_year,
        scheduler=of_study("scheduler"),
        code=code_version("composite_velocity.py"),
    message:
        "{wildcards.study}: annual velocities"
    script:
        "../scripts/composite_velocity.py"


rule map_velocity:
    """Strain rates of the mean velocity, and rasters of the annual velocities for a GIS."""
    input:
        annual="<results>/{study}/velocity/annual.nc",
    output:
        strain="<results>/{study}/velocity/strain.nc",
        maps=directory("<results>/{study}/velocity/maps"),
    log:
        "<logs>/{study}/velocity/map_velocity.log",
    conda:
        "../envs/velocity.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        composite=composite_of,
        code=code_version("map_velocity.py"),
    message:
        "{wildcards.study}: strain rates and maps"
    script:
        "../scripts/map_velocity.py"


rule follow_flow:
    """Series at the study's points, speeds along its flowlines, ice through its gates."""
    input:
        stack=stack_of,
        annual="<results>/{study}/velocity/annual.nc",
    output:
        series="<results>/{study}/velocity/series.parquet",
        flowline="<results>/{study}/velocity/flowline.parquet",
        series_csv="<results>/{study}/velocity/series.csv",
        flowline_csv="<results>/{study}/velocity/flowline.csv",
        gates="<results>/{study}/velocity/gates.csv",
    log:
        "<logs>/{study}/velocity/follow_flow.log",
    conda:
        "../envs/velocity.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        points=of_study("points"),
        flowlines=of_study("flowlines"),
        gates=of_study("gates"),
        code=code_version("follow_flow.py"),
    message:
        "{wildcards.study}: points, flowlines and gates"
    script:
        "../scripts/follow_flow.py"


rule pack_flow:
    """Points, flowlines and gates as layers of one GeoPackage."""
    input:
        series="<results>/{study}/velocity/series.parquet",
        flowline="<results>/{study}/velocity/flowline.parquet",
        gates="<results>/{study}/velocity/gates.csv",
    output:
        "<results>/{study}/velocity/flow.gpkg",
    log:
        "<logs>/{study}/velocity/pack_flow.log",
    conda:
        "../envs/velocity.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(20),
    params:
        gates=of_study("gates"),
        code=code_version("pack_flow.py"),
    message:
        "{wildcards.study}: points, flowlines and gates for a GIS"
    script:
        "../scripts/pack_flow.py"


rule invert_velocity:
    """A regular series of velocities in every cell, from pairs that overlap."""
    input:
        stack=stack_of,
    output:
        series="<results>/{study}/velocity/inverted.nc",
    log:
        "<logs>/{study}/velocity/invert_velocity.log",
    benchmark:
        "<benchmarks>/{study}/velocity/invert_velocity.tsv"
    conda:
        "../envs/velocity.yaml"
    threads: 2
    resources:
        mem_mb=growing(4000),
        runtime=growing(480),
    params:
        invert=of_study("invert"),
        code=code_version("invert_velocity.py"),
    message:
        "{wildcards.study}: inverting image pairs"
    script:
        "../scripts/invert_velocity.py"
