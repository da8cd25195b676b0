"""Odd input to a cube: other projections and cell sizes, two pairs, years without data, and what is refused."""

import h5py
import numpy as np
import pytest
import rasterio
import xarray as xr
import zarr

from nunatak import api
from nunatak.geometry.grid import map_scale
from nunatak.geometry.region import load
from nunatak.parameters.velocity import PairSelection
from nunatak.products.itslive.fields import FILL
from nunatak.products.itslive.ground import to_ground
from nunatak.products.itslive.index import index_pairs
from nunatak.products.itslive.store import masked, open_cube
from nunatak.runtime import NunatakError
from nunatak.simulation import itslive, worlds
from nunatak.times import decimal_year
from nunatak.velocity import composite
from nunatak.velocity.cube import plan_cube

# pairs that the defaults leave out, too
EVERY = {"percent_valid_pixels": 0, "min_separation": 0, "geometry": "any"}
TRUNK = {"lonlat": [[-101.2, -74.97], [-100.4, -74.97], [-100.4, -75.13], [-101.2, -75.13]]}


def test_projections_and_resolutions_are_refused_unless_asked_for(simulated_pairs):
    """Another projection, another cell size in another projection; with a user's own grid all are rotated."""
    index = index_pairs(sorted(simulated_pairs.glob("*.nc")))
    project = load(TRUNK).projected
    own = plan_cube(
        index, project, selection=PairSelection(**EVERY, projections="majority"), crs="EPSG:32714", cell=240.0
    )
    assert set(own.pairs["fate"]) <= {"crs", "duplicate", "outside"}
    own = plan_cube(index, project, selection=PairSelection(**EVERY), crs="EPSG:32714", cell=240.0)
    assert own.pairs["why"].str.contains("the cube has 240 m").any()
    mixed = plan_cube(
        index,
        project,
        selection=PairSelection(**EVERY),
        crs="EPSG:32714",
        cell=240.0,
        mixed_resolutions=True,
    )
    assert set(mixed.candidates["treatment"]) == {"rotated"}
    shifted = plan_cube(index, project, selection=PairSelection(**EVERY), crs="EPSG:3031", cell=500.0)
    assert set(shifted.pairs["fate"]) <= {"resolution", "duplicate", "outside"}


def test_cells_coarser_than_the_lattice_are_means_of_components(simulated_pairs, tmp_path):
    """240 m over pairs of 120 m: where half of the four are seen their mean, rounded; the pair's own error stays."""
    paths = sorted(simulated_pairs.glob("S1A*.nc"))[:3]
    pairs = api.build_cube(paths, TRUNK, tmp_path / "cube.zarr", crs="EPSG:3031", cell=240.0)
    assert set(pairs["treatment"]) == {"averaged"}
    stack = open_cube(tmp_path / "cube.zarr")
    layer = stack.isel(time=0)
    with h5py.File(pairs.set_index("granule_id").loc[str(layer["granule_id"].values), "path"]) as file:
        x, y, raw = file["x"][()], file["y"][()], {name: np.squeeze(file[name][()]) for name in ("vx", "vy")}
    seen = (raw["vx"] != FILL) & (raw["vy"] != FILL)
    i, j = 20, 25
    rows, columns = (np.abs(a - layer[n].values[k]) < 120 for a, n, k in ((y, "y", i), (x, "x", j)))
    four = np.ix_(rows, columns)
    assert seen[four].shape == (2, 2) and seen[four].sum() >= 2
    for name in ("vx", "vy"):
        ground = to_ground(raw[name][four], map_scale("EPSG:3031", *np.meshgrid(x[columns], y[rows])))
        assert layer[name].values[i, j] == np.rint(ground[seen[four]].mean())
    assert float(layer["vx_error"]) == pairs["vx_error"].iloc[0]
    with pytest.raises(NunatakError, match="no layer: of 3 image pairs none is used: 3 resolution"):
        api.build_cube(paths, TRUNK, tmp_path / "odd.zarr", crs="EPSG:3031", cell=150.0)


@pytest.fixture(scope="module")
def three_projections(tmp_path_factory):
    """One pair each of three projections over the same trunk."""
    world = worlds.world("pine_island", "full")
    every = [pair for pair in itslive.schedule(world) if not pair.quirks and pair.platform == "S2A"]
    chosen = [next(pair for pair in every if pair.epsg == epsg) for epsg in (3031, 32713, 32714)]
    folder = tmp_path_factory.mktemp("three")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(itslive, "schedule", lambda world: chosen)
        itslive.write(world, folder)
    return folder


def test_a_third_projection_is_turned_like_the_second(three_projections, tmp_path):
    """None is dropped, all see the motion of their date to 1 %, and `majority` says why the two others are left out."""
    pairs = api.build_cube(three_projections, TRUNK, tmp_path / "all.zarr", selection={"projections": "all"})
    treated = dict(zip(pairs["epsg"], pairs["treatment"], strict=True))
    assert treated == {3031: "copied", 32713: "rotated", 32714: "rotated"} and set(pairs["fate"]) == {"used"}
    stack = open_cube(tmp_path / "all.zarr")
    inside = stack["roi"].values.astype(bool)
    truth, (x, y) = worlds.world("pine_island", "full").truth, np.meshgrid(stack["x"].values, stack["y"].values)
    for layer in range(3):
        true = np.stack(truth.velocity(x[inside], y[inside], decimal_year(stack["time"].values[layer])))
        seen = np.stack([masked(stack[name].values[layer])[inside] for name in ("vx", "vy")])
        off, speed = np.hypot(*(seen - true)), np.hypot(*true)
        along, across = np.sum((seen - true) * true, axis=0), seen[0] * true[1] - seen[1] * true[0]
        assert np.nanmedian(off / speed) < 0.02
        assert abs(np.nanmedian(along / speed**2)) < 0.01 and abs(np.nanmedian(across / speed**2)) < 0.01
    pairs = api.build_cube(three_projections, TRUNK, tmp_path / "one.zarr", selection={"projections": "majority"})
    told = pairs[pairs["fate"] == "crs"]
    assert len(told) == 2 and told["why"].str.contains("most pairs have EPSG:3031").all()


def test_two_pairs_years_apart_are_a_cube_and_years_without_data_are_missing(simulated_pairs, tmp_path):
    """Two layers; of the years between them there is nothing, which is not zero."""
    index = index_pairs(sorted(p for p in simulated_pairs.glob("*.nc") if "_P000" not in p.name))
    first, last = (index[f"acquisition_date_img{i}"].dt.year for i in (1, 2))
    own = index[(first == last) & (index["group"] == "L89")].assign(year=first)
    years = sorted(set(own["year"]))
    two = [own.loc[own["year"] == year, "path"].iloc[0] for year in (years[0], years[-1])]
    assert set((api.build_cube(two, TRUNK, tmp_path / "cube.zarr"))["fate"]) == {"used"}
    annual = composite(open_cube(tmp_path / "cube.zarr"), method="mean", error_limit=None)
    seen = annual["year"].values[np.isfinite(annual["v"]).any(("y", "x")).values]
    assert seen.tolist() == [years[0], years[-1]] and years[-1] - years[0] > 1
    between = annual.sel(year=range(years[0] + 1, years[-1]))
    assert (between["count"] == 0).all() and between["v"].isnull().all()


def test_bad_input_is_refused_in_words(simulated_pairs, tmp_path):
    """No granules, an unknown variable, a region beside every footprint, an all-missing stack, a wrong chunk word."""
    with pytest.raises(NunatakError, match=r"a.zarr: no image pairs; name a folder that holds some"):
        api.build_cube([], TRUNK, tmp_path / "a.zarr")
    with pytest.raises(NunatakError, match=r"no image pair \(\*.nc\) there; name a folder"):
        api.build_cube(tmp_path, TRUNK, tmp_path / "a.zarr")
    with pytest.raises(NunatakError, match=r"of 48 image pairs none is used: 47 months, 1 duplicate; widen selection"):
        api.build_cube(simulated_pairs, TRUNK, tmp_path / "a.zarr", selection={**EVERY, "months": ["July"]})
    with pytest.raises(NunatakError, match="variables: 'speed' is not ITS_LIVE's"):
        api.build_cube(simulated_pairs, TRUNK, tmp_path / "a.zarr", selection={"variables": ["speed"]})
    with pytest.raises(NunatakError, match="selection: unknown key 'percent_valid'; choose from percent_valid_pixels"):
        api.build_cube(simulated_pairs, TRUNK, tmp_path / "a.zarr", selection={"percent_valid": 30})
    with pytest.raises(NunatakError, match=r"no layer: of 48 image pairs .*outside"):
        api.build_cube(simulated_pairs, {"bbox": [10, 79, 30, 81]}, tmp_path / "a.zarr")
    with pytest.raises(NunatakError, match="chunks 'cubes'; choose map or series"):
        api.build_cube(simulated_pairs, TRUNK, tmp_path / "a.zarr", chunks="cubes")
    empty = [p for p in simulated_pairs.glob("*.nc") if p.name.endswith("P000.nc")]
    with pytest.raises(NunatakError, match="no layer: of 1 image pairs none is used: 1 empty"):
        api.build_cube(empty, TRUNK, tmp_path / "a.zarr", selection=EVERY)
    with pytest.raises(NunatakError, match="not a velocity cube"):
        open_cube(tmp_path)
    with pytest.raises(NunatakError, match="is there and no velocity cube; remove it"):
        api.build_cube(simulated_pairs, TRUNK, tmp_path)


@pytest.fixture(scope="module", params=[2, 3])
def cube_of_format(request, simulated_pairs, tmp_path_factory):
    """(format, folder) of a cube with masks, once stacked and once taken over from its own years."""
    out = tmp_path_factory.mktemp("formats") / "cube.zarr"
    paths = sorted(simulated_pairs.glob("*.nc"))
    for some in (paths[:-1], paths):  # the second build takes layers of the first
        api.build_cube(some, TRUNK, out, zarr_format=request.param, selection={"variables": ["v", "interp_mask"]})
    return request.param, out


def test_zeros_are_zeros_in_plain_xarray(cube_of_format):
    """Without any option: masks, flags, shifts and text are there; only velocities have missing values."""
    zarr_format, path = cube_of_format
    assert zarr.open_group(path, mode="r").metadata.zarr_format == zarr_format
    plain, ours = xr.open_zarr(path), open_cube(path)
    for name in ("roi", "interp_mask", "stable_shift_flag"):
        assert (ours[name].values == 0).any(), f"{name} has no zero to lose"
    for name in ("roi", "interp_mask", "stable_shift_flag", "vx_stable_shift", "valid_cells", "epsg", "treatment"):
        assert plain[name].dtype.kind == ours[name].dtype.kind or plain[name].dtype.kind in "OT"
        np.testing.assert_array_equal(plain[name].values, ours[name].values, err_msg=name)
    assert "_FillValue" not in plain["interp_mask"].encoding
    np.testing.assert_array_equal(np.isnan(plain["vx"].values), ours["vx"].values == FILL)


@pytest.mark.parametrize("chunks", ["map", "series"])
def test_no_chunk_of_a_mask_is_left_to_the_reader_s_guess(simulated_pairs, tmp_path, chunks):
    """Format 2 without a fill says nothing of chunks that are not there: all are."""
    out = tmp_path / "cube.zarr"
    options = {"selection": {"variables": ["interp_mask"]}, "zarr_format": 2, "chunks": chunks}
    api.build_cube(sorted(simulated_pairs.glob("S1A*.nc"))[:3], TRUNK, out, **options)
    array = zarr.open_group(out, mode="r")["interp_mask"]
    assert array.fill_value is None or array.metadata.fill_value is None
    assert len([p for p in (out / "interp_mask").iterdir() if not p.name.startswith(".")]) == array.nchunks


def test_gdal_reads_the_format_that_the_docs_name(cube_of_format):
    """Format 2 with values, CRS and place; format 3 not by GDAL 3.10, and by a newer one only with right values."""
    zarr_format, path = cube_of_format
    ours = open_cube(path)
    try:
        with rasterio.open(f'ZARR:"{path}":/vx') as source:
            assert (source.crs.to_epsg(), source.nodata, source.count) == (3031, FILL, ours.sizes["time"])
            assert (source.transform.c + 60, source.transform.f - 60) == (ours["x"][0], ours["y"][0])
            np.testing.assert_array_equal(source.read(3), ours["vx"].values[2])
    except rasterio.errors.RasterioIOError as error:
        assert zarr_format == 3, error
    else:
        assert zarr_format == 2 or not rasterio.__gdal_version__.startswith("3.10")
