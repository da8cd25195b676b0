"""Tides are taken off floating ice, the geoid off every height, in each product alike."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from nunatak.geometry.region import load
from nunatak.products.corrections import above, corrected, kept_from, needed, said, where_floating
from nunatak.runtime import NunatakError


@pytest.mark.parametrize("height", ["h_li", "h_corr", "h_mean"])
def test_tide_and_atmosphere_are_taken_off_floating_ice_only(height):
    table = pd.DataFrame({height: 50.0, "tide_ocean": [0.5, -1.0, np.nan, np.nan], "dac": 0.1})
    found, lost = corrected(table, height, floating=np.array([True, False, True, False]))
    assert_allclose(found[height], [49.4, 50.0, np.nan, 50.0])
    assert lost == 1, "a missing tide costs the floating height and no grounded one"


def test_heights_above_the_geoid():
    table = pd.DataFrame({"h_li": [50.0, 60.0], "geoid_h": [31.5, -20.25]})
    table.attrs["units"] = {"h_li": "m"}
    found, lost = corrected(table, "h_li", datum="EGM08")
    assert_allclose(found["h_li"], [18.5, 80.25])
    assert lost == 0 and found.attrs["units"] == {"h_li": "m"}
    assert corrected(table, "h_li")[0] is table
    assert said(datum="EGM08") == {"height_datum": "EGM2008 geoid"}


def test_what_is_asked_for_must_be_there():
    table = pd.DataFrame({"h_li": [50.0]})
    with pytest.raises(NunatakError, match="the table has no tide_ocean, dac, geoid_h"):
        corrected(table, "h_li", floating=np.array([True]), datum="EGM08")
    with pytest.raises(NunatakError, match="'geoid' is unknown; write ellipsoid or EGM08"):
        corrected(table, "h_li", datum="geoid")
    assert needed() == () and needed(floating=True) == ("tide_ocean", "dac")


def test_rows_on_floating_ice_under_either_name():
    shelf = load({"bbox": [10, 79, 12, 80]})
    for names in (("longitude", "latitude"), ("lon", "lat")):
        table = pd.DataFrame({names[0]: [11.0, 13.0], names[1]: 79.5})
        assert where_floating(table, shelf).tolist() == [True, False]
    assert where_floating(table, None) is None


def test_axes_and_sentences_say_what_heights_are_above():
    table = pd.DataFrame({"h": [1.0]})
    assert above(table) == "WGS84"
    table.attrs["attributes"] = {**said(datum="EGM08"), "study": "x"}
    assert above(table[table["h"] > 0]) == "the geoid"
    assert kept_from(table.attrs["attributes"]) == {"height_datum": "EGM2008 geoid"}
