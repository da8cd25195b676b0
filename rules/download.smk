rule fetch_granules:
    """Bring one chunk's granules here, check each, and write what came of every one of them."""
    input:
        granules=list_of(),
    output:
        ledger="<results>/{study}/{product}/ledger/{chunk}.parquet",
    log:
        "<logs>/{study}/{product}/fetch/{chunk}.log",
    retries: RETRIES
    localrule: True
    conda:
        "../envs/access.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=growing(240),
        earthdata_connections=connections_of("nsidc"),
        itslive_connections=connections_of("itslive"),
    params:
        archive=archive_settings,
    message:
        "{wildcards.study}: fetching {wildcards.product} {wildcards.chunk}"
    script:
        "../scripts/fetch_granules.py"


rule count_granules:
    """Count what was found, used and missing; stop here when more granules failed than the study allows."""
    input:
        granules="<results>/{study}/{product}/granules.parquet",
        ledger=outcomes(),
    output:
        counts="<results>/{study}/{product}/counts.csv",
    log:
        "<logs>/{study}/{product}/count.log",
    localrule: True
    conda:
        "../envs/access.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=growing(5),
    params:
        max_failed=of_study("max_failed"),
        code=code_version("count_granules.py"),
    message:
        "{wildcards.study}: counting {wildcards.product} granules"
    script:
        "../scripts/count_granules.py"
