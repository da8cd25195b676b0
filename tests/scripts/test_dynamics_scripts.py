"""Scripts of flux and budgets on files sampled from the true glacier, which conserves mass exactly."""

import importlib

import numpy as np
import pytest
import xarray as xr

from nunatak.files.rasters import georeference, write_cog, write_netcdf
from nunatak.files.tables import read_csv, read_table
from nunatak.geometry import region
from nunatak.geometry.grid import Grid
from nunatak.geometry.outlines import write_outlines
from nunatak.results.reading import read_map, write_height_change
from nunatak.simulation.worlds import world
from nunatak.study.dynamics import Dynamics

X0, Y0, CRS = -1603794.0, -308842.0, "EPSG:3031"
YEARS = np.arange(2019, 2023)
TRUTH = world("pine_island").truth


def gate_across(distance, half=9000.0):
    """
    Return a gate across the trunk, in longitude and latitude.

    The flow is to its right.
    """
    import pyproj

    along = np.deg2rad(-123.0)
    middle = np.array([X0, Y0]) + distance * np.array([np.cos(along), np.sin(along)])
    left = np.array([-np.sin(along), np.cos(along)])
    to_earth = pyproj.Transformer.from_crs(CRS, "EPSG:4326", always_xy=True).transform
    return [list(to_earth(*(middle + side * half * left))) for side in (-1, 1)]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """annual.nc, height_change.nc, a raster of thickness and regions.geojson of the trunk."""
    folder = tmp_path_factory.mktemp("dynamics")
    grid = Grid.from_bounds(CRS, (X0 - 24e3, Y0 - 24e3, X0 + 24e3, Y0 + 24e3), 480.0)
    gx, gy = np.meshgrid(grid.x, grid.y)
    yearly = [TRUTH.velocity(gx, gy, year + 0.5) for year in YEARS]
    fields = {"vx": [v[0] for v in yearly], "vy": [v[1] for v in yearly]}
    data = {name: (("year", "y", "x"), np.array(values)) for name, values in fields.items()}
    data |= {name: (("year", "y", "x"), np.full((len(YEARS), *grid.shape), 4.0)) for name in ("vx_error", "vy_error")}
    data |= {"v_error": data["vx_error"], "year_start": ("year", YEARS * 1.0), "year_end": ("year", YEARS + 1.0)}
    for stem in ("vx", "vy"):
        data[f"{stem}_mean"] = (("y", "x"), np.mean(fields[stem], axis=0))
        data[f"{stem}_mean_error"] = (("y", "x"), np.full(grid.shape, 2.0))
    data["v_mean"] = (("y", "x"), np.hypot(data["vx_mean"][1], data["vy_mean"][1]))
    data["v_mean_error"] = data["vx_mean_error"]
    annual = xr.Dataset(data, {"year": YEARS, "y": grid.y, "x": grid.x})
    about = {"nunatak_source": "SIMULATED", "crs": CRS}
    write_netcdf(georeference(annual, grid), folder / "annual.nc", about)
    write_cog(TRUTH.thickness(gx, gy, 2021.0).astype("f4"), grid, folder / "thickness.tif")
    coarse = Grid.from_bounds(CRS, (X0 - 30e3, Y0 - 30e3, X0 + 30e3, Y0 + 30e3), 1000.0)
    cx, cy = np.meshgrid(coarse.x, coarse.y)
    epochs = np.arange(2019.0, 2023.01, 0.25)
    change = xr.Dataset(
        {
            "delta_h": (("time", "y", "x"), [TRUTH.surface_change(cx, cy, t) for t in epochs]),
            "delta_h_sigma": (("time", "y", "x"), np.full((epochs.size, *coarse.shape), 0.05)),
            "ice_area": (("time", "y", "x"), np.full((epochs.size, *coarse.shape), 1e6)),
        },
        {"time": np.arange(epochs.size), "decimal_year": ("time", epochs), "y": coarse.y, "x": coarse.x},
        about,
    )
    write_height_change({"01km": (georeference(change, coarse), {})}, folder / "change.nc", about)
    write_outlines({"region": region.load({"bbox": [-103, -76, -98, -74]})}, folder / "regions.geojson")
    return folder


@pytest.fixture(scope="module")
def made(files):
    """What the four scripts write for a box between two gates across the trunk."""
    gates = {"front": {"lonlat": gate_across(12e3)}, "upper": {"lonlat": gate_across(-8e3)}}
    middle_x, middle_y = np.meshgrid([X0], [Y0])
    smb = float(TRUTH.mass_balance(middle_x, middle_y, 2021.0)[0, 0])
    settings = Dynamics.model_validate(
        {
            "thickness": str(files / "thickness.tif"),
            "thickness_sigma": 30.0,
            "thickness_year": 2021.0,
            "smoothing": 1.5,
            "smb": round(smb, 3),
            "derive": {"derived": {"flowline": "main", "distance": 9000.0}},
            "boxes": {"trunk": {"outflow": "front", "inflow": "upper"}},
        }
    )
    flowlines = {"main": {"start": gate_mid(), "step": 0.5, "min_speed": 10.0, "max_length": 1e5}}
    script = importlib.import_module
    paths = {
        name: files / name for name in ("thickness.nc", "gates.csv", "sections.parquet", "dynamics.nc", "budget.csv")
    }
    given = {"settings": settings, "study": "trunk"}
    annual, change = files / "annual.nc", files / "change.nc"
    script("place_thickness").main(annual, [], change, paths["thickness.nc"], **given)
    out = {"gates": paths["gates.csv"], "sections": paths["sections.parquet"]}
    script("measure_discharge").main(
        annual, paths["thickness.nc"], change, out, gates=gates, flowlines=flowlines, **given
    )
    script("map_dynamics").main(annual, paths["thickness.nc"], change, paths["dynamics.nc"], **given)
    script("close_budgets").main(
        annual,
        paths["thickness.nc"],
        change,
        paths["dynamics.nc"],
        paths["gates.csv"],
        files / "regions.geojson",
        paths["budget.csv"],
        **given,
    )
    return paths


def gate_mid():
    """A point of the trunk, longitude and latitude."""
    import pyproj

    return list(pyproj.Transformer.from_crs(CRS, "EPSG:4326", always_xy=True).transform(X0, Y0))


def true_discharge(ends, year):
    """The exact flux through a line, Gt/yr: the truth's flux by many small pieces."""
    import pyproj

    to_map = pyproj.Transformer.from_crs("EPSG:4326", CRS, always_xy=True).transform
    (ax, ay), (bx, by) = (to_map(*end) for end in ends)
    share = (np.arange(4000) + 0.5) / 4000
    x, y = ax + share * (bx - ax), ay + share * (by - ay)
    qx, qy = TRUTH.flux(x, y, year)
    k = TRUTH.scale(x, y)
    across = qx * (by - ay) - qy * (bx - ax)
    return float(np.mean(across / k)) * 917 / 1e12


def test_discharge_is_that_of_the_truth_in_every_year(made):
    """Thickness of one year, moved by the surface: each year within half a percent of the exact flux."""
    table = read_csv(made["gates.csv"])
    assert set(table["gate"]) == {"front", "upper", "derived"}
    for name, distance in (("front", 12e3), ("upper", -8e3)):
        own = table[table["gate"] == name].set_index("year")
        for year in YEARS:
            assert own.loc[year, "discharge"] == pytest.approx(
                true_discharge(gate_across(distance), year + 0.5), rel=5e-3
            )
        assert own.loc[2019, "thickness_change"] > own.loc[2022, "thickness_change"]
    derived = table[table["gate"] == "derived"]
    assert (derived["kind"] == "flowline").all() and (derived["angle"] > 80).all()
    assert (derived["discharge"] > 0).all()
    sections = read_table(made["sections.parquet"])
    total = sections[(sections["gate"] == "front") & (sections["year"] == 2020)]["discharge"].sum()
    front = table[(table["gate"] == "front") & (table["year"] == 2020)]["discharge"].iloc[0]
    assert total == pytest.approx(front, rel=1e-6)


def test_the_budget_of_a_glacier_that_conserves_mass_closes(made):
    """Within one standard error, and within 3 % of the discharge."""
    table = read_csv(made["budget.csv"])
    assert list(table["year"]) == [*YEARS, 0]
    for row in table.itertuples():
        assert abs(row.residual) < row.residual_sigma
        assert abs(row.residual) < 0.03 * row.discharge_out
        told = row.storage - (row.smb + row.discharge_in - row.discharge_out - row.sides)
        assert row.residual == pytest.approx(told, abs=1e-6)
    whole = table[table["year"] == 0].iloc[0]
    assert (whole["since"], whole["until"]) == (2019.0, 2023.0)
    assert whole["area"] == pytest.approx(18.0 * 20.0 / float(TRUTH.scale(X0, Y0)) ** 2, rel=3e-3), "true km2"
    assert whole["storage"] < 0 and whole["storage_share"] == pytest.approx(1.0)


def test_divergence_and_dynamic_thinning_are_those_of_the_truth(made):
    result = read_map(made["dynamics.nc"])
    gx, gy = np.meshgrid(result["x"], result["y"])
    true = np.mean([TRUTH.flux_divergence(gx, gy, year + 0.5) for year in YEARS], axis=0)
    inner = np.isfinite(result["flux_divergence"].values)
    difference = (result["flux_divergence"].values - true)[inner]
    assert np.median(np.abs(difference)) < 0.05 * np.ptp(true[inner])
    rate = (TRUTH.surface_change(gx, gy, 2023.0) - TRUTH.surface_change(gx, gy, 2019.0)) / 4
    np.testing.assert_allclose(result["thinning"].values[inner], rate[inner], atol=0.02)
    z = (result["residual"] / result["residual_sigma"]).values[inner]
    assert np.median(np.abs(z)) < 1
    assert result.attrs["years"] == "2019 2020 2021 2022"
    assert "dh/dt + div q" in result.attrs["sign"]


def test_a_box_of_gates_that_cross_is_told(files, made):
    gates = {"front": {"lonlat": gate_across(12e3)}, "upper": {"lonlat": gate_across(-8e3)[::-1]}}
    settings = Dynamics.model_validate(
        {"thickness": 1500.0, "boxes": {"trunk": {"outflow": "front", "inflow": "upper"}}}
    )
    given = {"settings": settings, "study": "trunk"}
    out = {"gates": files / "crossed.csv", "sections": files / "crossed.parquet"}
    discharge = importlib.import_module("measure_discharge")
    discharge.main(files / "annual.nc", made["thickness.nc"], None, out, gates=gates, flowlines={}, **given)
    with pytest.raises(Exception, match=r"boxes.trunk: .*cross; draw both gates"):
        importlib.import_module("close_budgets").main(
            files / "annual.nc",
            made["thickness.nc"],
            files / "change.nc",
            made["dynamics.nc"],
            out["gates"],
            files / "regions.geojson",
            files / "crossed_budget.csv",
            **given,
        )
