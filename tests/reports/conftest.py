"""A folder of results of a made-up study, written with the library's own writers."""

from __future__ import annotations

from types import SimpleNamespace

import h5py
import numpy as np
import pandas as pd
import pytest
from tests.builders import results as study_results

from nunatak import checks, elevation, granules
from nunatak.elevation import cell_coverage
from nunatak.files.rasters import georeference, write_netcdf_groups
from nunatak.files.tables import write_csv, write_table
from nunatak.geometry.grid import Grid
from nunatak.geometry.outlines import write_outlines
from nunatak.geometry.region import Region
from nunatak.results import reading
from nunatak.runtime import stamp

STUDY = {
    "name": "icecap",
    "label": "icecap-simulated",
    "title": "An ice cap <made up>",
    "archive": "simulated",
    "period": {"start": "2019-01-01T00:00:00", "end": "2023-01-02T00:00:00", "months": None},
    "products": {"atl15": {"version": "005"}, "atl06": {"version": "007"}, "atl11": None},
    "regions": {},
    "transects": {"across": {"lonlat": [[20.0, 79.6], [26.0, 79.9]]}},
    "focus": None,
    "mass": {"kind": "glacier"},
    "size": "tiny",
    "figures": {"preset": "copernicus"},
    "directory": "/somewhere/private",
    "connections": {"nsidc": 4},
    "resources": "resources",
    "results": "results",
    "path": "config/studies/icecap.yaml",
    "endpoints": {},
}
REFERENCES = """
@misc{atl15_005, title = {Height Change, Version 5}, author = {Smith, B. and others}, doi = {10.5067/ATLAS/ATL15.005},
  keywords = {atl15}}
@misc{atl15_004, title = {Height Change, Version 4}, author = {Smith, B.}, keywords = {atl15}}
@article{rolstad2009, title = {Spatially {integrated} balance}, author = {Rolstad, C. and Haug, T.}, year = {2009},
  journal = {J. Glaciol.}, volume = {55}, pages = {666--680}, keywords = {errors}}
"""


def granule_file(path, source="SIMULATED"):
    """A small granule with a tree, twins, fills and units."""
    with h5py.File(path, "w") as file:
        file.attrs["short_name"] = "ATL15"
        file.attrs["identifier_product_doi"] = "doi:10.5067/ATLAS/ATL15.005"
        file.attrs["nunatak_source"] = source
        file.create_group("METADATA/Lineage").attrs["note"] = "x"
        for lag in ("dhdt_lag1", "dhdt_lag4"):
            data = file.create_dataset(f"{lag}/dhdt", data=np.zeros((2, 3), dtype="f4"))
            data.attrs["units"], data.attrs["_FillValue"] = "meters years^-1", np.float32(3.4028235e38)
        file.create_dataset("delta_h/time", data=np.arange(2.0)).attrs["long_name"] = "quarterly <h(t)> time"


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """The folder of results: paths by name, as rules hand them on."""
    tmp_path = tmp_path_factory.mktemp("study")
    base = tmp_path / "results" / "icecap-simulated"
    about = stamp(study="icecap-simulated", source="SIMULATED")
    change = study_results.height_change().assign_coords(decimal_year=("time", study_results.YEARS))
    lagless = change.drop_vars([v for v in change.variables if "lag" in str(v)])
    grid = Grid.of(change)
    paths = {
        "regions": base / "regions.geojson",
        "change": base / "atl15" / "height_change.nc",
        "region_change": base / "atl15" / "region_change.csv",
        "transects": base / "elevation" / "transects.nc",
        "repeat_pairs": base / "elevation" / "repeat_pairs.parquet",
        "checks": base / "checks.json",
        "references": tmp_path / "references.bib",
    }
    region = Region("ice cap", study_results.REGION)
    write_outlines({"region": region}, paths["regions"])
    reading.write_height_change({"4km": (georeference(lagless, grid), {})}, paths["change"], about)
    coverage = cell_coverage(grid, region.projected(study_results.CRS))
    table = elevation.region_change(lagless, coverage, region="region", density=elevation.GLACIER)
    write_csv(table, paths["region_change"], attributes=about)
    line = elevation.transect(lagless, STUDY["transects"]["across"]["lonlat"])
    write_netcdf_groups({"across": line}, paths["transects"], about)
    write_table(pair_table(), paths["repeat_pairs"], attributes={**about, "crs": "EPSG:32607"})
    checks.write_checks([checks.at_most("crs", 0, 0, "", "one system")], paths["checks"], source="SIMULATED")
    paths["references"].write_text(REFERENCES)
    listed = granule_tables(base, tmp_path)
    return SimpleNamespace(base=base, study=STUDY, inputs={k: str(v) for k, v in paths.items()} | listed)


def pair_table():
    pairs = study_results.pairs()
    return pairs.assign(
        rgt=627,
        cycle_first=5,
        cycle_second=13,
        years=1.99,
        dhdt=pairs["dh"] / 1.99,
        dh_uncorrected=pairs["dh"] + 0.1,
        y_atc_first=0.0,
        y_atc_second=2.0,
        strength_changed=False,
    )


def granule_tables(base, folder):
    """Granule tables and ledgers of two products: one granule present, one failed, one empty."""
    first = folder / "ATL15_SV_0325_01km_005_01.nc"
    granule_file(first)
    rows = {
        "atl15": [{"file_name": first.name, "source": "simulated"}],
        "atl06": [
            {"file_name": "ATL06_20190504033705_05480304_007_01.h5", "source": "simulated"},
            {"file_name": "ATL06_20200502033705_05480704_007_01.h5", "source": "simulated"},
        ],
    }
    outcomes = {
        "atl15": [("present", None, str(first), 2048, "ab" * 32)],
        "atl06": [
            ("failed", "holds no bytes (0); <fetch> it again", None, 0, None),
            ("empty", "no segment", None, 10, None),
        ],
    }
    names = {"granules": [], "ledgers": []}
    for product, listed in rows.items():
        table = granules.granule_table(listed)
        fates = pd.DataFrame(outcomes[product], columns=["status", "reason", "path", "size_bytes", "sha256"])
        ledger = granules.ledger(fates.assign(granule_id=table["granule_id"]))
        about = {"nunatak_source": "SIMULATED"}
        write_table(table, base / product / "granules.parquet", attributes=about)
        write_table(ledger, base / product / "ledger" / "all.parquet", attributes=about)
        names["granules"].append(str(base / product / "granules.parquet"))
        names["ledgers"].append(str(base / product / "ledger" / "all.parquet"))
    return names


@pytest.fixture(scope="session")
def one_figure(made):
    """One figure of the study, saved as the script saves it."""
    import plot_figure

    outputs = [str(made.base / "figures" / f"height_change_series.{kind}") for kind in ("png", "pdf", "json")]
    wanted = {name: made.inputs[name] for name in ("regions", "region_change")}
    plot_figure.main("height_change_series", wanted, outputs, study="icecap-simulated", title="An ice cap")
    return outputs


@pytest.fixture(scope="session")
def made_and_granules(made, one_figure):
    """What provenance is collected from: the lists of granules, and everything that was made."""
    tables = [made.inputs[name] for name in ("region_change", "change", "checks")]
    return {"granules": made.inputs["granules"], "ledgers": made.inputs["ledgers"], "made": [*tables, *one_figure]}


@pytest.fixture(scope="session")
def provenance(made, made_and_granules):
    """provenance.json as the script writes it."""
    import collect_provenance

    out = made.base / "provenance.json"
    collect_provenance.main(made_and_granules, out, study=made.study)
    return out
