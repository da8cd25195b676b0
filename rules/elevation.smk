# heights along tracks: repeat pairs, rates, crossovers and comparisons


rule pair_repeats:
    """Heights of two cycles on the same ground track, joined on segment_id."""
    input:
        points=points("atl06"),
        counts="<results>/{study}/atl06/counts.csv",
    output:
        pairs="<results>/{study}/elevation/repeat_pairs.parquet",
        counts="<results>/{study}/elevation/repeat_counts.csv",
    log:
        "<logs>/{study}/elevation/pair_repeats.log",
    benchmark:
        "<benchmarks>/{study}/elevation/pair_repeats.tsv"
    conda:
        "../envs/altimetry.yaml"
    threads: 1
    resources:
        mem_mb=growing(1900),
        runtime=growing(30),
    params:
        settings=of_study("products/atl06"),
        code=code_version("pair_repeats.py"),
    message:
        "{wildcards.study}: pairing repeats of a track"
    script:
        "../scripts/pair_repeats.py"


rule find_tracks:
    """Which ground tracks see the focus of the study, and the rows of the one that saw most of the change."""
    input:
        **land_ice("atl11", "atl06"),
        regions="<results>/{study}/regions.geojson",
    output:
        tracks="<results>/{study}/elevation/tracks.csv",
        track="<results>/{study}/elevation/track.parquet",
    log:
        "<logs>/{study}/elevation/find_tracks.log",
    benchmark:
        "<benchmarks>/{study}/elevation/find_tracks.tsv"
    conda:
        "../envs/altimetry.yaml"
    threads: 1
    resources:
        mem_mb=growing(1900),
        runtime=growing(30),
    params:
        focus=of_study("focus"),
        settings=land_ice_settings,
        code=code_version("find_tracks.py"),
    message:
        "{wildcards.study}: finding the tracks over the focus"
    script:
        "../scripts/find_tracks.py"


rule map_heights:
    """Heights along all tracks, thinned to cells, to be seen on a map."""
    input:
        **land_ice("atl11", "atl06", "atl06sr"),
        regions="<results>/{study}/regions.geojson",
    output:
        heights="<results>/{study}/elevation/heights.parquet",
    log:
        "<logs>/{study}/elevation/map_heights.log",
    benchmark:
        "<benchmarks>/{study}/elevation/map_heights.tsv"
    conda:
        "../envs/altimetry.yaml"
    threads: 1
    resources:
        mem_mb=growing(1900),
        runtime=growing(30),
    params:
        crs=of_study("crs"),
        settings=land_ice_settings,
        floating=floating_of,
        code=code_version("map_heights.py"),
    message:
        "{wildcards.study}: mapping heights along tracks"
    script:
        "../scripts/map_heights.py"


rule fit_rates:
    """Rate of height change at every ATL11 reference point, mapped, and a report on tracks that disagree."""
    input:
        points=points("atl11"),
        counts="<results>/{study}/atl11/counts.csv",
        regions="<results>/{study}/regions.geojson",
    output:
        rates="<results>/{study}/atl11/rates.parquet",
        map="<results>/{study}/atl11/rates_map.nc",
        report="<results>/{study}/atl11/track_report.csv",
    log:
        "<logs>/{study}/atl11/fit_rates.log",
    benchmark:
        "<benchmarks>/{study}/atl11/fit_rates.tsv"
    conda:
        "../envs/altimetry.yaml"
    threads: 1
    resources:
        mem_mb=growing(1900),
        runtime=growing(30),
    params:
        settings=of_study("products/atl11"),
        code=code_version("fit_rates.py"),
    message:
        "{wildcards.study}: fitting rates at reference points"
    script:
        "../scripts/fit_rates.py"


rule find_crossovers:
    """Height differences where tracks cross: ATL11 with its crossing tracks, ATL06 with ATL06."""
    input:
        **land_ice("atl11", "atl06"),
        ledger=where_asked("atl11", outcomes),
        regions="<results>/{study}/regions.geojson",
    output:
        crossovers="<results>/{study}/elevation/crossovers.parquet",
    log:
        "<logs>/{study}/elevation/find_crossovers.log",
    benchmark:
        "<benchmarks>/{study}/elevation/find_crossovers.tsv"
    conda:
        "../envs/altimetry.yaml"
    threads: 1
    resources:
        mem_mb=growing(1900),
        runtime=growing(30),
    params:
        period=of_study("period"),
        settings=land_ice_settings,
        endpoints=of_study("endpoints"),
        code=code_version("find_crossovers.py"),
    message:
        "{wildcards.study}: finding crossovers"
    script:
        "../scripts/find_crossovers.py"


rule compare_products:
    """Medians and spreads of ATL06 less ATL11 and of ATL11 less ATL14 and ATL15, by slope; counts of the filters."""
    input:
        heights=points("atl11"),
        segments=where_asked("atl06", points),
        change=lambda wildcards: results_of(wildcards).get("change", []),
        surface=surface_of,
    output:
        agreement="<results>/{study}/elevation/agreement.csv",
        filters="<results>/{study}/elevation/filters.csv",
    log:
        "<logs>/{study}/elevation/compare_products.log",
    benchmark:
        "<benchmarks>/{study}/elevation/compare_products.tsv"
    conda:
        "../envs/altimetry.yaml"
    threads: 1
    resources:
        mem_mb=growing(1900),
        runtime=growing(30),
    params:
        settings=land_ice_settings,
        code=code_version("compare_products.py"),
    message:
        "{wildcards.study}: comparing the products"
    script:
        "../scripts/compare_products.py"


rule fit_surface_rates:
    """Rate of height change around regular centres, from ATL06 segments of any tracks."""
    input:
        points=points("atl06"),
        counts="<results>/{study}/atl06/counts.csv",
    output:
        rates="<results>/{study}/elevation/surface_rates.parquet",
    log:
        "<logs>/{study}/elevation/fit_surface_rates.log",
    benchmark:
        "<benchmarks>/{study}/elevation/fit_surface_rates.tsv"
    conda:
        "../envs/altimetry.yaml"
    threads: 1
    resources:
        mem_mb=growing(1900),
        runtime=growing(60),
    params:
        settings=of_study("surface_rates"),
        segment_filter=of_study("products/atl06/filter"),
        version=of_study("products/atl06/version"),
        code=code_version("fit_surface_rates.py"),
    message:
        "{wildcards.study}: fitting rates around regular centres"
    script:
        "../scripts/fit_surface_rates.py"


rule adjust_passes:
    """The error that each pass shares, by least squares over its crossovers with all others."""
    input:
        crossovers="<results>/{study}/elevation/crossovers.parquet",
    output:
        biases="<results>/{study}/elevation/pass_biases.csv",
    log:
        "<logs>/{study}/elevation/adjust_passes.log",
    benchmark:
        "<benchmarks>/{study}/elevation/adjust_passes.tsv"
    conda:
        "../envs/altimetry.yaml"
    threads: 1
    resources:
        mem_mb=growing(1900),
        runtime=growing(30),
    params:
        settings=of_study("pass_biases"),
        code=code_version("adjust_passes.py"),
    message:
        "{wildcards.study}: adjusting passes to one another"
    script:
        "../scripts/adjust_passes.py"
