# sea ice: every granule is summed on its own, so a month is done once and bins across months are exact


rule accumulate_freeboard:
    """Sum one chunk's sea-ice segments onto the study's grid; no segment is kept."""
    input:
        ledger=ledger_of(),
        regions="<results>/{study}/regions.geojson",
    output:
        rows="<results>/{study}/{product}/sums/{chunk}.parquet",
        levels="<results>/{study}/{product}/levels/{chunk}.parquet",
        granules="<results>/{study}/{product}/tallies/{chunk}.parquet",
        ledger="<results>/{study}/{product}/read/{chunk}.parquet",
    log:
        "<logs>/{study}/{product}/accumulate/{chunk}.log",
    benchmark:
        "<benchmarks>/{study}/{product}/accumulate/{chunk}.tsv"
    wildcard_constraints:
        product="|".join(targets.SUMMED),
    conda:
        "../envs/altimetry.yaml"
    threads: 2
    resources:
        mem_mb=growing(2500),
        runtime=growing(120),
    params:
        settings=of_study("products/{product}"),
        freeboard=freeboard_of,
        period=of_study("period"),
        scheduler=of_study("scheduler"),
        endpoints=of_study("endpoints"),
        code=code_version("accumulate_freeboard.py"),
    message:
        "{wildcards.study}: summing {wildcards.product} {wildcards.chunk}"
    script:
        "../scripts/accumulate_freeboard.py"


rule grid_freeboard:
    """Statistics of every cell and time bin from the sums of all chunks, and of the region as a whole."""
    input:
        unpack(sums_of),
        regions="<results>/{study}/regions.geojson",
    output:
        grid="<results>/{study}/freeboard/grid.nc",
        maps=directory("<results>/{study}/freeboard/maps"),
        series="<results>/{study}/freeboard/series.csv",
        distribution="<results>/{study}/freeboard/distribution.csv",
    log:
        "<logs>/{study}/freeboard/grid_freeboard.log",
    benchmark:
        "<benchmarks>/{study}/freeboard/grid_freeboard.tsv"
    conda:
        "../envs/altimetry.yaml"
    threads: 1
    resources:
        mem_mb=growing(2500),
        runtime=growing(60),
    params:
        product=lambda wildcards: LOADED[wildcards.study].sea_ice,
        settings=lambda wildcards: STUDIES[wildcards.study]["products"][LOADED[wildcards.study].sea_ice],
        freeboard=freeboard_of,
        period=of_study("period"),
        code=code_version("grid_freeboard.py"),
    message:
        "{wildcards.study}: gridding freeboard"
    script:
        "../scripts/grid_freeboard.py"
