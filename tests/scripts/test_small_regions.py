"""Regions of one cell and smaller: gridded heights, sea ice and velocity, script by script, to figures and words."""

import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr

import check_study
import map_height_change
import merge_surface
import plot_figure
import sum_height_change
from nunatak import checks
from nunatak.files.tables import read_table, write_table
from nunatak.geometry import region
from nunatak.geometry.grid import Grid
from nunatak.geometry.outlines import write_outlines
from nunatak.granules import ledger
from nunatak.gridding import make_grid
from nunatak.products import polar_grid
from nunatak.reports import front
from nunatak.results import reading
from nunatak.runtime import read_json
from nunatak.simulation import world, write_product
from nunatak.study import Period, load
from nunatak.study.parts import typed
from nunatak.velocity.lattice import roi_mask, target_grid

# half a kilometre about a node of the 1 km grid, and a dozen metres between the cells' centres
BOXES = {"one cell": [24.5, 79.7, 24.505, 79.701], "no centre": [24.51, 79.7002, 24.511, 79.7004]}


@pytest.fixture(scope="module")
def fetched(tmp_path_factory):
    """Ledgers of the simulated grids of a tiny world, by product."""
    folder, found = tmp_path_factory.mktemp("grids"), {}
    for product in ("atl14", "atl15"):
        table = write_product(world("austfonna", "tiny"), product, folder / product)
        rows = [
            {"granule_id": row.granule_id, "path": str(folder / product / row.file_name), "status": "present"}
            for row in table.itertuples()
        ]
        found[product] = folder / f"{product}.parquet"
        write_table(ledger(rows), found[product], attributes={"nunatak_source": "SIMULATED"})
    return found


@pytest.mark.parametrize("box", BOXES)
def test_height_change_of_a_region_within_a_cell(fetched, tmp_path, box):
    """A volume of the region's own area, checks that hold, and every figure; the cells around tell the cell size."""
    settings = load("config/studies/austfonna.yaml").products["atl15"]
    names = ("change.nc", "map.tif", "surface.nc", "regions.csv", "bands.csv", "checks.json")
    change, raster, surface, sums, bands, checked = (tmp_path / name for name in names)
    outlines = tmp_path / "regions.geojson"
    area = region.load({"bbox": BOXES[box]})
    write_outlines({"region": area}, outlines)
    map_height_change.main(
        [fetched["atl15"]],
        outlines,
        change,
        raster,
        settings=settings,
        period=typed(Period, ["2019-01-01", "2021-01-01"]),
        study="small",
    )
    merge_surface.main([fetched["atl14"]], outlines, surface, study="small")
    granule = next(iter(read_table(fetched["atl14"])["path"]))
    with xr.open_dataset(surface, engine="h5netcdf") as made:
        said = {name: made.attrs.get(name, "") for name in ("release", "reference_frame")}
    assert said["reference_frame"] == "ITRF2020" and said == polar_grid.reference(granule)
    sum_height_change.main(change, surface, outlines, sums, bands, settings=settings, mass=None, study="small")
    table = reading.region_change(sums)
    finest = table[table["resolution"] == 1000.0]
    np.testing.assert_allclose(finest["ice_area"], area.area_km2, rtol=1e-3)
    inputs = {
        "regions": outlines,
        "change": change,
        "region_change": sums,
        "change_by_elevation": bands,
        "surface": surface,
    }
    check_study.main(inputs, checked, world={"name": "austfonna", "size": "tiny"})
    assert [f"{check.name}: {check.text}" for check in checks.read_checks(checked) if check.failed] == []
    for name in ("extent", "height_change_region", "height_change_series", "change_by_elevation", "surface"):
        plot_figure.main(name, inputs, [tmp_path / "f.png", tmp_path / "f.json"], study="small", title="Small")
        assert "not_drawn" not in read_json(tmp_path / "f.json")
    assert "the region lost" in front.lead(table, None, [])[0]


def test_the_grid_of_a_small_sea_ice_region_has_neighbours():
    """One cell of 12.5 km is drawn with the eight around it; a larger region's grid is as before."""
    area = region.load({"bbox": [170.0, -75.01, 170.02, -75.0]})
    grid = make_grid(preset="ease2_south", cell="12.5km", region=area)
    assert grid.shape == (3, 3)
    low = np.array(area.projected(grid.crs).bounds)
    assert (grid.x[1] - 6250 <= low[0]) and (grid.x[1] + 6250 >= low[2])
    assert make_grid(preset="ease2_south", cell="12.5km", region=region.load({"bbox": [170, -76, 175, -75]})).nx > 3


def test_a_velocity_region_between_centres_takes_the_cells_it_touches():
    """No centre lies inside: the cell it lies in, of a grid that is never one cell wide."""
    pairs = pd.DataFrame({"epsg": [3031], "x0": [60.0], "y0": [-60.0], "dx": [120.0], "dy": [120.0]})
    small = shapely.box(1210.0, -1230.0, 1220.0, -1220.0)
    grid = target_grid(pairs, lambda crs: small)
    assert grid.shape == (3, 3) and grid.dx == 120.0
    mask = roi_mask(grid, small)
    assert mask.sum() == 1 and mask[1, 1]
    wide = shapely.box(0.0, -1200.0, 1200.0, 0.0)
    assert target_grid(pairs, lambda crs: wide).shape == (10, 10)
    assert roi_mask(Grid("EPSG:3031", 0, 0, 120, 120, 10, 10), shapely.box(0, -1200, 90, 0)).sum() == 10
