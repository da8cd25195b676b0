from nunatak.results.captions import drawn_caption


rule plot_figure:
    """Draw one figure, with the numbers in it as a sidecar."""
    input:
        unpack(figure_inputs),
    output:
        **figure_outputs(),
    log:
        "<logs>/{study}/figures/{figure}.log",
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(15),
    params:
        style=of_study("figures"),
        title=of_study("title"),
        focus=of_study("focus"),
        transects=of_study("transects"),
        # maps name the days of a bin that the period cuts; others are not drawn again because it grew
        period=lambda wildcards: (
            of_study("period")(wildcards) if row_of(wildcards.figure).topic in ("freeboard", "composed") else None
        ),
        limits=lambda wildcards: limits_of_rates(wildcards) if wildcards.figure == "atl11_track" else None,
        # asks for the output and so is no reason to draw the figure again: the caption is written with it
        caption=lambda wildcards, output: drawn_caption(output.json),
        code=code_version("plot_figure.py"),
    message:
        "{wildcards.study}: drawing {wildcards.figure}"
    script:
        "../scripts/plot_figure.py"
