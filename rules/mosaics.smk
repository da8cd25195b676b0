# ITS_LIVE's annual and static mosaics in place of pairs: a window of each


rule window_mosaics:
    """Annual velocities out of mosaics, the region's window of each, and what became of every mosaic."""
    input:
        ledgers=ledgers("itslive"),
        counts="<results>/{study}/itslive/counts.csv",
        regions="<results>/{study}/regions.geojson",
    output:
        annual="<results>/{study}/velocity/annual.nc",
        pairs="<results>/{study}/velocity/pairs.parquet",
        pair="<results>/{study}/velocity/pair.nc",
    log:
        "<logs>/{study}/velocity/window_mosaics.log",
    benchmark:
        "<benchmarks>/{study}/velocity/window_mosaics.tsv"
    wildcard_constraints:
        study=source_is("mosaics"),
    priority: 1  # most of what is drawn and said waits for it
    conda:
        "../envs/velocity.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(120),
        itslive_connections=connections_to_cubes,
    params:
        composite=composite_of,
        years=first_and_last_year,
        code=code_version("window_mosaics.py"),
    message:
        "{wildcards.study}: annual velocities out of mosaics"
    script:
        "../scripts/window_mosaics.py"


rule compare_sources:
    """Annual velocities of mosaics beside the study's own: bias and spread by year, and the map of the difference."""
    input:
        annual="<results>/{study}/velocity/annual.nc",
        ledgers=ledgers("itslive_mosaic"),
        counts="<results>/{study}/itslive_mosaic/counts.csv",
        regions="<results>/{study}/regions.geojson",
    output:
        table="<results>/{study}/velocity/agreement.csv",
        map="<results>/{study}/velocity/agreement.nc",
    log:
        "<logs>/{study}/velocity/compare_sources.log",
    conda:
        "../envs/velocity.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(120),
        itslive_connections=connections_to_cubes,
    params:
        code=code_version("compare_sources.py"),
    message:
        "{wildcards.study}: comparing two sources of velocity"
    script:
        "../scripts/compare_sources.py"
