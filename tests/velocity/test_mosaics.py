"""ITS_LIVE's mosaics as a source of annual velocities, on simulated ones whose truth is known."""

import shutil
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pyproj
import pytest

import window_mosaics
from nunatak import simulation
from nunatak.archives.local.directory import DirectoryArchive
from nunatak.archives.local.simulated import SimulatedArchive
from nunatak.checks import flow, velocity, velocity_truth
from nunatak.cubes.mosaics import plan_mosaics, read_mosaics
from nunatak.files.tables import read_table, write_table
from nunatak.geometry.outlines import read_outlines, write_outlines
from nunatak.geometry.region import load
from nunatak.parameters.velocity import AnnualFit
from nunatak.products import GranuleError
from nunatak.products.itslive.mosaics import open_mosaic
from nunatak.results.reading import read_map
from nunatak.runtime import NunatakError, file_sha256

AREA = {"bbox": [-101.0, -75.07, -100.75, -75.02]}
YEARS = (2016, 2020)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """The archive of simulated mosaics."""
    folder = tmp_path_factory.mktemp("archive")
    simulation.write_product(simulation.world("pine_island", "tiny"), "itslive_mosaic", folder / "itslive_mosaic")
    return SimulatedArchive(folder)


@pytest.fixture(scope="module")
def ledger(archive):
    return archive.fetch(archive.search("itslive_mosaic", load(AREA), None))


@pytest.fixture(scope="module")
def work(ledger, tmp_path_factory):
    """A folder with the annual velocities out of mosaics."""
    folder = tmp_path_factory.mktemp("work")
    write_table(ledger, folder / "ledger.parquet", attributes={"nunatak_source": "SIMULATED"})
    write_outlines({"region": load(AREA)}, folder / "regions.geojson")
    windowed(folder, folder)
    return folder


def windowed(folder, out):
    out = {"annual": out / "annual.nc", "pairs": out / "pairs.parquet", "pair": out / "pair.nc"}
    ledgers = [folder / "ledger.parquet"]
    window_mosaics.main(ledgers, folder / "regions.geojson", out, fit=AnnualFit(), study="x", years=YEARS)
    return out


def test_every_check_holds_and_so_does_the_truth(work):
    annual, pairs = read_map(work / "annual.nc"), read_table(work / "pairs.parquet")
    assert list(annual["year"]) == list(range(YEARS[0], YEARS[1] + 1))
    found = [*velocity.composite_checks(annual, pairs), flow.closes(annual), flow.forward(annual)]
    found.append(flow.inside_outline(annual, read_outlines(work / "regions.geojson")))
    found.append(flow.image_pair(read_map(work / "pair.nc"), pairs, None))
    found += velocity_truth.against_truth(annual, {"name": "pine_island", "size": "tiny"})
    assert [check.name for check in found if check.status == "failed"] == []
    told = {check.name for check in found if check.status == "not applicable"}
    assert told == {"velocity_amplitude_against_truth", "velocity_phase_against_truth"}  # a year's mean has no season
    assert "unrealistically low" in annual.attrs["errors"] and annual.attrs["mosaic_versions"] == "02.1"
    assert set(pairs.loc[pairs["fate"] == "used", "units_in_granule"]) == {"map"}
    assert pairs.loc[pairs["fate"] == "filter", "why"].str.startswith("period").all()


def test_velocities_are_over_ground(work, ledger):
    """What the file holds, over the scale of its map as pyproj gives it."""
    annual = read_map(work / "annual.nc")
    path = next(path for path in ledger["path"] if "_2018_" in path)
    with h5py.File(path) as file:
        x, y, vx = file["x"][:], file["y"][:], file["vx"][:]
    row, column = np.argwhere(np.isfinite(annual["vx"].sel(year=2018).values))[100]
    j, i = np.searchsorted(x, float(annual["x"][column])), np.searchsorted(-y, -float(annual["y"][row]))
    proj = pyproj.Proj("EPSG:3031")
    k = proj.get_factors(*proj(x[j], y[i], inverse=True)).meridional_scale
    assert abs(k - 0.99) < 0.005
    assert float(annual["vx"].sel(year=2018)[row, column]) == pytest.approx(vx[i, j] / k, rel=1e-5)


def test_the_same_mosaics_give_the_same_bytes(work, tmp_path):
    for path in windowed(work, tmp_path).values():
        assert file_sha256(path) == file_sha256(work / path.name), path.name


def test_a_folder_is_asked_by_what_its_files_hold(ledger, archive, tmp_path):
    """
    Mosaics below any folder are found with the years of their names and the simulation's mark.

    A file without a mosaic's name is told.
    """
    for path in ledger["path"]:
        if "_2016_" in path or "_2018_" in path or "_0000_" in path:
            shutil.copy(path, tmp_path)
    shutil.copy(tmp_path / next(p.name for p in tmp_path.glob("*_2016_*")), tmp_path / "mine.nc")
    own = DirectoryArchive(tmp_path, tmp_path.parent / "index", workers=1)
    found = own.search("itslive_mosaic", load(AREA), None)
    assert [str(time)[:4] for time in found["time_start"].dropna()] == ["2016", "2018"]
    assert set(found["source"]) == {"SIMULATED"} and set(found["version"]) == {"02.1"} and len(found) == 3
    assert any("mine.nc: holds itslive_mosaic data but has no granule's name" in note for note in found.attrs["notes"])
    assert set(own.fetch(found)["status"]) == {"present"}


def named(*parts):
    """A ledger of mosaics of these (place, year, version), present."""
    ids = [f"ITS_LIVE_velocity_120m_{place}_{year:04d}_V{version}" for place, year, version in parts]
    return pd.DataFrame({"granule_id": ids, "path": ids, "status": "present", "reason": ""})


def test_years_of_two_versions_are_refused_in_one_line():
    given = named(("RGI19A", 2015, "02.0"), ("RGI19A", 2016, "02.1"), ("RGI19A", 2017, "02.1"))
    with pytest.raises(NunatakError, match=r"02\.0 \(2015\), 02\.1 \(2016 to 2017\).*ask for one.*version: \"02\.1\""):
        plan_mosaics(given, range(2014, 2018))
    fates = plan_mosaics(given, range(2016, 2018)).set_index("year")[
        "fate"
    ]  # of years that are not read it is no matter
    assert fates.to_dict() == {2015: "filter", 2016: "used", 2017: "used"}


def changed(path, folder, change, name=None):
    """A copy of a mosaic with something changed in it, in a ledger."""
    copy = folder / (name or path.rsplit("/", 1)[-1])
    shutil.copy(path, copy)
    with h5py.File(copy, "r+") as file:
        change(file)
    return pd.DataFrame({"granule_id": [copy.stem], "path": [str(copy)], "status": "present", "reason": ""})


def of_year(ledger, year):
    return next(path for path in ledger["path"] if f"_{year}_" in path)


def test_another_year_inside_is_refused(ledger, tmp_path):
    def write(file):
        file.attrs["year"] = "01-Jan-2017"

    given = changed(of_year(ledger, 2016), tmp_path, write)
    with pytest.raises(GranuleError, match="states the year 2017, its name 2016; give it its name back"):
        read_mosaics(plan_mosaics(given, [2016]), load(AREA))


def test_two_projections_over_one_region_are_refused(ledger, tmp_path):
    """The second mosaic is moved to where the region lies in its own projection."""
    centres = {
        crs: pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(-100.875, -75.045)
        for crs in ("EPSG:3031", "EPSG:32613")
    }

    def move(file):
        file["mapping"].attrs["spatial_epsg"], file.attrs["projection"] = 32613, "32613"
        for axis, here, there in zip("xy", *centres.values(), strict=True):
            file[axis][:] = file[axis][:] - here + there

    other = changed(of_year(ledger, 2017), tmp_path, move, "ITS_LIVE_velocity_120m_RGI02A_2017_V02.1.nc")
    own = ledger[ledger["granule_id"].str.contains("_2016_")]
    both = pd.concat([own, other], ignore_index=True)
    with pytest.raises(NunatakError, match=r"RGI02A \(EPSG:32613\) and RGI19A \(EPSG:3031\).*take source: datacubes"):
        read_mosaics(plan_mosaics(both, [2016, 2017]), load(AREA))


def test_a_mosaic_elsewhere_or_without_values_says_so(ledger, tmp_path):
    """
    Let neither stop the study while another one has velocities.

    Alone, they do, in one line.
    """

    def empty(file):
        file["vx"][:] = -32767

    given = changed(of_year(ledger, 2016), tmp_path, empty)
    with pytest.raises(NunatakError, match="no annual mosaic has a velocity in the region and the period: empty"):
        read_mosaics(plan_mosaics(given, [2016]), load(AREA))
    own = ledger[ledger["granule_id"].str.contains("_2017_")]
    found, settled = read_mosaics(plan_mosaics(pd.concat([given, own]), [2016, 2017]), load(AREA))
    assert list(found.layers) == [2017] and list(settled["fate"]) == ["empty", "used"]
    far = load({"bbox": [-80.0, -70.0, -79.9, -69.9]})
    with pytest.raises(NunatakError, match="outside: the mosaic does not reach the region"):
        read_mosaics(plan_mosaics(own, [2017]), far)


def test_a_damaged_mosaic_stops_the_study_and_is_no_year_without_data(ledger, tmp_path):
    path = tmp_path / of_year(ledger, 2016).rsplit("/", 1)[-1]
    content = Path(of_year(ledger, 2016)).read_bytes()
    path.write_bytes(content[: len(content) // 2])
    given = pd.DataFrame({"granule_id": [path.stem], "path": [str(path)], "status": "present", "reason": ""})
    with pytest.raises(GranuleError, match=path.name):
        read_mosaics(plan_mosaics(given, [2016]), load(AREA))


def test_bounds_may_be_a_function_of_the_projection(ledger):
    region, path = load(AREA), of_year(ledger, 2016)
    by_function = open_mosaic(path, bounds=lambda crs: region.projected(crs).bounds)
    assert by_function.identical(open_mosaic(path, bounds=region.projected("EPSG:3031").bounds))


def test_regions_that_share_a_grid_are_filled_together(ledger, tmp_path):
    """Of a year in two mosaics, each cell is the first's that has it."""

    def half(first):
        def write(file):
            values = file["vx"][:]
            values[:, : values.shape[1] // 2] = -32767 if first else values[:, : values.shape[1] // 2]
            values[:, values.shape[1] // 2 :] = values[:, values.shape[1] // 2 :] if first else -32767
            file["vx"][:] = values

        return write

    path = of_year(ledger, 2016)
    one = changed(path, tmp_path, half(True), "ITS_LIVE_velocity_120m_RGI03A_2016_V02.1.nc")
    two = changed(path, tmp_path, half(False), "ITS_LIVE_velocity_120m_RGI04A_2016_V02.1.nc")
    whole = ledger[ledger["path"] == path]
    region = load({"bbox": [-101.3, -75.16, -100.5, -74.94]})
    both, _ = read_mosaics(plan_mosaics(pd.concat([one, two]), [2016]), region)
    own, _ = read_mosaics(plan_mosaics(whole, [2016]), region)
    for name, values in own.layers[2016].items():
        np.testing.assert_array_equal(both.layers[2016][name], values, err_msg=name)
