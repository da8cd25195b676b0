"""Worlds and write_product: names, catalogue, the same bytes every time."""

import numpy as np
import pytest
import shapely

from nunatak.files.tables import read_table
from nunatak.runtime import NunatakError, file_sha256
from nunatak.simulation import names, orbit, world, write_product
from nunatak.simulation.catalogue import FILE_NAME


def test_unknown_world_size_and_product_are_refused(tmp_path):
    """One line that says what there is."""
    assert {"austfonna", "pine_island"} <= set(names())
    with pytest.raises(NunatakError, match="no world named 'vatnajokull'; there are austfonna"):
        world("vatnajokull")
    with pytest.raises(NunatakError, match="size 'huge' is not known; write tiny or full"):
        world("austfonna", "huge")
    with pytest.raises(NunatakError, match="no granules of 'atl99'; there are atl03, atl06"):
        write_product(world("austfonna", "tiny"), "atl99", tmp_path)


def test_generators_depend_on_their_keys_only():
    """Same keys, same numbers, whatever was drawn before; other keys or worlds, other numbers."""
    place = world("austfonna", "tiny")
    first = place.rng("a", 1).normal(size=3)
    place.rng("b").normal(size=100)
    assert np.array_equal(place.rng("a", 1).normal(size=3), first)
    assert not np.array_equal(place.rng("a", 2).normal(size=3), first)
    assert not np.array_equal(world("pine_island", "tiny").rng("a", 1).normal(size=3), first)


@pytest.mark.parametrize("product", ["atl06", "atl14", "atl15"])
def test_two_writes_give_the_same_bytes(tmp_path, product):
    """Files and catalogue; a granule is also the same when it is written alone."""
    place = world("austfonna", "tiny")
    first = write_product(place, product, tmp_path / "a")
    second = write_product(place, product, tmp_path / "b", chunks=["cycle07"] if product == "atl06" else None)
    common = sorted({p.name for p in (tmp_path / "b").iterdir()} - ({FILE_NAME} if product == "atl06" else set()))
    assert len(common) == (1 if product == "atl06" else len(second) + 1)
    for name in common:
        assert file_sha256(tmp_path / "a" / name) == file_sha256(tmp_path / "b" / name), name
    assert len(first) >= len(second)


def test_catalogue_lists_what_is_there(tmp_path):
    """One row per granule, sorted, with size, checksum, orbit, footprint and time."""
    place = world("austfonna", "tiny")
    table = write_product(place, "atl06", tmp_path)
    assert table.file_name.tolist() == sorted(p.name for p in tmp_path.glob("*.h5"))
    assert table["cycle"].tolist() == [3, 7] and set(table["rgt"]) == {548} and set(table["source"]) == {"SIMULATED"}
    for row in table.itertuples():
        assert row.size_bytes == (tmp_path / row.url).stat().st_size
        assert row.checksum == file_sha256(tmp_path / row.url)
        strip = shapely.from_wkt(row.geometry)
        for beam in ("gt1l", "gt3r"):
            (run,) = orbit.passes(place.track_bbox, rgts=[548])
            track = orbit.beam_track(548, row.cycle, beam, segment_id=run.segment_id[10:-10])
            assert shapely.contains_xy(strip, track.longitude, track.latitude).all()
        assert row.time_start < row.time_end
    again = read_table(tmp_path / FILE_NAME)
    assert again.file_name.tolist() == table.file_name.tolist()
    assert again.attrs["attributes"] == {"nunatak_source": "SIMULATED"}


def test_catalogue_of_grids(tmp_path):
    """Resolution, region and the period of the record."""
    table = write_product(world("pine_island", "tiny"), "atl15", tmp_path)
    assert table["resolution"].tolist() == ["1km", "10km", "20km", "40km"]
    assert set(table["region_code"]) == {"A3"} and set(table["cycle_end"]) == {12}
    assert str(table.time_start[0]) == "2019-01-01 06:00:00"
    assert shapely.from_wkt(table.geometry[0]).contains(shapely.Point(-100.9, -75.05))


@pytest.mark.parametrize("name, size", [(n, s) for n in ("austfonna", "pine_island") for s in ("tiny", "full")])
def test_worlds_are_complete(name, size):
    """Grids lie on the 40 km lattice, tracks cross their box, the record holds the datum."""
    place = world(name, size)
    assert all(b % 40e3 == 0 for b in place.height_bounds)
    assert all(b % 100 == 0 for b in place.surface_bounds)
    assert {p.rgt for p in orbit.passes(place.track_bbox, rgts=list(place.tracks))} == set(place.tracks)
    first, last = place.period
    assert first < 2020.0 < last and (last - first) * 4 == place.cycles[1] - 1
