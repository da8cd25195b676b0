"""A study's outlines survive their file."""

from nunatak.geometry import region
from nunatak.geometry.outlines import read_outlines, write_outlines


def test_outlines_come_back_as_they_were(tmp_path):
    """Name, geometry, the crossing of the antimeridian and the words on simplification are kept."""
    ross = region.load({"bbox": [160, -78, -150, -70], "crosses_antimeridian": True})
    box = region.load({"bbox": [10, 79, 30, 81]})
    write_outlines({"region": ross, "box": box}, tmp_path / "regions.geojson")
    back = read_outlines(tmp_path / "regions.geojson")
    assert list(back) == ["region", "box"]
    assert back["region"].crosses_antimeridian and back["region"].bounds == ross.bounds
    assert back["box"].geometry.equals(box.geometry)
    assert back["region"].contains([180, 0], [-75, -75]).tolist() == [True, False]
