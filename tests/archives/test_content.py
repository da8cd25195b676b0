"""What a granule says of itself, read from real granules and from broken ones."""

from __future__ import annotations

import h5py
import numpy as np
import pyproj
import pytest
import shapely
from tests.builders.tiny_granules import BROKEN, atl06, name_of, without_segments

from nunatak.archives.local.content import describe
from nunatak.constants import BEAMS

EPOCH = np.datetime64("2018-01-01T00:00:00", "ns")


def test_all_real_atl06_granules_are_known_by_their_content(data):
    """Times and footprints hold every segment that an independent read finds; names are the archive's own."""
    paths = sorted(data("real/ATL06").glob("*.h5"))
    assert len(paths) == 22
    for path in paths:
        found = describe(path)
        assert (found.status, found.product) == ("granule", "atl06")
        assert found.name.name == path.name.removeprefix("processed_")
        with h5py.File(path) as file:
            groups = [file[f"{b}/land_ice_segments"] for b in BEAMS if f"{b}/land_ice_segments" in file]
            lon, lat, time = (
                np.concatenate([g[n][:] for g in groups]) for n in ("longitude", "latitude", "delta_time")
            )
        shape = shapely.from_wkt(found.geometry)
        shapely.prepare(shape)
        assert shapely.intersects_xy(shape, lon, lat).all()
        span = EPOCH + (np.array([time.min(), time.max()]) * 1e9).astype("timedelta64[ns]")
        assert abs(np.array([found.time_start, found.time_end]) - span).max() < np.timedelta64(1, "us")


@pytest.mark.parametrize(
    ("folder", "part", "name", "start", "end"),
    [
        ("ATL03", "arctic", "ATL03_20181014002445_02350104_006_02.h5", "2018-10-14T00:26:50", "2018-10-14T00:27:47"),
        ("ATL07", "0226", "ATL07-01_20190226002919_09100201_003_02.h5", "2019-02-26T00:58:12", "2019-02-26T00:58:24"),
        ("ATL08", "processed", "ATL08_20200821122613_08730802_004_01.h5", "2020-08-21T12:31:46", "2020-08-21T12:31:47"),
        ("ATL11", "ATL11", "ATL11_135803_0311_004_01.h5", "2019-06-26T04:27:14", "2021-03-22T22:06:32"),
    ],
)
def test_real_granules_of_other_products(data, folder, part, name, start, end):
    """The subsetter's test file has lost its name; METADATA still holds it."""
    path = next(p for p in sorted(data(f"real/{folder}").iterdir()) if part in p.name)
    found = describe(path)
    assert found.name.name == name
    assert [str(t)[:19] for t in (found.time_start, found.time_end)] == [start, end]


def test_real_image_pairs(data):
    """The earlier image comes first, though version 1 lists it last; the footprint holds Pine Island's trunk."""
    one, two = (describe(p) for p in sorted(data("real/ITS_LIVE").glob("*.nc")))
    assert (one.product, one.name.version) == ("itslive", "01")
    assert [str(t)[:10] for t in (one.time_start, one.time_end)] == ["2012-11-04", "2012-11-18"]
    assert shapely.from_wkt(one.geometry).contains(shapely.Point(-100.5, -75.1))
    assert [str(t)[:19] for t in (two.time_start, two.time_end)] == ["1984-12-06T12:52:19", "1985-01-24T13:35:34"]


def test_files_that_are_no_granules(data):
    """A metadata template is nothing; a clip without its name is data that cannot be told apart."""
    assert describe(data("real/ATL14_ATL15_templates/atl15_metadata_template.nc")).status == "other"
    clip = describe(data("real/ATL03/atl03_clip_wyoming_gt1r.h5"))
    assert (clip.status, clip.product) == ("unnamed", "atl03")
    assert clip.reason.endswith("give the file its original name back")


@pytest.mark.parametrize("spoil", BROKEN, ids=lambda f: f.__name__)
def test_a_broken_file_keeps_what_its_name_claims(tmp_path, spoil):
    path = atl06(tmp_path)
    spoil(path)
    found = describe(path)
    assert (found.status, found.product, found.name.rgt) == ("broken", "atl06", 627)
    assert BROKEN[spoil] in found.reason and "\n" not in found.reason and str(tmp_path) not in found.reason


def test_a_granule_that_lost_its_segments_is_still_its_product(tmp_path):
    """The beams are there without the product's group: no position, and a note says which beams."""
    path = atl06(tmp_path, beams=("gt1l", "gt2r"))
    without_segments(path)
    found = describe(path)
    assert (found.product, found.geometry) == ("atl06", None)
    assert found.notes == "gt1l, gt2r: no land_ice_segments"


def test_a_missing_beam_is_no_news(tmp_path):
    assert describe(atl06(tmp_path, beams=("gt1l",))).notes == ""
    assert describe(atl06(tmp_path, beams=())).notes == "no beam holds data"


@pytest.mark.parametrize(
    ("name", "stated", "orbit", "lie"),
    [
        (name_of(rgt=628), name_of(), (), "rgt: the name says 628, the content 627"),
        (name_of(rgt=628), None, (627, 5), "rgt: the name says 628, the content 627"),
        (name_of(cycle=6), None, (627, 5), "cycle: the name says 6, the content 5"),
        (name_of(version="007"), name_of(), (), "version: the name says 007, the content 006"),
        (name_of(product="ATL08"), None, (627, 5), "product: the name says atl08, the content atl06"),
    ],
)
def test_a_name_that_lies_is_reported_and_the_content_wins(tmp_path, name, stated, orbit, lie):
    found = describe(atl06(tmp_path, name, stated=stated, orbit=orbit))
    assert lie in found.notes
    assert found.name.name == name_of()


def test_the_release_is_that_of_the_doi_where_nothing_else_states_one(tmp_path):
    doi = {"identifier_product_doi": "10.5067/ATLAS/ATL06.006"}
    found = describe(atl06(tmp_path, name_of(version="007"), attributes=doi))
    assert found.notes == "version: the name says 007, the content 006" and found.name.version == "006"
    assert describe(atl06(tmp_path, name_of(version="007"))).notes == ""


def test_a_name_of_another_kind_of_product_is_no_granule(tmp_path):
    found = describe(atl06(tmp_path, "ATL11_062703_0311_006_01.h5"))
    assert (found.status, found.reason.split(";")[0]) == ("unnamed", "holds atl06 data but is named as atl11")


def test_simulated_granules_say_so(tmp_path):
    assert describe(atl06(tmp_path, attributes={"nunatak_source": "SIMULATED"})).simulated
    assert not describe(atl06(tmp_path)).simulated


def write_grid(path, *, group, names, x, y, epsg="3413", **variables):
    with h5py.File(path, "w") as file:
        holder = file.require_group(group)
        holder[names[0]], holder[names[1]] = x, y
        holder["Polar_Stereographic"] = np.int8(0)
        holder["Polar_Stereographic"].attrs["spatial_epsg"] = epsg
        for name, values in variables.items():
            holder[name] = values


def test_a_height_change_grid(tmp_path):
    """Resolution from the axes, times from delta_h, the whole box as footprint."""
    path = tmp_path / "ATL15_SV_0325_01km_005_01.nc"
    x, y = np.arange(1.0e6, 1.1e6, 1e4), np.arange(-4.5e5, -3.5e5, 1e4)
    write_grid(path, group="delta_h", names="xy", x=x, y=y, time=365.25 * np.array([1.0, 1.25, 1.5]))
    found = describe(path)
    assert found.name.name == "ATL15_SV_0325_10km_005_01.nc"
    assert found.notes == "resolution: the name says 1km, the content 10km"
    assert str(found.time_start) == "2019-01-01T06:00:00.000000000"
    assert shapely.from_wkt(found.geometry).contains(shapely.Point(24, 79.75))  # Austfonna


def test_the_footprint_of_a_grid_holds_its_outer_cells_whole(tmp_path):
    """Half a cell of 40 km beyond the outermost centres on every side, and not much more."""
    path = tmp_path / "ATL15_SV_0325_40km_005_01.nc"
    x, y = 1.0e6 + 4e4 * np.arange(5), -4.5e5 + 4e4 * np.arange(6)
    write_grid(path, group="delta_h", names="xy", x=x, y=y, time=365.25 * np.array([1.0, 1.25]))
    shape = shapely.from_wkt(describe(path).geometry)
    to_lonlat = pyproj.Transformer.from_crs("EPSG:3413", "EPSG:4326", always_xy=True)
    middle = x.mean(), y.mean()
    for share, inside in ((0.49, True), (0.8, False)):
        edges = x.min() - share * 4e4, x.max() + share * 4e4, y.min() - share * 4e4, y.max() + share * 4e4
        sides = [(edges[0], middle[1]), (edges[1], middle[1]), (middle[0], edges[2]), (middle[0], edges[3])]
        assert [shape.contains(shapely.Point(*to_lonlat.transform(*side))) for side in sides] == [inside] * 4


def test_a_surface_grid(tmp_path):
    path = tmp_path / "ATL14_SV_0325_100m_005_01.nc"
    axis = np.arange(0.0, 2000.0, 100.0)
    write_grid(path, group="/", names="xy", x=1e6 + axis, y=-4e5 + axis, h=np.zeros((20, 20), "f4"))
    found = describe(path)
    assert (found.status, found.notes, found.name.resolution) == ("granule", "", "100m")


def test_a_grid_without_a_coordinate_system_has_no_place(tmp_path):
    path = tmp_path / "ATL14_SV_0325_100m_005_01.nc"
    with h5py.File(path, "w") as file:
        file["x"], file["y"], file["h"] = np.arange(3.0), np.arange(3.0), np.zeros((3, 3))
    assert describe(path).reason.startswith("no spatial_epsg and no crs_wkt")


def test_a_freeboard_granule_of_either_layout(tmp_path):
    for i, layout in enumerate(("freeboard_segment", "freeboard_beam_segment/beam_freeboard")):
        path = tmp_path / f"ATL10-02_20190916205836_1234040{i + 1}_005_02.h5"
        with h5py.File(path, "w") as file:
            for name, values in (
                ("longitude", [179.99, -179.99]),
                ("latitude", [-77.0, -77.1]),
                ("delta_time", [5e7, 5e7]),
            ):
                file[f"gt1r/{layout}/{name}"] = np.array(values)
        found = describe(path)
        assert (found.product, found.name.hemisphere) == ("atl10", "south")
        assert not shapely.from_wkt(found.geometry).intersects(shapely.box(-179, -90, 179, 90))


@pytest.mark.parametrize("start", ["LE07", "LT05"])
def test_a_renamed_image_pair_has_the_name_its_content_makes(data, tmp_path, start):
    """Version 2 names its images, version 1 has every part of a Landsat id."""
    path = next(data("real/ITS_LIVE").glob(f"{start}*.nc"))
    renamed = tmp_path / "my pair.nc"
    renamed.write_bytes(path.read_bytes())
    found, true = describe(renamed), describe(path)
    assert (found.status, found.name.name, found.name.version) == ("granule", path.name, true.name.version)
    assert found.name == true.name and found.geometry == true.geometry
