rule collect_provenance:
    """Write down what made the results: code, environment, configuration, granules with their checksums, outputs."""
    input:
        unpack(provenance_inputs),
    output:
        provenance="<results>/{study}/provenance.json",
    log:
        "<logs>/{study}/collect_provenance.log",
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        study=of_study(),
        code=code_version("collect_provenance.py"),
    message:
        "{wildcards.study}: writing the provenance"
    script:
        "../scripts/collect_provenance.py"


rule render_notebook:
    """Execute a notebook with papermill on the study's results and render it as one HTML page."""
    input:
        unpack(notebook_inputs),
        notebook=notebook_of,
    output:
        page=report(
            "<results>/{study}/{topic}.html",
            caption="../config/captions/notebook.rst",
            category="{study}",
            labels={"page": "{topic}"},
        ),
        notebook="<results>/{study}/{topic}.ipynb",
    log:
        "<logs>/{study}/{topic}.log",
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(30),
    params:
        study=told_to_notebooks,
        references=shipped("config/references.bib"),
        code=lambda wildcards: code_version("render_notebook.py", f"../notebooks/{wildcards.topic}.ipynb"),
    message:
        "{wildcards.study}: rendering {wildcards.topic}"
    script:
        "../scripts/render_notebook.py"


rule write_report:
    """The study's front page: asked, found, numbers with errors, figures, checks, provenance, how to cite."""
    input:
        unpack(report_inputs),
    output:
        page=report(
            "<results>/{study}/report.html",
            caption="../config/captions/report.rst",
            category="{study}",
            labels={"page": "front page"},
        ),
        summary="<results>/{study}/summary.txt",
    log:
        "<logs>/{study}/write_report.log",
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(15),
    params:
        study=of_study(),
        references=shipped("config/references.bib"),
        code=code_version("write_report.py"),
    message:
        "{wildcards.study}: writing {output.page}"
    script:
        "../scripts/write_report.py"


rule write_viewer:
    """The study's results on a map, in one page that answers clicks without a server."""
    input:
        unpack(viewer_inputs),
        parts=viewer_parts(),
    output:
        page="<results>/{study}/explore.html",
    log:
        "<logs>/{study}/write_viewer.log",
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        title=of_study("title"),
        code=code_version("write_viewer.py"),
    message:
        "{wildcards.study}: writing {output.page}"
    script:
        "../scripts/write_viewer.py"


rule catalog_results:
    """Describe the results for GIS programs: a STAC catalogue, an item for each raster, grid and table of points."""
    input:
        unpack(provenance_inputs),
        regions="<results>/{study}/regions.geojson",
    output:
        catalog="<results>/{study}/catalog.json",
        described=directory("<results>/{study}/stac"),
    log:
        "<logs>/{study}/catalog_results.log",
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
        runtime=growing(10),
    params:
        title=of_study("title"),
        period=of_study("period"),
        code=code_version("catalog_results.py"),
    message:
        "{wildcards.study}: describing the results for GIS programs"
    script:
        "../scripts/catalog_results.py"


rule conclude_study:
    """End the study: well, or with the checks that failed where the study wants that to be an error."""
    input:
        unpack(outcomes_found),
        checks="<results>/{study}/checks.json",
        report="<results>/{study}/report.html",
        summary="<results>/{study}/summary.txt",
        catalog="<results>/{study}/catalog.json",
    output:
        concluded=touch("<results>/{study}/.concluded"),
    log:
        "<logs>/{study}/conclude_study.log",
    localrule: True
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
        runtime=growing(5),
    params:
        checks=of_study("checks"),
        makes=lambda wildcards: targets.everything(LOADED[wildcards.study], FORMATS),
        possible=targets.possible(),
        code=code_version("conclude_study.py"),
    message:
        "{wildcards.study}: concluding"
    script:
        "../scripts/conclude_study.py"


rule gallery:
    """Write index.html: every study in the folder of results, how it ended, its numbers. Each study's end does too."""
    log:
        "<logs>/gallery.log",
    localrule: True
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
        runtime=growing(5),
    params:
        results=os.path.expanduser(config.get("results", "results")),
        code=code_version("write_gallery.py"),
    message:
        "writing the gallery of all studies"
    script:
        "../scripts/write_gallery.py"


rule refuse_studies:
    """End a run of all studies with an error once the others are done, where the file of one is at fault."""
    input:
        [whole(label) for label in STUDIES],
    output:
        never=touch("<results>/.left_out"),
    log:
        "<logs>/refuse_studies.log",
    localrule: True
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
        runtime=growing(5),
    params:
        faults=lambda wildcards: [str(error) for error in BROKEN.values()],  # braces in them are no wildcards
        code=code_version("refuse_studies.py"),
    message:
        "naming the studies that were left out"
    script:
        "../scripts/refuse_studies.py"


rule bundle_study:
    """Write one citable bundle of a study, an RO-Crate: results, study file, lock, provenance, what to cite."""
    input:
        concluded="<results>/{study}/.concluded",
        report="<results>/{study}/report.html",
        granules=lambda wildcards: granules_found(wildcards)["granules"],
    output:
        bundle="<results>/{study}.crate.zip",
    log:
        "<logs>/{study}/bundle_study.log",
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(30),
    params:
        products=lambda wildcards: products_of(STUDIES[wildcards.study]),
        originals=lambda wildcards: originals_of(wildcards.study),
        study=of_study(),
        references=shipped("config/references.bib"),
        code=code_version("export_study.py"),
    message:
        "{wildcards.study}: bundling"
    script:
        "../scripts/export_study.py"
