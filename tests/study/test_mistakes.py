"""Mistakes in a study file: each is refused in one line that names the key, the value and the remedy."""

from __future__ import annotations

import re

import numpy as np
import pytest

from nunatak import study
from nunatak.files.rasters import write_cog
from nunatak.geometry.grid import Grid
from nunatak.study import StudyError


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"points": {"trunk": [-45, -70]}}, "points.trunk: [-45, -70] lies outside region, which has longitudes 10"),
        ({"points": {"swapped": [79.8, 24.0]}}, "points.swapped: [79.8, 24] lies outside region"),
        ({"gates": {"front": {"lonlat": [[40, 80], [41, 80]]}}}, "gates.front: [40, 80], [41, 80] lies outside region"),
        ({"flowlines": {"main": {"start": [24, 70]}}}, "flowlines.main.start: [24, 70] lies outside region"),
        ({"transects": {"a": {"lonlat": [[24, 70], [25, 70]]}}}, "transects.a: [24, 70], [25, 70] lies outside region"),
    ],
)
def test_a_place_outside_the_region_is_told_before_the_run(made, changes, told):
    """
    The place is told in the longitudes and latitudes that were written.

    A line that crosses the region is fine.
    """
    with pytest.raises(StudyError, match=re.escape(told)):
        made(changes)
    assert made({"gates": {"front": {"lonlat": [[5, 80], [40, 80]]}}}).gates["front"].step == 60


def test_mass_only_where_it_may_be_given(made, tmp_path):
    """
    Mass is given for glaciers by density.

    For ice sheets it is given only with both rasters, which must be there.
    """
    assert made({"mass": {"kind": "glacier"}}).mass.allowed
    assert not made({"mass": {"kind": "ice_sheet"}}).mass.allowed
    rasters = {name: str(tmp_path / f"{name}.tif") for name in ("firn", "gia")}
    with pytest.raises(study.StudyError, match=r"mass: firn: .*firn.tif: no such file"):
        made({"mass": {"kind": "ice_sheet", **rasters}})
    for path in rasters.values():
        write_cog(np.zeros((3, 4), "f4"), Grid("EPSG:3413", 0, 0, 1e3, 1e3, 3, 4), path)
    assert made({"mass": {"kind": "ice_sheet", **rasters}}).mass.allowed


@pytest.mark.parametrize(
    ("product", "words"),
    [
        ("atl09", "products.atl09: ATL09 (calibrated backscatter profiles and atmospheric layers) is a product of"),
        ("ATL12", "products.ATL12: ATL12 (ocean surface height) is a product of ICESat-2 that Nunatak does not read"),
        ("atl12", "products.atl12: ATL12 (ocean surface height) is a product of ICESat-2"),
        ("atl20", "does not read; freeboard.atl20 compares with files of it; those it reads are atl15,"),
        ("atl21", "products.atl21: ATL21 (gridded sea surface height anomaly within sea ice) is a product of"),
        ("ATL06", "products.ATL06: unknown key; did you mean atl06?"),
        ("atl10ql", "products.atl10ql: unknown key; quick-look granules are asked for with quick_look: true in atl10"),
        ("ATL06_QL", "quick-look granules are asked for with quick_look: true in atl06"),
        ("atl15ql", "products.atl15ql: unknown key; did you mean atl15?"),
        ("atl12ql", "products.atl12ql: ATL12 (ocean surface height) is a product of"),
    ],
)
def test_a_product_that_exists_and_is_not_read_is_said_to_be_that(made, product, words):
    with pytest.raises(StudyError) as refused:
        made({f"products.{product}": {}})
    assert words in str(refused.value) and "\n" not in str(refused.value)


def test_a_transect_is_named_as_its_figure(made):
    with pytest.raises(
        StudyError, match=r"transects.*got the name 'a-b é'; write letters without accents, digits and _"
    ):
        made({"transects": {"a-b é": {"lonlat": [[20, 79.5], [24, 79.5]]}}})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"regon": 1}, "regon: unknown key; did you mean region?"),
        ({"products.atl15.resolution": ["1km"]}, "products.atl15.resolution: unknown key; did you mean resolutions?"),
        (
            {"period": ["2019-01-01", "2018-01-01"]},
            "period: ends 2018-01-01 before it begins 2019-01-01; write the earlier date first",
        ),
        ({"period": ["2019-13-01", "2020-01-01"]}, "period.start: '2019-13-01' is not a date"),
        ({"period": "2019"}, "period: got '2019'; write [first day, last day]"),
        ({"period": ["2019-01-01"]}, "period: got 1 dates; write [first day, last day]"),
        ({"period": {"years": [2022, 2019]}}, "period: years: 2022 comes after 2019"),
        (
            {"period": {"years": [2019, 2019], "months": ["Septembre"]}},
            "period.months: 'Septembre' is no month; did you mean September?",
        ),
        (
            {"period": {"start": "2019-01-01", "end": "2019-02-01", "months": [7]}},
            "period: no day of it lies in the months given",
        ),
        ({"region": {"bbox": [10, 81, 30, 79]}}, "region: bbox: south 81 lies above north 79"),
        ({"region": {"bbox": [30, 79, 10, 81]}}, "region: bbox: west 30 lies beyond east 10"),
        ({"region": {"bbox": [10, 79, 10, 81]}}, "region: bbox: [10, 79, 10, 81] encloses no area"),
        ({"region": {"bbox": [10, 79, 30, 95]}}, "region: latitude 95 lies beyond the pole"),
        (
            {"region": {"bbox": [0, 0, 1, 1], "crs": "EPSG:999999"}},
            "region: crs: unknown coordinate system 'EPSG:999999'",
        ),
        ({"region": {"lonlat": [[0, 0], [1, 1], [1, 0], [0, 1]]}}, "region: the outline is not a simple ring"),
        ({"region": {"polygon": "nowhere.geojson"}}, "region: polygon: nowhere.geojson is not there"),
        ({"region": "Ausfonna"}, "region: name: no region 'Ausfonna'; did you mean austfonna?"),
        ({"regions": {"lake": {"bbx": [1, 2, 3, 4]}}}, "regions.lake: bbx: unknown key; did you mean bbox?"),
        ({"crs": "EPSG:1"}, "crs: unknown coordinate system 'EPSG:1'"),
        ({"products.alt15": {}}, "products.alt15: unknown key; did you mean atl15?"),
        ({"products": {}}, "products: none asked for; add one such as atl15"),
        ({"products.atl15.resolutions": ["5km"]}, "products.atl15.resolutions: got '5km'; did you mean 1km?"),
        ({"products.atl06": {"rgt": [548, 1388]}}, "products.atl06.rgt: got 1388; write at most 1387"),
        ({"products.atl06": {"cycles": "three"}}, "products.atl06.cycles: got 'three'; write a whole number"),
        (
            {"products.atl06": {"cycles": [90]}},
            "products.atl06: the period 2019-01-01 to 2023-01-01 holds none of its cycles",
        ),
        (
            {"products.atl06": {"version": 6}},
            'products.atl06.version: got the number 6; write the release in quotes, such as "006"',
        ),
        ({"products.atl06": {"version": "6"}}, "products.atl06.version: got '6'; write the release with three digits"),
        ({"products.atl06": {"beams": "gt4l"}}, "products.atl06.beams: no beam 'gt4l'; write all, strong, weak"),
        ({"products.atl06": {"filter": "strickt"}}, "products.atl06.filter: got 'strickt'; did you mean strict?"),
        (
            {"products.itslive": {"min_separation": 9, "max_separation": 6}},
            "products.itslive.max_separation: 6 is below min_separation 9",
        ),
        (
            {"figures.names": ["height_change_regoin"]},
            "figures.names: no figure 'height_change_regoin'; did you mean height_change_region?",
        ),
        ({"figures.formats": "gif"}, "figures.formats: got 'gif'; write one of pdf, png, svg"),
        ({"title": None}, "title: missing; add this key"),
        ({"title": 5}, "title: got 5; write text, in quotes"),
        ({"archive": "simulate"}, "archive: got 'simulate'; did you mean simulated?"),
        ({"endpoints": {"cmr": "cmr.org"}}, "endpoints.cmr: got 'cmr.org'; write an address such as https://host"),
        (
            {"endpoints": {"login": "http://a.org"}},
            "endpoints.login: got 'http://a.org'; a login goes there: write https",
        ),
        ({"checks": "wrn"}, "checks: got 'wrn'; did you mean warn?"),
        ({"max_failed": -1}, "max_failed: got -1; write at least 0"),
        ({"mass": {"kind": "glacier", "density": 1500}}, "mass.density: got 1500; write at most 1000"),
        ({"mass": {"kind": "ice_sheet", "firn": "f.tif"}}, "mass: firn and gia go together"),
        ({"focus": {"crs": "EPSG:3413", "xlim": [2, 1], "ylim": [1, 2]}}, "focus.xlim: 2 is not below 1"),
        ({"transects": {"a": {"lonlat": [[1, 2]]}}}, "transects.a.lonlat: a line needs at least two points"),
        ({"points": {"p": [79, 120]}}, "points.p: latitude 120 lies beyond the pole"),
        ({"freeboard": {"grid": {"cell": "12.5"}}}, "freeboard.grid.cell: got '12.5'; write the size with its unit"),
        ({"freeboard": {"grid": {"crs": "EPSG:6932"}}}, "freeboard.grid: a grid of one's own needs a cell"),
        (
            {"freeboard": {"grid": {"preset": "ease2_south", "crs": "EPSG:6932"}}},
            "freeboard.grid: preset and crs exclude",
        ),
        (
            {"freeboard": {"grid": {"bounds": [1, 1, 0, 2]}}},
            "freeboard.grid: bounds: [1.0, 1.0, 0.0, 2.0] enclose nothing",
        ),
        ({"freeboard": {"statistics": ["mea"]}}, "freeboard.statistics: no statistic 'mea'; did you mean mean?"),
        ({"products": {"atl10": {"minimum_segments": 0}}}, "products.atl10.minimum_segments: got 0; write at least 1"),
        ({"products": {"atl10": {}, "atl07": {}}}, "products: atl07 and atl10 are gridded one at a time"),
    ],
)
def test_each_mistake_has_its_line(made, changes, words):
    """File, key, value and remedy in one line, without a word of the validator's own."""
    with pytest.raises(StudyError, match=re.escape(f"glacier.yaml: {words}")) as refused:
        made(changes)
    line = str(refused.value)
    assert "\n" not in line and len(line) < 400
    assert not re.search(r"pydantic|validation error|type=|input_value|For further information", line)


def test_several_mistakes_are_counted(made):
    """The first is told, the others counted."""
    with pytest.raises(StudyError, match=r"checks: got 'wrn'; did you mean warn\? \(and 1 more\)"):
        made({"checks": "wrn", "max_failed": -2})


@pytest.mark.parametrize(
    ("products", "line"),
    [
        (
            {"atl06sr": {"atl03_ph_fields": ["ph_id_chanel"]}},
            "ATL03 has no variable 'ph_id_chanel'; did you mean ph_id_ch",
        ),
        ({"atl06sr": {"atl03_geo_fields": ["/gt1l/geolocation/solar_elevation"]}}, "is a path of one beam, gt1l"),
        ({"atl06sr": {"atl08_fields": ["h_te_mediann"]}}, "did you mean terrain/h_te_median"),
        (
            {"atl06": {"variables": ["dem_hh"]}},
            "products.atl06.variables: ATL06 has no variable 'dem_hh'; did you mean dem/",
        ),
        ({"atl06": {"variables": ["/gt2r/dem/dem_h"]}}, "is a path of one beam, gt2r; write 'dem/dem_h'"),
        ({"atl11": {"variables": ["cycle_stats/dacc"]}}, "products.atl11.variables: ATL11 has no variable"),
        ({"atl10": {"limits": {"ice_con": [50, None]}}}, "did you mean heights/ice_conc"),
        ({"atl10": {"flags": {"beam_quality_flag": [1]}}}, "did you mean beam_fb_quality_flag"),
        (
            {"atl10": {"version": "007", "limits": {"ice_conc": [50, None]}}},
            "ATL10 of release 007 has no ice_conc; it has ice_conc_amsr2, ice_conc_ssmi",
        ),
        ({"atl07": {"version": "005", "limits": {"ice_conc_ssmi": [50, None]}}}, "release 005 has no ice_conc_ssmi"),
        ({"atl10": {"limits": {"ice_conc_ssmi": [1, None], "heights/ice_conc_ssmi": [2, None]}}}, "one variable twice"),
    ],
)
def test_a_name_that_a_product_does_not_have_is_refused(made, products, line):
    """Variables, limits and flags are held against the product's names when the study is read."""
    with pytest.raises(StudyError, match=re.escape(line)):
        made({"products": products})


@pytest.mark.parametrize(
    ("place", "system", "line"),
    [
        ("crs", "EPSG:4326", "crs: 'EPSG:4326' (WGS 84) has coordinates in degrees"),
        ("crs", 4326, "crs: 4326 (WGS 84) has coordinates in degrees"),
        ("focus", {"crs": "EPSG:4326", "xlim": [15, 20], "ylim": [79, 80]}, "focus.crs: 'EPSG:4326' (WGS 84)"),
        ("crs", "EPSG:2225", "has coordinates in US survey foot; write one in metres"),
        ("crs", "EPSG:3855", "crs: 'EPSG:3855' (EGM2008 height) has heights and no map; write a projected one"),
        ("crs", "EPSG:4978", "crs: 'EPSG:4978' (WGS 84) has coordinates from the centre of the Earth and no map"),
        ("crs", "EPSG:7415", "(Amersfoort / RD New + NAP height) has heights beside its map; write a projected one"),
        ("crs", 'LOCAL_CS["x",UNIT["metre",1]]', "(x) lies nowhere on the Earth; write a projected one"),
    ],
)
def test_a_coordinate_system_of_maps_is_in_metres(made, place, system, line):
    """
    A system in degrees is refused, because degrees would be drawn as kilometres.

    The remedy names projected systems.
    """
    with pytest.raises(StudyError, match=re.escape(line)):
        made({place: system})
