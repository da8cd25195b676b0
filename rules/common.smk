"""Helpers for rules: the studies of this run, which files each asks for, and what a rule is told of it."""

from nunatak.results import targets
from nunatak.results.figures import row_of
from nunatak import study as studies
from nunatak.study import simulated_world
from nunatak.compute.code_reach import code_version
from nunatak.runtime import NunatakError, check_conda, check_folder, claim
from snakemake.common.configfile import load_configfile
from snakemake.exceptions import WorkflowError

# a run that was killed left its lock; the job of a run must not look
CLAIM = claim(".snakemake") if workflow.is_main_process else None

# studies whose file is at fault, by name: the others run without them
BROKEN = {}

try:
    # Snakemake reads leading zeros as octal numbers
    given = studies.as_written(
        config, workflow.configfiles, typed=workflow.config_settings.config, snakemake_reads=load_configfile
    )
    LOADED = studies.load_all(given, base=HERE, broken=BROKEN)
    for folder in ("results", "resources"):
        check_folder(os.path.expanduser(config.get(folder, folder)), folder)
    for published in filter(None, {study.published for study in LOADED.values()}):
        if not os.path.exists(published):  # told before the study runs, not after
            raise NunatakError(f"published: {published}: is not there; name a study's results or a bundle of them")
    check_conda([str(method) for method in workflow.deployment_settings.deployment_method])
except NunatakError as error:
    raise WorkflowError(str(error))

# what rules look up: every key of every study, by the name of its folder of results
STUDIES = {label: simulated_world.keys_of(study) for label, study in LOADED.items()}

# none: a request is repeated inside its job, where it is known whether that can help
RETRIES = 0


def report_of(label):
    """The last file of a study: its report is written and its checks are judged."""
    return f"<results>/{label}/.concluded"


def of_study(path=""):
    """
    A function of the wildcards: what a study says under a path of keys, such as products/{product}.

    Without a path all that says what is computed, and nothing of the machine: pages are not made again because a
    folder was moved. Snakemake's own `lookup` goes through every key of every study for each job.
    """

    def said(wildcards):
        found = STUDIES[wildcards.study]
        if not path:
            machine = {"path", *studies.Settings.model_fields}
            return {key: value for key, value in found.items() if key not in machine}
        for key in path.format(**dict(wildcards.items())).split("/"):
            found = found[key]
        return found

    return said


def growing(amount):
    """
    A function of the attempt: memory (MB) or time (minutes), the amount again with every attempt at a job.

    Such as `mem_mb=growing(1900)`: 1900, then 3800.
    """
    return lambda wildcards, attempt: amount * attempt


def folder_of(label):
    """A function of the wildcards: the folder of a study's results."""
    return lambda wildcards: f"{STUDIES[label]['results']}/{label}"


def unless_done(label):
    """The end of a study, where it has never been reached; results that are there are looked at as they lie."""
    study = STUDIES[label]
    done = os.path.exists(f"{study['results']}/{label}/provenance.json")
    return [] if done else report_of(label)


def chunk_files(product, kind, suffix):
    """A function of the wildcards: one file per chunk of a product."""

    def files(wildcards):
        chunks = LOADED[wildcards.study].chunks(product)
        return [f"<results>/{wildcards.study}/{product}/{kind}/{chunk}.{suffix}" for chunk in chunks]

    return files


def list_of(product=None):
    """A function of the wildcards: one chunk's share of the granules, once it is known."""

    def path(wildcards):
        name = product or wildcards.product
        asked = checkpoints.query_granules.get(study=wildcards.study, product=name)
        return f"{asked.output.lists}/{wildcards.chunk}.csv"

    return path


def ledger_of(product=None):
    """
    A function of the wildcards: what fetching brought of one chunk, once its share of the granules is known.

    Snakemake decides anew about jobs that wait for a checkpoint themselves, and not about those one step further: a
    chunk whose share is as before would be read again.
    """

    def path(wildcards):
        name = product or wildcards.product
        checkpoints.query_granules.get(study=wildcards.study, product=name)
        return f"<results>/{wildcards.study}/{name}/ledger/{wildcards.chunk}.parquet"

    return path


def ledgers(product):
    """What fetching brought of a product, one file per chunk."""
    return chunk_files(product, "ledger", "parquet")


def outcomes(product=None):
    """What came of every granule in the end: after reading where points are kept, else after fetching."""

    def files(wildcards):
        name = product or wildcards.product
        was_read = targets.is_read(LOADED[wildcards.study], name)
        return chunk_files(name, "read" if was_read else "ledger", "parquet")(wildcards)

    return files


def years_of(wildcards):
    """The years of a study's image pairs: its chunks, however many shares a year has."""
    return sorted({int(chunk.partition("-")[0]) for chunk in LOADED[wildcards.study].chunks("itslive")})


def share_of(wildcards):
    """What one year of a cube depends on, once that is known."""
    return f"{checkpoints.plan_cube.get(study=wildcards.study).output.plan}/{wildcards.year}.parquet"


def stacked_years(wildcards):
    """The layers of every year."""
    return [f"<results>/{wildcards.study}/velocity/years/{year}" for year in years_of(wildcards)]


def points(product):
    """The rows of an along-track product, one file per chunk."""
    return chunk_files(product, "points", "parquet")


def sums_of(wildcards):
    """The sums of a study's sea-ice granules, a file of each kind per chunk, and the count that may stop the study."""
    product = LOADED[wildcards.study].sea_ice
    kinds = {"rows": "sums", "levels": "levels", "granules": "tallies", "ledgers": "read"}
    files = {name: chunk_files(product, kind, "parquet")(wildcards) for name, kind in kinds.items()}
    theirs = LOADED[wildcards.study].gridded_freeboard.atl20
    return files | {"counts": f"<results>/{wildcards.study}/{product}/counts.csv", "atl20": list(theirs)}


def freeboard_of(wildcards):
    """How a study grids sea ice; the defaults where it does not say."""
    return LOADED[wildcards.study].gridded_freeboard.model_dump(mode="json")


def classes_for(product):
    """What fetching brought of ATL08 for a chunk of a product's photons (or all chunks), where classes are asked for."""

    def files(wildcards):
        loaded = LOADED[wildcards.study]
        if not loaded.products[product].joins_atl08:
            return []
        # a cycle's granules are cut into shares by their own names, which differ from product to product
        cycle = wildcards.chunk.split("-")[0] if "chunk" in wildcards.keys() else ""
        return [path for path in ledgers("atl08")(wildcards) if path.rpartition("/")[2].startswith(cycle)]

    return files


def engine_is(name):
    """The studies whose heights are fitted by this engine, as a constraint on their names."""
    asked = {label: study["products"].get("atl06sr") or {} for label, study in STUDIES.items()}
    fitted = [label for label, settings in asked.items() if settings.get("engine") == name]
    return "|".join(fitted) or "none"


def source_is(*names):
    """The studies whose velocities come from one of these sources, as a constraint on their names."""
    asked = {label: study["products"].get("itslive") or {} for label, study in STUDIES.items()}
    theirs = [label for label, settings in asked.items() if settings.get("source") in names]
    return "|".join(map(re.escape, theirs)) or "none"


def stack_of(wildcards):
    """The layers behind a study's velocities: its cube, or those chosen in datacubes; none behind mosaics."""
    if LOADED[wildcards.study].products.itslive.source == "mosaics":
        return []
    made = "cube.zarr" if LOADED[wildcards.study].products.itslive.has_cube else "layers"
    return f"<results>/{wildcards.study}/velocity/{made}"


def composite_of(wildcards):
    """How a study makes annual velocities; the defaults where it does not say."""
    return LOADED[wildcards.study].annual_velocity.model_dump(mode="json")


def first_and_last_year(wildcards):
    """The first and the last year of a study."""
    return [which(LOADED[wildcards.study].period.years) for which in (min, max)]


def spans_of(wildcards):
    """First and last date of every part of a study's period, the last excluded, as text."""
    return [[str(date) for date in span] for span in LOADED[wildcards.study].period.spans()]


def places_of(wildcards):
    """Points and gates of a study that reads the cells there alone, in longitude and latitude; None for all cells."""
    study = STUDIES[wildcards.study]
    if study["products"]["itslive"]["cells"] == "region":
        return None
    return list(study["points"].values()), [gate["lonlat"] for gate in study["gates"].values()]


def cubes_of(label):
    """What looking at a study's datacubes told, their versions among it; none where it reads none."""
    if source_of(LOADED[label]) != "datacubes":
        return []
    return [f"<results>/{label}/itslive/ledger/{chunk}.parquet" for chunk in LOADED[label].chunks("itslive")]


def source_of(study):
    """Where a study's velocities come from; None where it has none."""
    return study.products.itslive.source if "itslive" in study.products else None


def connections_to_cubes(wildcards):
    """Requests that a job which reads datacubes in place may have under way; none of local ones."""
    study = STUDIES[wildcards.study]
    return study["connections"]["itslive"] if ARCHIVES[study["archive"]].remote else 0


def told_to_notebooks(wildcards):
    """The keys of a study, and what the simulation is told of its world: None for real granules."""
    return {**of_study()(wildcards), "simulated_world": world_of(wildcards)}


def chunks_of(wildcards):
    """The names of a product's chunks."""
    return LOADED[wildcards.study].chunks(wildcards.product)


def regions_of(wildcards):
    """Every outline of a study by its key; altimetry has a region of its own where the study says so."""
    study = STUDIES[wildcards.study]
    further = {"altimetry_region": study["altimetry_region"]} if study["altimetry_region"] else {}
    return {"region": study["region"], **further, **study["regions"]}


def where_asked(product, files):
    """A function of the wildcards: these files of a product, none where the study does not ask for it."""
    return lambda wildcards: files(product)(wildcards) if STUDIES[wildcards.study]["products"].get(product) else []


def count_of(product):
    """A function of the wildcards: the count of a product's granules, which may stop the study."""
    return lambda wildcards: [f"<results>/{wildcards.study}/{product}/counts.csv"]


def land_ice(*products):
    """The rows along track of each of these products, and the counts of their granules; what a study lacks is empty."""
    rows = {name: where_asked(name, heights_along if name == "atl06sr" else points) for name in products}
    return rows | {f"{name}_counts": where_asked(name, count_of) for name in products}


def heights_along(product):
    """The heights fitted from photons, one file per chunk."""
    return chunk_files(product, "segments", "parquet")


def land_ice_settings(wildcards):
    """What a study says of its land-ice heights along track."""
    return {name: STUDIES[wildcards.study]["products"].get(name) for name in ("atl06", "atl11")}


def versions_of(wildcards, *products):
    """The release that a study asks for of each of these products, None where it names none."""
    asked = STUDIES[wildcards.study]["products"]
    return [(asked.get(product) or {}).get("version") for product in products]


def surface_of(wildcards):
    """The surface, where the study has ATL14."""
    return results_of(wildcards).get("surface", [])


def products_of(study):
    """The names of the products a study asks for, those that this version can do."""
    return [name for name, asked in study["products"].items() if asked]


def results_of(wildcards):
    """The results a study makes, by name."""
    return below(wildcards.study, targets.results(LOADED[wildcards.study]))


def below(label, paths):
    return {name: f"<results>/{label}/{path}" for name, path in paths.items()}


def sampled_results(wildcards):
    """Return the results of a study that features are sampled in."""
    made = results_of(wildcards)
    return {name: made[name] for name in ("annual", "change", "freeboard", "rates") if name in made}


def tiled_raster(wildcards):
    """Return the raster that tiles are cut from. Default: the mean speed, the height change or freeboard."""
    rasters = below(wildcards.study, targets.rasters(LOADED[wildcards.study]))
    asked = STUDIES[wildcards.study]["figures"]["tiles"]
    if asked is not None:
        return f"<results>/{wildcards.study}/{asked}"
    if "velocity_maps" in rasters:
        return f"{rasters['velocity_maps']}/v_mean.tif"
    return rasters.get("change_raster") or f"<results>/{wildcards.study}/no_raster"


def granules_found(wildcards):
    """The granule tables and counts of every product, by name."""
    base = f"<results>/{wildcards.study}"
    products = products_of(STUDIES[wildcards.study])
    return {
        "granules": [f"{base}/{product}/granules.parquet" for product in products],
        "counts": [f"{base}/{product}/counts.csv" for product in products],
    }


include: "archives.smk"
include: "inputs.smk"
