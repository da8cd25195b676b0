"""The three studies' granules: the archive on the network finds and brings the ones the simulated archive holds."""

from __future__ import annotations

import pytest
from tests.conftest import ROOT
from tests.standin import faults, holdings, stac

from nunatak import simulation, study
from nunatak.archives.archive import Filters
from nunatak.archives.local.simulated import SimulatedArchive
from nunatak.granules import parse
from nunatak.runtime import file_sha256

TINY = {"size": "tiny"}


@pytest.mark.parametrize(
    ("name", "product"),
    [("austfonna", "atl06"), ("ross_sea", "atl10"), ("austfonna", "atl15"), ("pine_island", "itslive")],
)
def test_both_archives_give_the_same_granules(standin, login, archive, tmp_path, name, product):
    """Ross Sea: over the antimeridian, one month; Pine Island: image pairs by their mid-dates."""
    given = study.load(ROOT / "config" / "studies" / f"{name}.yaml", overrides=TINY)
    folder = tmp_path / "simulated" / product
    folder.mkdir(parents=True)
    made = simulation.write_product(simulation.world(name, "tiny"), product, folder)
    if product == "itslive":
        items = [stac.item_of(row) for row in made.itertuples()]
        standin.services |= {faults.STAC: stac.Stac(items), faults.S3: stac.bucket(sorted(folder.glob("*.nc")))}
    else:
        standin.records.extend(holdings.of_files(made, folder))
    region = given.altimetry_region or given.region if product.startswith("atl") else given.region
    settings = given.products[product].model_dump(mode="json")
    tracks = settings.get("rgt")
    filters = Filters.of({**settings, "rgt": None if tracks == "auto" else tracks})
    question = product, region, given.period, filters
    expected = SimulatedArchive(tmp_path / "simulated").search(*question)
    granules = archive.search(*question)
    if product == "itslive":
        expected = expected[[_asked(name, given.products[product]) for name in expected["file_name"]]]
    assert list(granules["file_name"]) == list(expected["file_name"]) and len(granules)
    first = archive.fetch(granules.head(5))
    assert set(first["status"]) == {"present"}
    assert list(first["sha256"]) == [file_sha256(folder / path.rsplit("/", 1)[1]) for path in first["path"]]


def _asked(file_name, settings):
    named = parse(file_name)
    apart = settings.min_separation <= named.date_dt <= settings.max_separation
    return apart and named.percent_valid >= settings.percent_valid_pixels
