"""What the scripts of flux and budgets say of inputs with gaps, in other years, or in the wrong place."""

import importlib

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from tests.builders.sheets import write_bedmachine

from nunatak.files.rasters import georeference, write_cog, write_netcdf
from nunatak.files.tables import read_csv, read_table
from nunatak.geometry import region
from nunatak.geometry.grid import Grid
from nunatak.geometry.outlines import write_outlines
from nunatak.results.reading import read_map, write_height_change
from nunatak.runtime import NunatakError
from nunatak.study.dynamics import Dynamics

GRID = Grid.from_bounds("EPSG:3031", (-1606e3, -310e3, -1594e3, -300e3), 500.0)
GX, GY = np.meshgrid(GRID.x, GRID.y)
YEARS = np.array([2019, 2020, 2021, 2022])
ABOUT = {"nunatak_source": "SIMULATED", "crs": "EPSG:3031"}


def lonlat(*points):
    """Points of the map as longitude and latitude."""
    import pyproj

    return [list(pyproj.Transformer.from_crs(3031, 4326, always_xy=True).transform(*point)) for point in points]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """annual.nc of 100 m/yr along x in four years, and height_change.nc that falls by 2 m/yr from 2020 to 2022."""
    here = tmp_path_factory.mktemp("inputs")
    speed = np.full((YEARS.size, *GRID.shape), 100.0)
    data = {name: (("year", "y", "x"), speed * factor) for name, factor in (("vx", 1), ("vy", 0))}
    data |= {name: (("year", "y", "x"), 0 * speed + 2.0) for name in ("vx_error", "vy_error", "v_error")}
    data |= {"year_start": ("year", YEARS * 1.0), "year_end": ("year", YEARS + 1.0)}
    for stem in ("vx", "vy"):
        data[f"{stem}_mean"], data[f"{stem}_mean_error"] = (
            (("y", "x"), data[stem][1][0]),
            (("y", "x"), 1 + 0 * speed[0]),
        )
    data |= {"v_mean": data["vx_mean"], "v_mean_error": data["vx_mean_error"]}
    annual = xr.Dataset(data, {"year": YEARS, "y": GRID.y, "x": GRID.x})
    write_netcdf(georeference(annual, GRID), here / "annual.nc", ABOUT)
    epochs = np.array([2020.0, 2021.0, 2022.0])
    fall = -2 * (epochs - 2020).reshape(-1, 1, 1) * np.ones(GRID.shape)
    change = xr.Dataset(
        {
            "delta_h": (("time", "y", "x"), fall),
            "delta_h_sigma": (("time", "y", "x"), 0 * fall + 0.05),
            "ice_area": (("time", "y", "x"), 0 * fall + 25e4),
        },
        {"time": np.arange(3), "decimal_year": ("time", epochs), "y": GRID.y, "x": GRID.x},
        ABOUT,
    )
    write_height_change({"01km": (georeference(change, GRID), {})}, here / "change.nc", ABOUT)
    return here


def place(folder, out, change="change.nc", **keys):
    """Write and read thickness.nc of a study's keys."""
    settings = Dynamics.model_validate(keys)
    importlib.import_module("place_thickness").main(
        folder / "annual.nc", [], folder / change if change else None, out, settings=settings, study="s"
    )
    return read_map(out)


def discharge(folder, placed, out, gates, change="change.nc", **keys):
    """Write and read gates.csv of some gates."""
    paths = {"gates": out / "gates.csv", "sections": out / "sections.parquet"}
    importlib.import_module("measure_discharge").main(
        folder / "annual.nc",
        placed,
        folder / change if change else None,
        paths,
        settings=Dynamics.model_validate(keys),
        gates={name: {"lonlat": lonlat(*line)} for name, line in gates.items()},
        flowlines={},
        study="s",
    )
    return read_csv(paths["gates"]), read_table(paths["sections"])


ACROSS = [(-1600e3, -308e3), (-1600e3, -302e3)]


@pytest.mark.parametrize(
    ("keys", "change", "year", "how"),
    [
        ({"thickness_year": 2015.5}, "change.nc", 2015.5, "thickness_year of the study"),
        ({}, "change.nc", 2021.0, "assumed: middle of the height change"),
        ({}, None, 2021.0, "assumed: middle of the velocities"),
    ],
)
def test_a_thickness_is_of_a_year_that_the_file_states(folder, tmp_path, keys, change, year, how):
    placed = place(folder, tmp_path / "t.nc", change, thickness=800.0, **keys)
    assert (placed["thickness"].attrs["units"], placed["thickness_sigma"].attrs["units"]) == ("m", "m")
    assert (placed.attrs["reference_year"], placed.attrs["reference_year_is"]) == (year, how)


def test_the_thickness_of_a_gate_is_moved_from_that_year(folder, tmp_path):
    """2 m/yr less from the middle of the height change, 2021: a metre more in mid-2020, a metre less in mid-2021."""
    place(folder, tmp_path / "t.nc", thickness=800.0)
    table, _ = discharge(folder, tmp_path / "t.nc", tmp_path, {"front": ACROSS}, thickness=800.0)
    moved = table.set_index("year")["thickness_change"]
    assert moved.loc[2020] == pytest.approx(1.0) and moved.loc[2021] == pytest.approx(-1.0)


def test_gaps_of_the_error_of_a_thickness_are_half_of_it_and_told(folder, tmp_path, caplog):
    """
    A fifth of the ice has no error.

    Where there is no ice the thickness is 0 and known.
    """
    thick = np.where(GX < -1595e3, 800.0, 0.0)
    error = np.where((GX < -1604e3) & (thick > 0), np.nan, 30.0)
    for name, values in (("thick.tif", thick), ("error.tif", error)):
        write_cog(values.astype("f4"), GRID, tmp_path / name)
    keys = {"thickness": str(tmp_path / "thick.tif"), "thickness_sigma": str(tmp_path / "error.tif")}
    placed = place(folder, tmp_path / "t.nc", **keys)
    sigma = placed["thickness_sigma"].values
    assert set(np.unique(sigma[thick > 0])) == {30.0, 400.0}
    assert placed.attrs["thickness_sigma_assumed_share"] == pytest.approx(float(np.isnan(error[thick > 0]).mean()))
    assert (placed["thickness"].values[thick == 0] == 0).all()
    assert "no error in 18 % of the ice; half of the thickness is taken there" in caplog.text


def test_missing_values_are_no_ice_where_the_study_says_so(folder, tmp_path):
    """A raster of a glacier alone: else its surroundings are unknown, and so is the flux of a box's side there."""
    write_cog(np.where(GX < -1598e3, 800.0, np.nan).astype("f4"), GRID, tmp_path / "thick.tif")
    given = {"thickness": str(tmp_path / "thick.tif")}
    unknown, known = (place(folder, tmp_path / f"{rule}.nc", off_ice=rule, **given) for rule in ("zero", "missing"))
    assert bool(unknown["thickness"].isnull().any()) and not bool(known["thickness"].isnull().any())
    assert (known["thickness_sigma"].values[GX > -1597e3] == 0).all()
    np.testing.assert_array_equal(known["thickness"].where(known["thickness"] > 0), unknown["thickness"])


def test_none_and_several_files_of_bedmachine_are_told(tmp_path):
    one_of = importlib.import_module("place_thickness").one_of
    with pytest.raises(NunatakError, match=r"no file of BedMachine is present .*; add it to the archive"):
        one_of([])
    with pytest.raises(NunatakError, match=r"2 files of BedMachine are present \(v5.nc, v6.nc\); name one release"):
        one_of([tmp_path / "v5.nc", tmp_path / "v6.nc"])
    assert one_of(["only.nc"]) == "only.nc"


def test_bedmachine_without_an_error_in_places_has_half_the_thickness_there(folder, tmp_path):
    """Its year is the product's, whatever the height change."""
    x, y = np.arange(-1610e3, -1590e3, 500.0), np.arange(-296e3, -314e3, -500.0)
    shape = (y.size, x.size)
    layers = {name: np.full(shape, value) for name, value in (("thickness", 900.0), ("bed", -500.0), ("geoid", -20.0))}
    layers |= {"surface": np.full(shape, 400.0), "firn": np.full(shape, 17.0), "mask": np.full(shape, 2)}
    layers |= {"errbed": np.where(x < -1604e3, np.nan, 45.0) * np.ones(shape), "source": np.full(shape, 2)}
    name = "NSIDC-0756_BedMachineAntarctica_19700101-20191001_V04.1.nc"
    script = importlib.import_module("place_thickness")
    sheet = write_bedmachine(tmp_path / name, layers, x=x, y=y, north=False)
    placed = script.with_errors(script.of_bedmachine(sheet, GRID), True)
    assert set(np.unique(placed["thickness_sigma"])) == {45.0, 450.0}
    settings = Dynamics.model_validate({"thickness": "bedmachine", "thickness_year": 1999.0})
    assert script.year_of(placed, settings, None, None) == (2015.0, "nominal year of the product")


def test_a_gate_is_named_in_what_is_wrong_with_it(folder, tmp_path, caplog):
    thick = np.where(GX < -1598e3, 800.0, 0.0)
    write_cog(thick.astype("f4"), GRID, tmp_path / "thick.tif")
    place(folder, tmp_path / "t.nc", thickness=str(tmp_path / "thick.tif"))
    for line, words in (
        ([(-1500e3, -308e3), (-1500e3, -302e3)], "gate bad: lies outside the map of velocities"),
        ([(-1596e3, -308e3), (-1596e3, -302e3)], "gate bad: no ice anywhere on it; move it onto the glacier"),
    ):
        with pytest.raises(NunatakError, match=words):
            discharge(folder, tmp_path / "t.nc", tmp_path, {"bad": line})
    loop = [(-1600e3, -308e3), (-1600e3, -302e3), (-1602e3, -305e3), (-1599e3, -305e3)]
    with pytest.raises(NunatakError, match="gate bad: crosses itself, so that ice would pass it twice; draw it again"):
        discharge(folder, tmp_path / "t.nc", tmp_path, {"bad": loop})
    table, _ = discharge(folder, tmp_path / "t.nc", tmp_path, {"turned": ACROSS[::-1], "right": ACROSS})
    assert "gate turned: the ice flows to the left of the line; draw it the other way round" in caplog.text
    assert "gate right" not in caplog.text
    flows = table.groupby("gate")["discharge"].first()
    assert flows["turned"] == pytest.approx(-flows["right"])


def test_gates_along_the_margin_are_derived_and_numbered(folder, tmp_path):
    """
    Ice ends 9 km along the flow.

    A kilometre inland stands one gate with all that leaves through it.
    """
    write_cog(np.where(GX < -1597e3, 800.0, 0.0).astype("f4"), GRID, tmp_path / "thick.tif")
    place(folder, tmp_path / "t.nc", thickness=str(tmp_path / "thick.tif"))
    derive = {"edge": {"margin": {"min_speed": 90.0, "inland": 1000.0, "least": 3}}}
    table, _ = discharge(
        folder, tmp_path / "t.nc", tmp_path, {"drawn": [(-1600e3, -309e3), (-1600e3, -301e3)]}, derive=derive
    )
    margin = table[table["kind"] == "margin"]
    assert set(margin["gate"]) == {"edge_1"} and len(margin) == 4
    drawn = table[table["gate"] == "drawn"].set_index("year")
    share = (margin["width"].iloc[0]) / drawn["width"].iloc[0]
    assert margin["discharge"].iloc[1] == pytest.approx(share * drawn["discharge"].loc[2020], rel=1e-3)
    with pytest.raises(NunatakError, match=r"dynamics.derive.edge: no ice of 500 m/yr or more stands 1000 m inland"):
        derive["edge"]["margin"]["min_speed"] = 500.0
        discharge(folder, tmp_path / "t.nc", tmp_path, {}, derive=derive)


def test_a_gate_has_the_discharge_of_the_mean_velocity_beside_that_of_each_year(folder, gated):
    """
    The composite of 2019 to 2022 with the thickness of its middle, 2021.

    Its error is that of the mean velocity.
    """
    table = read_csv(gated / "gates.csv")
    own = table[table["gate"] == "lower"].set_index("year")
    assert own["discharge_mean"].nunique() == 1
    width = own["width"].iloc[0]
    assert own["discharge_mean"].iloc[0] == pytest.approx(917 * 100 * 800 * width / 1e12, rel=1e-6)
    assert own["discharge_mean_sigma"].iloc[0] < own["discharge_sigma"].min()


def test_a_gate_on_floating_ice_and_one_hardly_seen_are_told(folder, tmp_path, caplog):
    warn = importlib.import_module("measure_discharge").warn
    row = {"year": 2020, "discharge": 3.0, "observed_share": 0.4, "share_interpolated": 0.3, "share_floating": 0.6}
    warn("shelf", pd.DataFrame([row | {"year": 2019, "observed_share": 0.9}, row]))
    said = caplog.text
    assert "gate shelf: 60 % of the flux is over floating ice" in said
    assert "gate shelf: the thickness is interpolated for 30 % of the flux" in said
    assert "gate shelf: less than half of the flux passes velocities of the year in 2020" in said


def test_a_thickness_of_another_time_than_the_height_change_is_told(folder, tmp_path, caplog):
    place(folder, tmp_path / "t.nc", thickness=800.0, thickness_year=2007.0)
    assert "dynamics.thickness: of 2007.0, and the height change is of 2020.0 to 2022.0" in caplog.text
    caplog.clear()
    place(folder, tmp_path / "t.nc", thickness=800.0, thickness_year=2021.0)
    assert "and the height change is of" not in caplog.text


def test_a_height_change_of_another_time_is_refused(folder, gated, tmp_path):
    early = xr.load_dataset(folder / "change.nc", group="01km", engine="h5netcdf").drop_vars(
        "spatial_ref", errors="ignore"
    )
    early["decimal_year"] = early["decimal_year"] - 12
    write_height_change({"01km": (georeference(early, GRID), {})}, tmp_path / "early.nc", ABOUT)
    with pytest.raises(NunatakError, match="no year of velocity lies within the height change; widen the period"):
        budget(folder, gated, tmp_path, change=tmp_path / "early.nc")


def test_a_study_without_gates_has_tables_with_columns(folder, tmp_path):
    place(folder, tmp_path / "t.nc", thickness=800.0)
    table, sections = discharge(folder, tmp_path / "t.nc", tmp_path, {})
    assert {"gate", "year", "discharge", "thickness_share", "vertices"} <= set(table) and table.empty
    assert {"gate", "year", "distance", "v_across"} <= set(sections) and sections.empty


def smb_series(path, values, years):
    """A file of a surface mass balance by year, m of ice."""
    data = np.asarray(values, "f4").reshape(-1, 1, 1) * np.ones(GRID.shape, "f4")
    times = np.array([f"{year}-07-01" for year in years], "datetime64[ns]")
    field = xr.Dataset({"smb": (("time", "y", "x"), data, {"units": "m ice yr-1"})}, {"time": times})
    write_netcdf(georeference(field, GRID), path)
    return str(path)


def test_a_series_of_mass_balance_counts_in_the_shared_years_alone(folder, tmp_path):
    """Velocities of 2019 to 2022, heights of 2020 to 2022: the years 2020 and 2021."""
    given = smb_series(tmp_path / "smb.nc", [9.0, 0.4, 0.6, 9.0, 9.0], range(2019, 2024))
    place(folder, tmp_path / "t.nc", thickness=800.0)
    paths = [folder / "annual.nc", tmp_path / "t.nc", folder / "change.nc", tmp_path / "d.nc"]
    script = importlib.import_module("map_dynamics")
    script.main(*paths, settings=Dynamics.model_validate({"thickness": 800.0, "smb": given}), study="s")
    made = read_map(tmp_path / "d.nc")
    assert made.attrs["years"] == "2020 2021"
    np.testing.assert_allclose(made["surface_part"], 0.5, rtol=1e-6)
    with pytest.raises(NunatakError, match="have none in the years 2020 to 2021"):
        late = smb_series(tmp_path / "late.nc", [0.4, 0.6], (1990, 1991))
        script.main(*paths, settings=Dynamics.model_validate({"thickness": 800.0, "smb": late}), study="s")


@pytest.fixture(scope="module")
def gated(folder, tmp_path_factory):
    """thickness.nc of ice 800 m thick, gates.csv of two gates 5 km apart, and regions.geojson."""
    here = tmp_path_factory.mktemp("gated")
    place(folder, here / "thickness.nc", thickness=800.0)
    upper = [(-1604e3, -308e3), (-1604e3, -302e3)]
    lower = [(-1599e3, -308e3), (-1599e3, -302e3)]
    discharge(folder, here / "thickness.nc", here, {"lower": lower, "upper": upper}, thickness=800.0)
    write_outlines({"region": region.load({"bbox": [-103, -76, -98, -74]})}, here / "regions.geojson")
    return here


def budget(folder, gated, out, change="change.nc", **keys):
    """Write dynamics.nc and budget.csv of the box between the gates, and read both."""
    given = {"thickness": 800.0, "boxes": {"trunk": {"outflow": "lower", "inflow": "upper"}}, **keys}
    settings = Dynamics.model_validate(given)
    record = folder / change
    before = (folder / "annual.nc", gated / "thickness.nc", record)
    importlib.import_module("map_dynamics").main(*before, out / "dynamics.nc", settings=settings, study="s")
    importlib.import_module("close_budgets").main(
        *(*before, out / "dynamics.nc", gated / "gates.csv", gated / "regions.geojson", out / "budget.csv"),
        settings=settings,
        study="s",
    )
    return read_map(out / "dynamics.nc"), read_csv(out / "budget.csv").set_index("year")


def firn_series(path):
    """Air content that falls by 0.4 m in 2020 and by 0.6 m in 2021."""
    times = np.array(["2020-01-01", "2020-12-31T12:00", "2021-12-31T18:00"], "datetime64[ns]")
    data = np.array([20.0, 19.6, 19.0]).reshape(-1, 1, 1) * np.ones(GRID.shape)
    write_netcdf(
        georeference(xr.Dataset({"fac": (("time", "y", "x"), data, {"units": "m"})}, {"time": times}), GRID), path
    )
    return str(path)


def test_a_budget_with_firn_and_melt_closes_and_without_them_says_what_it_holds(folder, gated, tmp_path):
    """
    A fall of 2 m/yr: 0.5 m/yr of air, 1.8 of melt, against 0.3 of snow.

    The flow brings what it takes.
    """
    known = {"smb": 0.3, "basal_melt": 1.8, "firn": firn_series(tmp_path / "fac.nc"), "firn_error": 0.1}
    mapped, table = budget(folder, gated, tmp_path, **known)
    to_mass = table["area"] * 1e6 * 917 / 1e12
    np.testing.assert_allclose((table["firn"] / to_mass).loc[[2020, 2021, 0]], [-0.4, -0.6, -0.5], rtol=2e-2)
    np.testing.assert_allclose((table["storage"] / to_mass).loc[0], -1.5, rtol=1e-2)
    np.testing.assert_allclose(table["basal"] / to_mass, 1.8, rtol=1e-6)
    assert abs(table["residual"].loc[0]) < 0.02 * to_mass.loc[0] < table["residual_sigma"].loc[0]
    np.testing.assert_allclose(table["firn_sigma"], 0.1 * table["firn"].abs(), rtol=0.05)
    assert table["firn_share"].min() == pytest.approx(1.0) and (table["floating_share"] == 0).all()
    np.testing.assert_allclose(mapped["firn_part"], -0.5, rtol=1e-2)
    np.testing.assert_allclose(mapped["surface_part"], -0.2, rtol=2e-2)
    np.testing.assert_allclose(mapped["residual"].mean(), 0.0, atol=0.02)
    assert list(mapped["year"]) == [2020, 2021] and mapped["firn_yearly"].dims == ("year", "y", "x")
    bare, without = budget(folder, gated, tmp_path, smb=0.3)
    assert bare["firn_part"].isnull().all() and "firn_yearly" not in bare
    assert without["firn"].isna().all() and without["basal"].isna().all() and (without["firn_share"] == 0).all()
    np.testing.assert_allclose(without["residual"] / to_mass, -2.3, rtol=1e-2)


def test_firn_of_the_record_is_used_where_the_study_gives_none(folder, gated, tmp_path, caplog):
    """The record's firn ends with 2020: that year holds no air, the others do, and the log says so."""
    year = np.array([2020.0, 2020.5, 2021.0, 2022.0])
    fall = -2 * (year - 2020).reshape(-1, 1, 1) * np.ones(GRID.shape)
    firn = np.where((year <= 2021).reshape(-1, 1, 1), 0.2 * fall, np.nan)
    dims = ("time", "y", "x")
    data = {"delta_h": fall, "delta_h_sigma": 0 * fall + 0.05, "firn": firn, "firn_difference": 0.5 * firn}
    data |= {"from_atl15": np.ones(fall.shape, "i1")}
    made = xr.Dataset({name: (dims, values) for name, values in data.items()}, {"decimal_year": ("time", year)})
    made["offset_sigma"] = (("y", "x"), np.full(GRID.shape, 0.3))
    write_netcdf(georeference(made, GRID), tmp_path / "record.nc", ABOUT)
    _, table = budget(folder, gated, tmp_path, change=tmp_path / "record.nc", smb=0.3)
    to_mass = table["area"] * 1e6 * 917 / 1e12
    np.testing.assert_allclose((table["firn"] / to_mass).loc[2020], -0.4, rtol=1e-2)
    np.testing.assert_allclose((table["storage"] / to_mass).loc[2020], -1.6, rtol=1e-2)
    np.testing.assert_allclose(table["firn_sigma"].loc[2020], 0.25 * abs(table["firn"].loc[2020]), rtol=0.05)
    assert np.isnan(table["firn"].loc[2021]) and np.isnan(table["firn"].loc[0])
    np.testing.assert_allclose((table["storage"] / to_mass).loc[2021], -2.0, rtol=1e-2)
    assert "firn: the record has none in 2021; volumes of these years hold it" in caplog.text


def test_a_height_change_of_elsewhere_is_refused(folder, tmp_path):
    nowhere = xr.load_dataset(folder / "change.nc", group="01km", engine="h5netcdf")
    nowhere = nowhere.assign_coords(x=nowhere["x"] + 5e5).drop_vars("spatial_ref", errors="ignore")
    moved = Grid("EPSG:3031", GRID.left + 5e5, GRID.top, GRID.dx, GRID.dy, GRID.ny, GRID.nx)
    write_height_change({"01km": (georeference(nowhere, moved), {})}, tmp_path / "far.nc", ABOUT)
    place(folder, tmp_path / "t.nc", thickness=800.0)
    with pytest.raises(NunatakError, match=r"height change has no value on the map of velocities; choose regions"):
        importlib.import_module("map_dynamics").main(
            *(folder / "annual.nc", tmp_path / "t.nc", tmp_path / "far.nc", tmp_path / "d.nc"),
            settings=Dynamics.model_validate({"thickness": 800.0}),
            study="s",
        )
