# many glaciers at once: series and rates of every feature of a file


rule sample_features:
    """Series and rates of every feature of a study's file, in one table each."""
    input:
        unpack(sampled_results),
        regions="<results>/{study}/regions.geojson",
        features=lambda wildcards: STUDIES[wildcards.study]["features"]["file"],
    output:
        features="<results>/{study}/features/features.csv",
        series="<results>/{study}/features/series.parquet",
        rates="<results>/{study}/features/rates.csv",
    log:
        "<logs>/{study}/features/sample_features.log",
    conda:
        "../envs/altimetry.yaml"
    threads: 1
    resources:
        mem_mb=growing(1900),
        runtime=growing(60),
    params:
        features=of_study("features"),
        code=code_version("sample_features.py"),
    message:
        "{wildcards.study}: series and rates of features"
    script:
        "../scripts/sample_features.py"
