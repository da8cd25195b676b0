rule outline_regions:
    """Settle the outlines of a study: its region and every further one, with what simplification changed."""
    output:
        regions="<results>/{study}/regions.geojson",
    log:
        "<logs>/{study}/outline_regions.log",
    localrule: True
    conda:
        "../envs/access.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=growing(5),
    params:
        regions=regions_of,
        code=code_version("outline_regions.py"),
    message:
        "{wildcards.study}: settling the outlines"
    script:
        "../scripts/outline_regions.py"


# a checkpoint: what follows a chunk whose list is as before is not done again
checkpoint query_granules:
    """Ask the archive which granules of a product lie in the region and the period, and list each chunk's share."""
    input:
        regions="<results>/{study}/regions.geojson",
        archive=archive_of,
        lock=lock_of,
    output:
        granules="<results>/{study}/{product}/granules.parquet",
        left_out="<results>/{study}/{product}/left_out.parquet",
        lists=directory("<results>/{study}/{product}/lists"),
    log:
        "<logs>/{study}/{product}/query.log",
    retries: RETRIES
    localrule: True
    conda:
        "../envs/access.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=growing(30),
        earthdata_connections=connections_of("cmr"),
    params:
        archive=search_settings,
        settings=of_study("products/{product}"),
        period=of_study("period"),
        chunks=chunks_of,
        focus=of_study("focus"),
    message:
        "{wildcards.study}: asking for {wildcards.product} granules"
    script:
        "../scripts/query_granules.py"
