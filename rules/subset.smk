rule subset_points:
    """Keep the rows of one chunk's along-track granules that lie in the region and the period."""
    input:
        ledger=ledger_of(),
        regions="<results>/{study}/regions.geojson",
    output:
        points="<results>/{study}/{product}/points/{chunk}.parquet",
        ledger="<results>/{study}/{product}/read/{chunk}.parquet",
    log:
        "<logs>/{study}/{product}/subset/{chunk}.log",
    benchmark:
        "<benchmarks>/{study}/{product}/subset/{chunk}.tsv"
    wildcard_constraints:
        product="|".join(targets.POINTS),
    conda:
        "../envs/altimetry.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        settings=of_study("products/{product}"),
        period=of_study("period"),
        crs=of_study("crs"),
        endpoints=of_study("endpoints"),
        code=code_version("subset_points.py"),
    message:
        "{wildcards.study}: subsetting {wildcards.product} {wildcards.chunk}"
    script:
        "../scripts/subset_points.py"
