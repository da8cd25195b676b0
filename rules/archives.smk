"""Helpers for rules: where a study's granules come from, and what the simulation is told of their world."""

from nunatak.archives.asking import fetching_of
from nunatak.archives.local.listing import fingerprint
from nunatak.granules.products import PRODUCTS, granules_of, product_row
from nunatak.parameters.archives import ARCHIVES


def world_folder(label):
    """The folder that holds the granules of a study's simulated world."""
    return f"{STUDIES[label]['resources']}/archive/simulated/{simulated_world.world_folder(LOADED[label])}"


def of_world(wildcards):
    """What the simulation is told of a world: the first study that is about it says."""
    simulated = (study for study in LOADED.values() if study.archive == "simulated")
    own = (study for study in simulated if simulated_world.world_folder(study) == wildcards.world)
    return simulated_world.world_of(next(own), wildcards.get("product"))


def archive_of(wildcards):
    """The granules that must be made before they can be asked for; nothing for an archive that exists."""
    if not ARCHIVES[STUDIES[wildcards.study]["archive"]].made:
        return []
    folder = simulated_world.world_folder(LOADED[wildcards.study])
    asked = LOADED[wildcards.study].products[wildcards.product]
    return f"<resources>/archive/simulated/{folder}/{granules_of(wildcards.product, getattr(asked, 'source', None))}"


def rasters_made(wildcards):
    """The folder of the rasters that the simulation makes in the place of the user's, where a study asks for them."""
    asked = simulated_world.rasters_made(LOADED[wildcards.study])
    folder = simulated_world.world_folder(LOADED[wildcards.study])
    return f"<resources>/archive/simulated/{folder}/rasters" if asked else []


def archive_settings(wildcards):
    """Where a study's granules come from, and what is needed to ask there."""
    settings = archive_of_study(wildcards.study)
    if ARCHIVES[settings["name"]].remote:
        study = LOADED[wildcards.study]
        settings |= fetching_of(study.products[wildcards.product], study.altimetry_region or study.region, study.period)
    return settings


def archive_of_study(label):
    """Return the settings of a study's archive that are the same for all its products."""
    study = STUDIES[label]
    archive = ARCHIVES[study["archive"]]
    settings = {"name": study["archive"], "resources": study["resources"], **{key: study[key] for key in archive.keys}}
    return settings | ({archive.folder: world_folder(label)} if archive.made else {})


def originals_of(label):
    """Return the folder of the originals of a study's archive, a folder per product below it."""
    return f"{STUDIES[label]['resources']}/archive/{STUDIES[label]['archive']}"


def connections_of(service):
    """A function of the wildcards: requests one job may have under way at a service; none where nothing is asked."""

    def connections(wildcards):
        study = STUDIES[wildcards.study]
        elsewhere = service in ("nsidc", "itslive") and service != product_row(wildcards.product).service
        return study["connections"][service] if ARCHIVES[study["archive"]].remote and not elsewhere else 0

    return connections


def search_settings(wildcards):
    """The same for a search, with what changes when files come or go in a folder of the user's own."""
    settings = archive_settings(wildcards)
    archive = ARCHIVES[settings["name"]]
    if archive.watched and settings[archive.folder]:
        settings["listing"] = fingerprint(settings[archive.folder])
    return settings


def lock_of(wildcards):
    """The granule lock of a product; nothing for a study that asks its archive."""
    folder = STUDIES[wildcards.study]["lock"]
    return f"{folder}/{wildcards.product}.csv" if folder else []


def world_of(wildcards):
    """What the simulation is told of the world, for the checks against its truth; None for real granules."""
    study = LOADED[wildcards.study]
    return simulated_world.world_of(study) if study.archive == "simulated" else None
