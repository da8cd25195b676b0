rule fit_heights:
    """Fit heights to the photons of one chunk of ATL03 granules (ATL06-SR)."""
    input:
        ledger=ledger_of("atl06sr"),
        regions="<results>/{study}/regions.geojson",
        classes=classes_for("atl06sr"),
    output:
        table="<results>/{study}/atl06sr/segments/{chunk}.parquet",
        ledger="<results>/{study}/atl06sr/read/{chunk}.parquet",
    log:
        "<logs>/{study}/atl06sr/fit/{chunk}.log",
    benchmark:
        "<benchmarks>/{study}/atl06sr/fit/{chunk}.tsv"
    wildcard_constraints:
        study=engine_is("local"),
    conda:
        "../envs/altimetry.yaml"
    threads: 2
    resources:
        mem_mb=growing(1900),
        runtime=growing(120),
    params:
        product="atl06sr",
        settings=of_study("products/atl06sr"),
        period=of_study("period"),
        crs=of_study("crs"),
        endpoints=of_study("endpoints"),
        code=code_version("fit_photons.py"),
    message:
        "{wildcards.study}: fitting heights to photons, {wildcards.chunk}"
    script:
        "../scripts/fit_photons.py"


rule request_heights:
    """Have the photons of one chunk of ATL03 granules fitted by a SlideRule service."""
    input:
        granules=list_of("atl06sr"),
        regions="<results>/{study}/regions.geojson",
    output:
        table="<results>/{study}/atl06sr/segments/{chunk}.parquet",
        ledger="<results>/{study}/atl06sr/read/{chunk}.parquet",
    log:
        "<logs>/{study}/atl06sr/request/{chunk}.log",
    wildcard_constraints:
        study=engine_is("sliderule"),
    retries: 2
    localrule: True
    conda:
        "../envs/sliderule.yaml"
    threads: 1
    resources:
        mem_mb=growing(1900),
        runtime=growing(240),
        sliderule_connections=1,
    params:
        settings=of_study("products/atl06sr"),
        period=of_study("period"),
        crs=of_study("crs"),
        endpoint=of_study("endpoints/sliderule"),
        archive=of_study("archive"),
    message:
        "{wildcards.study}: asking SlideRule for heights, {wildcards.chunk}"
    script:
        "../scripts/request_heights.py"


rule gather_extents:
    """Gather the photons of every extent of one chunk of ATL03 granules."""
    input:
        ledger=ledger_of("atl03"),
        regions="<results>/{study}/regions.geojson",
        classes=classes_for("atl03"),
    output:
        table="<results>/{study}/atl03/extents/{chunk}.parquet",
        ledger="<results>/{study}/atl03/read/{chunk}.parquet",
    log:
        "<logs>/{study}/atl03/extents/{chunk}.log",
    benchmark:
        "<benchmarks>/{study}/atl03/extents/{chunk}.tsv"
    conda:
        "../envs/altimetry.yaml"
    threads: 2
    resources:
        mem_mb=growing(3800),
        runtime=growing(120),
    params:
        product="atl03",
        settings=of_study("products/atl03"),
        period=of_study("period"),
        crs=of_study("crs"),
        endpoints=of_study("endpoints"),
        code=code_version("fit_photons.py"),
    message:
        "{wildcards.study}: gathering photons of extents, {wildcards.chunk}"
    script:
        "../scripts/fit_photons.py"


rule compare_heights:
    """Join the heights fitted from photons with ATL06's or ATL11's, at the same places."""
    input:
        heights=heights_along("atl06sr"),
        points=lambda wildcards: points(wildcards.other)(wildcards),
        counts="<results>/{study}/atl06sr/counts.csv",
    output:
        table="<results>/{study}/atl06sr/comparison_{other}.parquet",
    log:
        "<logs>/{study}/atl06sr/compare_{other}.log",
    benchmark:
        "<benchmarks>/{study}/atl06sr/compare_{other}.tsv"
    wildcard_constraints:
        other="atl06|atl11",
    conda:
        "../envs/altimetry.yaml"
    threads: 1
    resources:
        mem_mb=growing(1900),
        runtime=growing(30),
    params:
        versions=lambda wildcards: versions_of(wildcards, "atl06sr", wildcards.other),
        code=code_version("compare_heights.py"),
    message:
        "{wildcards.study}: comparing fitted heights with {wildcards.other}"
    script:
        "../scripts/compare_heights.py"


rule sample_photons:
    """Take the photons of a short stretch, and the segments fitted to them, for figures and the notebook."""
    input:
        heights=heights_along("atl06sr"),
        ledgers=outcomes("atl06sr"),
        classes=classes_for("atl06sr"),
    output:
        cloud="<results>/{study}/atl06sr/cloud.parquet",
        segments="<results>/{study}/atl06sr/cloud_segments.parquet",
    log:
        "<logs>/{study}/atl06sr/sample.log",
    conda:
        "../envs/altimetry.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(15),
    params:
        settings=of_study("products/atl06sr"),
        endpoints=of_study("endpoints"),
        code=code_version("sample_photons.py"),
    message:
        "{wildcards.study}: sampling photons"
    script:
        "../scripts/sample_photons.py"
