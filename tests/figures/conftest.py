"""One drawing of every figure layout, made once, for the tests that look at it."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest
import shapely
from matplotlib.backends.backend_agg import FigureCanvasAgg
from tests.builders import results as study_results

from nunatak import elevation, figures
from nunatak.times import from_decimal_year


def drawn(look):
    """Every layout by name, drawn on the made-up study."""
    change = study_results.height_change().assign_coords(decimal_year=("time", study_results.YEARS))
    quarter = elevation.change_between(change, 2019.0, 2019.25)
    whole = elevation.change_between(change, 2019.0, 2023.0)
    ice, crs = change["ice_area"].isel(time=0), study_results.CRS
    section, pairs = study_results.section(change), study_results.pairs()
    line = {"across": (section["x"].values, section["y"].values)}
    to_map = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:32607", always_xy=True)
    x, y = to_map.transform(pairs["longitude"].values, pairs["latitude"].values)
    box = {"xlim": (1.0e6, 1.1e6), "ylim": (-4.5e5, -3.8e5)}
    title = "An ice cap, made up"
    return {
        "extent": figures.extent(
            look,
            title=title,
            region=study_results.REGION,
            further={"basin": shapely.box(23, 79.3, 26, 79.8)},
            crs=crs,
            ice_area=ice,
            footprints={
                product: [shapely.LineString([(20, 79.2), (24, 80.5)])]
                for product in ("atl06", "atl11", "atl14", "atl15", "atl06sr")
            },
            transects={"across": np.array([[20.0, 79.6], [25.0, 79.9]])},
        ),
        "height_change": figures.height_change(
            look,
            title=title,
            changes=[quarter, whole],
            crs=crs,
            ice_area=ice,
            focus=box,
            transects=line,
            region=study_results.REGION,
        ),
        "series": figures.height_change_series(look, title=title, regions=study_results.series()),
        "by_elevation": figures.change_by_elevation(look, title=title, table=study_results.bands()),
        "transect": figures.transect(look, title=title, section=section, dh=whole.dh, crs=crs, ice_area=ice),
        "repeat_pair": figures.repeat_pair(look, title=title, pairs=pairs, x=x, y=y, crs="EPSG:32607"),
    }


@pytest.fixture(scope="session")
def copernicus():
    """Every layout under the preset of The Cryosphere, marked as simulated."""
    look = figures.preset("copernicus")
    with figures.use(look):
        figures_drawn = drawn(look)
        for one in figures_drawn.values():
            figures.style.mark_simulated(one.figure, look)
            FigureCanvasAgg(one.figure).draw()
        yield figures_drawn


@pytest.fixture
def simulated_sidecar():
    """The least a sidecar holds to be saved."""
    return {"figure": "x", "nunatak_source": "SIMULATED", "until": str(from_decimal_year(2023.0))}
