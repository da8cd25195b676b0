# gridded height change: ATL15, ATL14 and the long record


rule map_height_change:
    """Height change and its rates on every grid of ATL15, cut to the region, and a raster for a GIS."""
    input:
        ledger=ledgers("atl15"),
        counts="<results>/{study}/atl15/counts.csv",
        regions="<results>/{study}/regions.geojson",
    output:
        change="<results>/{study}/atl15/height_change.nc",
        raster="<results>/{study}/atl15/map_change.tif",
    log:
        "<logs>/{study}/atl15/map_height_change.log",
    benchmark:
        "<benchmarks>/{study}/atl15/map_height_change.tsv"
    conda:
        "../envs/altimetry.yaml"
    threads: 1
    resources:
        mem_mb=growing(1900),
        runtime=growing(30),
    params:
        settings=of_study("products/atl15"),
        period=of_study("period"),
        endpoints=of_study("endpoints"),
        code=code_version("map_height_change.py"),
    message:
        "{wildcards.study}: mapping the height change"
    script:
        "../scripts/map_height_change.py"


rule merge_surface:
    """The ATL14 surface of the region, its tiles and quadrants as one."""
    input:
        ledger=ledgers("atl14"),
        counts="<results>/{study}/atl14/counts.csv",
        regions="<results>/{study}/regions.geojson",
    output:
        surface="<results>/{study}/atl14/surface.nc",
    log:
        "<logs>/{study}/atl14/merge_surface.log",
    benchmark:
        "<benchmarks>/{study}/atl14/merge_surface.tsv"
    conda:
        "../envs/altimetry.yaml"
    threads: 1
    resources:
        mem_mb=growing(1900),
        runtime=growing(30),
    params:
        endpoints=of_study("endpoints"),
        code=code_version("merge_surface.py"),
    message:
        "{wildcards.study}: reading the ATL14 surface"
    script:
        "../scripts/merge_surface.py"


rule sum_height_change:
    """Volume, mean rate, errors and mass of every region, and the change by elevation band."""
    input:
        change="<results>/{study}/atl15/height_change.nc",
        surface=surface_of,
        regions="<results>/{study}/regions.geojson",
    output:
        regions="<results>/{study}/atl15/region_change.csv",
        elevation="<results>/{study}/atl15/change_by_elevation.csv",
    log:
        "<logs>/{study}/atl15/sum_height_change.log",
    benchmark:
        "<benchmarks>/{study}/atl15/sum_height_change.tsv"
    conda:
        "../envs/altimetry.yaml"
    threads: 1
    resources:
        mem_mb=growing(1900),
        runtime=growing(30),
    params:
        settings=of_study("products/atl15"),
        mass=of_study("mass"),
        code=code_version("sum_height_change.py"),
    message:
        "{wildcards.study}: summing volume and mass"
    script:
        "../scripts/sum_height_change.py"


rule join_records:
    """The long record of height change: all altimeters, joined with ATL15 where the study has it."""
    input:
        ledger=ledgers("itslive_elevation"),
        counts="<results>/{study}/itslive_elevation/counts.csv",
        change=lambda wildcards: results_of(wildcards).get("change", []),
        regions="<results>/{study}/regions.geojson",
    output:
        record="<results>/{study}/elevation/record.nc",
    log:
        "<logs>/{study}/elevation/join_records.log",
    benchmark:
        "<benchmarks>/{study}/elevation/join_records.tsv"
    conda:
        "../envs/altimetry.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        period=of_study("period"),
        endpoints=of_study("endpoints"),
        code=code_version("join_records.py"),
    message:
        "{wildcards.study}: joining the records of height change"
    script:
        "../scripts/join_records.py"


rule sum_records:
    """Volume, firn and mass of every region from the long record, by period, and their series."""
    input:
        record="<results>/{study}/elevation/record.nc",
        regions="<results>/{study}/regions.geojson",
    output:
        change="<results>/{study}/elevation/record_change.csv",
        series="<results>/{study}/elevation/record_series.csv",
    log:
        "<logs>/{study}/elevation/sum_records.log",
    benchmark:
        "<benchmarks>/{study}/elevation/sum_records.tsv"
    conda:
        "../envs/altimetry.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        settings=of_study("products/itslive_elevation"),
        mass=of_study("mass"),
        code=code_version("sum_records.py"),
    message:
        "{wildcards.study}: summing the long record"
    script:
        "../scripts/sum_records.py"


rule sample_transects:
    """The height change, and the surface where there is one, along each transect."""
    input:
        change="<results>/{study}/atl15/height_change.nc",
        surface=surface_of,
    output:
        transects="<results>/{study}/elevation/transects.nc",
    log:
        "<logs>/{study}/elevation/sample_transects.log",
    conda:
        "../envs/altimetry.yaml"
    threads: 1
    resources:
        mem_mb=growing(1900),
        runtime=growing(30),
    params:
        transects=of_study("transects"),
        code=code_version("sample_transects.py"),
    message:
        "{wildcards.study}: sampling transects"
    script:
        "../scripts/sample_transects.py"
