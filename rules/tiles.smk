# map tiles of a result, for pages of others


rule cut_tiles:
    """A map of a study's results as tiles in polar sets and Web Mercator, with colour bar and legend."""
    input:
        rasters=lambda wildcards: list(below(wildcards.study, targets.rasters(LOADED[wildcards.study])).values()),
    output:
        tiles=directory("<results>/{study}/tiles"),
    log:
        "<logs>/{study}/cut_tiles.log",
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(1900),
        runtime=growing(60),
    params:
        raster=tiled_raster,
        title=lambda wildcards: STUDIES[wildcards.study]["title"],
        code=code_version("cut_tiles.py"),
    message:
        "{wildcards.study}: cutting map tiles"
    script:
        "../scripts/cut_tiles.py"


for label in STUDIES:

    rule:
        name:
            f"tiles_{STUDIES[label]['name']}"
        input:
            f"<results>/{label}/tiles",
        localrule: True
        message:
            f"{label}: map tiles of a result"
