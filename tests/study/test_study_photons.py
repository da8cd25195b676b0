"""What a study asks of the photons: SlideRule's names, the engine's own ranges and defaults."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nunatak import study
from nunatak.parameters.sliderule import FIELDS, PRESETS, FitParameters, ParameterError
from nunatak.study.photon_products import _OF_THE_STUDY, Atl03, Atl06sr, fit_parameters

PLAIN = {
    "name": "g",
    "path": "g.yaml",
    "label": "g",
    "title": "G",
    "region": {"bbox": [10, 79, 30, 81]},
    "period": ["2019-01-01", "2020-01-01"],
}


def parameters(**keys):
    """What the engine is told when a study types these keys."""
    return FitParameters.of(fit_parameters(Atl06sr.model_validate(keys).model_dump(mode="json")))


def test_the_keys_are_those_of_the_engine():
    """None is missing, none is new, but for those that the study says for all its products."""
    assert set(FIELDS) - set(_OF_THE_STUDY) <= set(Atl06sr.model_fields) | {"cycle", "region"}
    own = (
        set(Atl06sr.model_fields)
        - set(FIELDS)
        - {"splits", "cycles", "region_numbers", "subset", "fetch", "quick_look"}
    )
    assert own == {"preset", "engine", "floating"}


def test_the_defaults_are_those_of_the_engine():
    """Only extents are anchored, so that cycles can be compared; after a trip through JSON too."""
    assert parameters() == replace(FitParameters(), profile="anchored")
    assert parameters(yapc={}) == FitParameters.of({"profile": "anchored", "yapc": {}})


@pytest.mark.parametrize(
    "typed",
    [
        {"srt": "land_ice", "cnf": "atl03_high", "quality_ph": ["nominal", "afterpulse"]},
        {"srt": 3, "cnf": 1, "len": 60, "res": 30.0, "cnt": 5, "maxi": 10, "H_min_win": 2, "sigma_r_max": 4},
        {"cnf": [4, 2], "atl08_class": ["atl08_ground", 2], "podppd": 0, "dist_in_seg": True, "len": 2, "res": 1},
        {"yapc": {"version": 3, "score": 100, "min_ph": 4}, "profile": "legacy", "compat": True},
        {"fit": {"maxi": 3}, "ats": 10},
        {"track": 2, "profile": "x-series"},
        {"als": {"median_ground_percentile": 0.4}, "columns": "classic"},
        {"atl03_ph_fields": "ph_id_channel", "atl03_geo_fields": ["solar_elevation"], "spots": [1, 3]},
    ],
)
def test_what_users_type_is_what_the_engine_reads(typed):
    """The mapping itself, given to the engine, and the study's key give equal parameters."""
    direct = {"profile": "xseries" if "fit" in typed else "anchored", **typed}
    assert parameters(**typed) == FitParameters.of(direct)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_preset_gives_way_to_further_keys(name):
    """Named sets are laid below what is typed."""
    assert parameters(preset=name) == FitParameters.of({"profile": "anchored", "preset": name})
    assert parameters(preset=name, cnf=2).confidence == (2, 3, 4)


def test_strong_and_weak_beams_are_spots():
    """The side of a strong beam changes with the spacecraft, its spot does not."""
    assert parameters(beams="strong").spots == (1, 3, 5)
    assert parameters(beams="weak", spots=[2, 3]).spots == (2,)
    assert parameters(beams=["gt1l", "gt3r"]).beams == ("gt1l", "gt3r")


@pytest.mark.parametrize("model", [Atl06sr, Atl03])
@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ({"lenn": 40}, r"lenn: unknown key; did you mean len\?"),
        ({"cnf": 7}, r"cnf: 7 is not allowed; choose from -2 .. 4 or atl03_tep"),
        ({"srt": "ice"}, r"srt: 'ice' is not allowed; choose from -1 .. 4 or dynamic"),
        ({"cnt": 0}, r"cnt: got 0; write at least 1"),
        ({"len": 0}, r"len: got 0; write more than 0"),
        ({"yapc": {"version": 4}}, r"yapc.version: got 4; write at most 3"),
        ({"yapc": {"version": 3, "win_h": 0}}, r"yapc.win_h: 0 with version 3"),
        ({"poly": []}, r"poly is the study's own; write region instead"),
        ({"cycle": 3}, r"cycle is the study's own; write cycles instead"),
        ({"track": 4}, r"track: got 4; write 1, 2, 3, or 0 for all"),
        ({"profile": "anchord"}, r"profile: got 'anchord'; did you mean anchored\?"),
        ({"dist_in_seg": True, "res": 0.5}, r"res: 0.5 with dist_in_seg"),
    ],
)
def test_refusals_name_key_value_and_remedy(tmp_path, model, typed, message):
    """In one line, before any job starts."""
    product = "atl03" if model is Atl03 else "atl06sr"
    path = tmp_path / "g.yaml"
    path.write_text(f"title: t\nregion: svalbard\nperiod: [2019-01-01, 2020-01-01]\nproducts: {{{product}: {typed}}}\n")
    with pytest.raises(study.StudyError, match=message) as caught:
        study.load(path)
    assert "\n" not in str(caught.value) and f"products.{product}" in str(caught.value)


def test_ranges_are_those_of_the_engine():
    """Each end of each range is taken and refused by both."""
    ends = {
        "len": (1e6, 1e6 + 1),
        "res": (1e6, 2e6),
        "ats": (0, -1),
        "cnt": (10**9, 10**9 + 1),
        "maxi": (1000, 1001),
        "H_min_win": (0, 1e5),
        "sigma_r_max": (1e4, 0),
        "podppd": (255, 256),
    }
    for name, (inside, outside) in ends.items():
        FitParameters.of({name: inside})
        Atl06sr.model_validate({name: inside})
        with pytest.raises(ParameterError, match=name):
            FitParameters.of({name: outside})
        with pytest.raises(ValueError, match=name):
            Atl06sr.model_validate({name: outside})


def test_classes_bring_the_atl08_granules_along():
    """Of the same passes and release; not where no class is asked for, and a study's own wish stays."""
    asked = {"version": "006", "cycles": [3], "rgt": 548, "atl08_class": "atl08_ground"}
    made = study.Study.model_validate({**PLAIN, "products": {"atl06sr": asked}})
    assert list(made.products) == ["atl06sr", "atl08"]
    assert made.products["atl08"].version == "006" and made.chunks("atl08") == made.chunks("atl06sr") == ["cycle03"]
    again = {"atl06sr": asked, "atl08": {"version": "005"}}
    assert study.Study.model_validate({**PLAIN, "products": again}).products["atl08"].version == "005"
    plain = study.Study.model_validate({**PLAIN, "products": {"atl06sr": {"cycles": [3]}}})
    assert list(plain.products) == ["atl06sr"]
