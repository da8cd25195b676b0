# velocity, thickness and height change to flux, its divergence, dynamic thinning and budgets


rule place_thickness:
    """Thickness, bed and surface of the ice on the grid of the velocities."""
    input:
        annual="<results>/{study}/velocity/annual.nc",
        ledger=thickness_from,
        change=height_change_of,
        rasters=rasters_made,
    output:
        thickness="<results>/{study}/dynamics/thickness.nc",
    log:
        "<logs>/{study}/dynamics/place_thickness.log",
    conda:
        "../envs/altimetry.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        settings=of_study("dynamics"),
        endpoints=of_study("endpoints"),
        code=code_version("place_thickness.py"),
    message:
        "{wildcards.study}: thickness on the map of velocities"
    script:
        "../scripts/place_thickness.py"


rule measure_discharge:
    """Ice discharge through every gate, year by year."""
    input:
        annual="<results>/{study}/velocity/annual.nc",
        thickness="<results>/{study}/dynamics/thickness.nc",
        change=height_change_of,
    output:
        gates="<results>/{study}/dynamics/gates.csv",
        sections="<results>/{study}/dynamics/gate_sections.parquet",
    log:
        "<logs>/{study}/dynamics/measure_discharge.log",
    conda:
        "../envs/altimetry.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        settings=of_study("dynamics"),
        gates=of_study("gates"),
        flowlines=of_study("flowlines"),
        code=code_version("measure_discharge.py"),
    message:
        "{wildcards.study}: discharge through gates"
    script:
        "../scripts/measure_discharge.py"


rule map_dynamics:
    """Flux divergence, dynamic thinning and the residual of mass conservation."""
    input:
        annual="<results>/{study}/velocity/annual.nc",
        thickness="<results>/{study}/dynamics/thickness.nc",
        change=height_change_of,
        rasters=rasters_made,
    output:
        dynamics="<results>/{study}/dynamics/dynamics.nc",
    log:
        "<logs>/{study}/dynamics/map_dynamics.log",
    benchmark:
        "<benchmarks>/{study}/dynamics/map_dynamics.tsv"
    conda:
        "../envs/altimetry.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        settings=of_study("dynamics"),
        code=code_version("map_dynamics.py"),
    message:
        "{wildcards.study}: flux divergence and dynamic thinning"
    script:
        "../scripts/map_dynamics.py"


rule close_budgets:
    """The mass budget of every box."""
    input:
        annual="<results>/{study}/velocity/annual.nc",
        thickness="<results>/{study}/dynamics/thickness.nc",
        change=height_change_of,
        dynamics="<results>/{study}/dynamics/dynamics.nc",
        gates="<results>/{study}/dynamics/gates.csv",
        regions="<results>/{study}/regions.geojson",
    output:
        budget="<results>/{study}/dynamics/budget.csv",
    log:
        "<logs>/{study}/dynamics/close_budgets.log",
    conda:
        "../envs/altimetry.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        settings=of_study("dynamics"),
        code=code_version("close_budgets.py"),
    message:
        "{wildcards.study}: mass budgets"
    script:
        "../scripts/close_budgets.py"


rule join_flowlines:
    """Surface, thickness, height change, speed and strain along every flowline, year by year."""
    input:
        annual="<results>/{study}/velocity/annual.nc",
        thickness="<results>/{study}/dynamics/thickness.nc",
        flowline="<results>/{study}/velocity/flowline.parquet",
        change=height_change_of,
        surface=surface_of,
    output:
        years="<results>/{study}/dynamics/flowline_years.parquet",
    log:
        "<logs>/{study}/dynamics/join_flowlines.log",
    conda:
        "../envs/altimetry.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        code=code_version("join_flowlines.py"),
    message:
        "{wildcards.study}: elevation and velocity along flowlines"
    script:
        "../scripts/join_flowlines.py"


rule average_regions:
    """Mean speed and mean rate of height change of every region, year by year."""
    input:
        annual="<results>/{study}/velocity/annual.nc",
        thickness="<results>/{study}/dynamics/thickness.nc",
        change=height_change_of,
        regions="<results>/{study}/regions.geojson",
    output:
        years="<results>/{study}/dynamics/basin_years.csv",
    log:
        "<logs>/{study}/dynamics/average_regions.log",
    conda:
        "../envs/altimetry.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        settings=of_study("dynamics"),
        code=code_version("average_regions.py"),
    message:
        "{wildcards.study}: speed and thinning of regions by year"
    script:
        "../scripts/average_regions.py"


rule correlate_speeds:
    """Lag and correlation between speed and height change."""
    input:
        regions="<results>/{study}/dynamics/basin_years.csv",
        flowlines=lambda wildcards: results_of(wildcards).get("flowline_years", []),
    output:
        lags="<results>/{study}/dynamics/lags.csv",
    log:
        "<logs>/{study}/dynamics/correlate_speeds.log",
    conda:
        "../envs/altimetry.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(20),
    params:
        code=code_version("correlate_speeds.py"),
    message:
        "{wildcards.study}: lag between speed and height change"
    script:
        "../scripts/correlate_speeds.py"
