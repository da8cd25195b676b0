"""Every key, its names, its range, and refusals that say what is allowed."""

from __future__ import annotations

import numpy as np
import pytest

from nunatak.parameters.sliderule import FIELDS
from nunatak.photons import PRESETS, FitParameters, ParameterError


def test_defaults_are_those_of_the_server_at_5_5():
    """Dynamic surface, confidence 2 to 4, nominal quality, five fits."""
    p = FitParameters.of({})
    assert (p.surface_type, p.confidence, p.quality, p.max_iterations) == (-1, (2, 3, 4), (0,), 5)
    assert (p.length, p.step, p.spread, p.count, p.min_window, p.max_dispersion) == (40, 20, 20, 10, 3, 5)
    assert (p.profile, p.compat, p.pass_invalid, p.yapc, p.classes) == ("legacy", False, False, None, ())


def test_the_fit_mapping_of_the_xseries():
    """`fit` chooses the x-series and its own maxi wins, unless a profile is named."""
    p = FitParameters.of({"maxi": 9, "fit": {"maxi": 3, "H_min_win": 1.5, "sigma_r_max": 4}})
    assert (p.profile, p.max_iterations, p.min_window, p.max_dispersion) == ("xseries", 3, 1.5, 4)
    assert FitParameters.of({"fit": {}, "profile": "anchored"}).profile == "anchored"


def test_track_overrides_beams_and_min_ph_is_min_knn():
    """As the reference's code does; its older name of a key is taken."""
    assert FitParameters.of({"track": 2, "beams": ["gt1l"]}).beams == ("gt2l", "gt2r")
    assert FitParameters.of({"beams": ["gt3r", "gt1l"]}).beams == ("gt1l", "gt3r")
    assert FitParameters.of({"yapc": {"version": 3, "min_ph": 4}}).yapc.min_knn == 4


def test_side_effects_on_classes():
    """ATL08 fields join ATL08 with all classed photons; percentile surfaces need ground and canopy."""
    assert FitParameters.of({"atl08_fields": ["h_te_median"]}).classes == (0, 1, 2, 3)
    assert FitParameters.of({"als": {}}).classes == (1, 2, 3)


def test_presets_and_what_is_set_beside_them():
    """A preset is a set of values; keys beside it win."""
    for name in PRESETS:
        assert FitParameters.of({"preset": name}) == FitParameters.of(PRESETS[name])
    assert FitParameters.of({"preset": "atl06_like", "cnf": 4}).confidence == (4,)


def test_times_in_both_clocks():
    """UTC text, or GPS seconds with their leap seconds."""
    p = FitParameters.of({"t0": "2018-10-17T08:26:40Z", "t1": 1235331234})
    assert p.t0 == np.datetime64("2018-10-17T08:26:40")
    assert p.t1.astype("datetime64[s]") == np.datetime64("2019-02-27T19:33:36")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"cnt": 0}, r"cnt: 0 is out of range; a whole number from 1"),
        ({"cnt": 2.5}, "cnt: 2.5"),
        ({"len": 0}, "len: 0 is out of range; a number above 0"),
        ({"res": -20}, "res: -20"),
        ({"ats": -1}, "ats: -1"),
        ({"maxi": 0}, "maxi: 0"),
        ({"srt": 7}, r"srt: 7 is not allowed; choose from -1 .. 4 or dynamic"),
        ({"cnf": 5}, r"cnf: 5 is not allowed; choose from -2 .. 4"),
        ({"cnf": "atl03_hgh"}, "cnf: 'atl03_hgh' is not allowed"),
        ({"cnf": []}, "cnf: an empty list"),
        ({"cnf": True}, "cnf: True"),
        ({"quality_ph": 26}, "quality_ph: 26 is not allowed; choose from 0 .. 25"),
        ({"atl08_class": "grnd"}, "atl08_class: 'grnd'"),
        ({"podppd": 300}, "podppd: 300"),
        ({"track": 4}, "track: 4"),
        ({"beams": ["gt4l"]}, "beams: 'gt4l' is not allowed; choose from gt1l"),
        ({"spots": 0}, "spots: 0"),
        ({"rgt": 1388}, "rgt: 1388"),
        ({"profile": "fast"}, "profile: 'fast' is not allowed; choose from legacy, xseries, anchored"),
        ({"yapc": {"version": 4}}, "yapc.version: 4"),
        ({"yapc": {"score": 1, "wind_h": 3}}, "yapc: 'wind_h' is not known; did you mean 'win_h'"),
        ({"yapc": {"version": 3, "win_h": 0}}, "yapc.win_h: 0 with version 3"),
        ({"fit": {"max": 3}}, "fit: 'max' is not known; did you mean 'maxi'"),
        ({"lenght": 40}, "'lenght' is not known; did you mean 'len'"),
        ({"phoreal": {}}, "phoreal: not part of the fit"),
        ({"dist_in_seg": True, "len": 2, "res": 0.5}, "res: 0.5 with dist_in_seg"),
        ({"t0": "2020-01-02", "t1": "2020-01-01"}, "lies before t0"),
        ({"t0": "noon"}, "t0: 'noon' is not a time"),
        ({"t0": "2300-01-01"}, "t0: '2300-01-01' is not a time between the years 1900 and 2200"),
        ({"t1": "99999-01-01T00:00:00"}, "t1: '99999-01-01T00:00:00' is not a time between the years 1900 and 2200"),
        ({"t0": "1600-01-01"}, "t0: '1600-01-01' is not a time"),
        ({"t0": 1e19}, r"t0: '1e\+19' is not a time"),
        ({"t1": float("nan")}, "t1: 'nan' is not a time"),
        ({"region_mask": {"cellsize": 1}}, "region_mask: needs geojson"),
        ({"preset": "best"}, "preset: 'best' is not allowed"),
        ({"compat": "yes"}, "compat: 'yes'"),
    ],
)
def test_refusals_name_key_value_and_what_is_allowed(given, message):
    """One line each."""
    with pytest.raises(ParameterError, match=message) as refusal:
        FitParameters.of(given)
    assert "\n" not in str(refusal.value)


def test_every_key_fills_a_field():
    """The table of names and the dataclass do not drift apart."""
    fields = set(FitParameters.__dataclass_fields__)
    assert {name for name, _ in FIELDS.values()} == fields
