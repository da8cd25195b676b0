"""What checks, figures, notebooks and reports are made from."""


def all_outcomes(wildcards):
    """What came of every granule of every product of a study."""
    return [path for product in products_of(STUDIES[wildcards.study]) for path in outcomes(product)(wildcards)]


def outcomes_found(wildcards):
    """The granules found of every product, and what came of each."""
    return {"granules": granules_found(wildcards)["granules"], "ledgers": all_outcomes(wildcards)}


def check_inputs(wildcards):
    """The results of a study, its rasters and figures, and what lies behind them."""
    label, loaded = wildcards.study, LOADED[wildcards.study]
    asked = set(loaded.products)
    behind = {f"points_{name}": points(name)(wildcards) for name in ("atl06", "atl11") if name in asked}
    gridded = ("atl14", "atl15", "itslive_elevation", "bedmachine")
    behind |= {f"ledger_{name}": ledgers(name)(wildcards) for name in gridded if name in asked}
    if "atl06sr" in asked:
        behind["fitted"] = heights_along("atl06sr")(wildcards)
    if loaded.sea_ice:
        sums = {kind: chunk_files(loaded.sea_ice, kind, "parquet")(wildcards) for kind in ("sums", "levels", "tallies")}
        behind |= sums | {"ledger_sea_ice": chunk_files(loaded.sea_ice, "read", "parquet")(wildcards)}
    if "itslive" in asked and (stack := stack_of(wildcards)):
        behind["cube"] = stack
    return (
        results_of(wildcards) | below(label, targets.rasters(loaded)) | behind | {"figures": figures_of(label, "json")}
    )


def figure_inputs(wildcards):
    """What a figure is drawn from, and the granules behind it."""
    drawn = below(wildcards.study, targets.drawn_from(LOADED[wildcards.study], wildcards.figure))
    return drawn | {"granules": granules_found(wildcards)["granules"]}


# one section per study, one line per figure
IN_REPORT = {"category": "{study}", "labels": {"figure": "{figure}"}}


# a picture for the screen, and one in each format that any study asks for
FORMATS = sorted({"png"}.union(*(study["figures"]["formats"] for study in STUDIES.values())))


def figure_outputs():
    """The pictures, and the numbers drawn."""
    paths = {name: f"<results>/{{study}}/figures/{{figure}}.{name}" for name in [*FORMATS, "json"]}
    return paths | {"png": report(paths["png"], caption="../config/captions/figure.rst", **IN_REPORT)}


def figures_of(label, suffix):
    return [f"<results>/{label}/figures/{name}.{suffix}" for name in LOADED[label].figure_names]


def whole(label):
    """Every file of a study, so that one that was deleted is made again, with all that follows from it."""
    pages = ("report.html", "explore.html", "summary.txt", "provenance.json")
    paths = (*targets.everything(LOADED[label], FORMATS), *pages)
    return [report_of(label), *(f"<results>/{label}/{path}" for path in paths)]


def provenance_inputs(wildcards):
    label = wildcards.study
    return {
        "granules": granules_found(wildcards)["granules"],
        "ledgers": all_outcomes(wildcards),
        "made": [f"<results>/{label}/{path}" for path in targets.everything(LOADED[label], FORMATS)],
    }


def shipped(path):
    """A file that comes with the workflow; not workflow.source_path, whose copy lies elsewhere in every run."""
    return os.path.relpath(HERE / path)


def notebook_of(wildcards):
    """The template of a topic."""
    return shipped(f"notebooks/{wildcards.topic}.ipynb")


def notebook_inputs(wildcards):
    heights = {"fitted": heights_along("atl06sr")(wildcards)} if "photon_cloud" in results_of(wildcards) else {}
    return {
        **heights,
        **results_of(wildcards),
        **granules_found(wildcards),
        "ledgers": all_outcomes(wildcards),
        "figures": figures_of(wildcards.study, "png"),
    }


def report_inputs(wildcards):
    label = wildcards.study
    return {
        **results_of(wildcards),
        **granules_found(wildcards),
        "left_out": [f"<results>/{label}/{product}/left_out.parquet" for product in products_of(STUDIES[label])],
        "ledgers": all_outcomes(wildcards),
        "checks": f"<results>/{label}/checks.json",
        "provenance": f"<results>/{label}/provenance.json",
        "figures": figures_of(label, "png"),
        "pages": [f"<results>/{label}/{topic}.html" for topic in ("explore", *targets.topics(LOADED[label]))],
    }


def viewer_inputs(wildcards):
    """The results that the viewer shows, and the granules behind them."""
    return results_of(wildcards) | {"granules": granules_found(wildcards)["granules"]}


def viewer_parts():
    """The scripts and styles that the viewer's page is put together from."""
    folder = HERE / "scripts" / "nunatak" / "explorer"
    return sorted(shipped(path) for name in ("page", "vendored") for path in (folder / name).iterdir())


def floating_of(wildcards):
    """The key of the outline whose ice floats, one for all products of land-ice heights; None without."""
    asked = STUDIES[wildcards.study]["products"].values()
    return next((settings["floating"] for settings in asked if settings and settings.get("floating")), None)


def limits_of_rates(wildcards):
    """What a study says of the rates at reference points that figures leave out."""
    settings = STUDIES[wildcards.study]["products"]["atl11"]
    return {name: settings[name] for name in ("max_error", "max_rate")}


def height_change_of(wildcards):
    """The long record of height change of a study, else that of ATL15, where it has one."""
    asked = LOADED[wildcards.study].products
    if "itslive_elevation" in asked:
        return f"<results>/{wildcards.study}/elevation/record.nc"
    return f"<results>/{wildcards.study}/atl15/height_change.nc" if "atl15" in asked else []


def thickness_from(wildcards):
    """The ledgers of BedMachine, where the thickness is taken from it."""
    return ledgers("bedmachine")(wildcards) if STUDIES[wildcards.study]["dynamics"]["thickness"] == "bedmachine" else []
