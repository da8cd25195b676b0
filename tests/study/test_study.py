"""Studies as models: the shipped ones, their schema and reference, and what follows from their keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import jsonschema
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.builders.studies import PLAIN

from nunatak import granules, gridding, study
from nunatak.geometry.region import Region
from nunatak.gridding import timebins
from nunatak.results import targets
from nunatak.results.figures import FIGURES, row_of
from nunatak.results.table import RESULTS
from nunatak.study import StudyError, reference, sections
from nunatak.times import SAFE_HOLDS

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = sorted((ROOT / "config" / "studies").glob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
@pytest.mark.parametrize("size", ["full", "tiny"])
def test_every_shipped_study_is_sound_in_both_sizes(path, size):
    """It loads, every product has chunks, and its plain values make the same study again."""
    loaded = study.load(path, overrides={"size": size})
    assert isinstance(loaded.region, Region)
    assert all(loaded.chunks(product) for product in loaded.products)
    plain = json.loads(json.dumps(loaded.model_dump(mode="json")))
    assert study.Study.model_validate(plain).model_dump(mode="json") == plain


def test_the_shipped_studies_are_those_of_the_design():
    """Austfonna, Pine Island, the Ross Sea, and the real repeat pair of Steenstrup."""
    loaded = {path.stem: study.load(path) for path in SHIPPED}
    assert set(loaded) == {"austfonna", "austfonna_surge", "pine_island", "ross_sea", "ross_sea_year", "steenstrup"}
    assert loaded["austfonna"].chunks("atl06") == ["cycle03", "cycle07", "cycle11", "cycle15"]
    assert loaded["austfonna"].chunks("atl15") == loaded["austfonna"].chunks("atl14") == ["all"]
    assert loaded["ross_sea"].chunks("atl10") == ["2019-09"]
    assert loaded["ross_sea"].region.crosses_antimeridian
    assert len(loaded["ross_sea_year"].chunks("atl10")) == 12
    assert loaded["pine_island"].chunks("itslive")[::40] == ["1984", "2024"]
    assert loaded["pine_island"].altimetry_region.bounds == (-108.0, -77.5, -89.0, -73.5)
    assert loaded["steenstrup"].chunks("atl06") == ["cycle05", "cycle13"]
    assert loaded["steenstrup"].figure_names == ("extent", "repeat_pair")
    assert loaded["austfonna"].regions["surge_basin"].area_km2 < loaded["austfonna"].region.area_km2 / 20


def test_schema_and_reference_are_those_of_the_models():
    """Both files are what `python -m nunatak.study` writes today."""
    assert json.loads((ROOT / reference.SCHEMA).read_text("utf-8")) == reference.schema()
    assert (ROOT / reference.REFERENCE).read_text("utf-8") == reference.table()


def test_every_key_is_described():
    """No key without a meaning in the table; every length, time and density with its unit."""
    rows = [row.split(" | ") for row in reference.table().splitlines() if row.startswith("| `")]
    assert len(rows) > 100
    assert all(row[1].strip() for row in rows)
    units = {row[0].strip("| `"): row[2].strip() for row in rows}
    assert (units["products.atl06sr.len"], units["mass.density"], units["region.tolerance"]) == ("m", "kg m-3", "m")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_schema_takes_the_shipped_studies_and_refuses_a_typo(path):
    """What editors check with agrees with what the models take."""
    given = json.loads(json.dumps(study.yaml_files.read_yaml(path), default=str))
    validator = jsonschema.Draft202012Validator(reference.schema())
    validator.validate(given)
    assert not validator.is_valid({**given, "regon": 1})
    assert not validator.is_valid({**given, "products": {"atl06": {"rgt": [1388]}}})


@given(st.integers(0, 5900))
def test_no_granule_of_the_period_is_without_a_chunk(day):
    """A granule whose cycle began up to a week early or late still has a chunk, whatever the day."""
    moment = np.datetime64("2018-10-14") + day
    assume(not any(first <= moment < last for first, last in SAFE_HOLDS))  # refused: no granule exists
    made = study.Study.model_validate(
        {
            **PLAIN,
            "name": "g",
            "path": "g.yaml",
            "label": "g",
            "products": {"atl06": {"splits": 3}, "atl10": {}},
            "period": [str(moment), str(moment)],
        }
    )
    stamp = str(moment).replace("-", "") + "120000"
    for shift in (-7, 7):
        cycle = int(nominal_cycle(moment + shift))
        track = granules.parse(f"ATL06_{stamp}_0548{cycle:02d}04_006_01.h5")
        assert made.chunk_of("atl06", track) in made.chunks("atl06")
    ice = granules.parse(f"ATL10-01_{stamp}_05480301_006_01.h5")
    assert made.chunk_of("atl10", ice) == str(moment)[:7]


def nominal_cycle(moment):
    """The cycle of a nominal calendar in which cycle 3 began on 29 March 2019 and each lasts 90.8 days."""
    return max(3 + (moment - np.datetime64("2019-03-29")).astype(int) // 90.8, 1)


def test_splitting_a_bucket_changes_names_and_nothing_else(made):
    """Each share of each bucket is named; an unasked cycle has no chunk."""
    whole, split = (made({"products.atl06": {"cycles": [3, 4], "splits": n}}) for n in (1, 2))
    assert whole.chunks("atl06") == ["cycle03", "cycle04"]
    assert split.chunks("atl06") == ["cycle03-1of2", "cycle03-2of2", "cycle04-1of2", "cycle04-2of2"]
    assert split.chunk_of("atl06", granules.parse("ATL06_20190504033705_05480304_007_01.h5")).startswith("cycle03-")
    assert split.chunk_of("atl06", granules.parse("ATL06_20200504033705_05480704_007_01.h5")) is None


def test_products_are_used_like_a_dictionary(made):
    """Names of those asked for, in one order; a product named without settings has its defaults."""
    products = made({"products.atl06": {}, "products.atl14": {}}).products
    assert list(products) == ["atl15", "atl14", "atl06"] and len(products) == 3
    assert "atl03" not in products and products["atl06"].filter == "standard"
    with pytest.raises(KeyError):
        products["atl03"]


def test_figures_follow_from_what_is_asked(made):
    """Each possible figure appears with what it needs, and a choice replaces them all."""
    drawn = made().figure_names
    assert drawn[:3] == ("extent", "height_change_region", "height_change_series")
    more = {
        "focus": {"crs": "EPSG:3413", "xlim": [1.0e6, 1.1e6], "ylim": [-4.5e5, -3.5e5]},
        "products.atl14": {},
        "products.atl06": {"cycles": [3, 7]},
        "transects": {"across": {"lonlat": [[23, 79.75], [26.5, 79.75]]}},
    }
    possible = {"height_change_focus", "change_by_elevation", "transect_across", "repeat_pair"}
    assert not possible & set(drawn) and possible <= set(made(more).figure_names)
    assert all(RESULTS[row_of(name).inputs[0]].made(made()) for name in drawn)
    assert made({**more, "figures.names": ["transect_across"]}).figure_names == ("transect_across",)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_figure_is_listed_with_what_it_shows(path):
    """All that can be drawn, each once, those of the study first; and the rules know what each is drawn from."""
    loaded = study.load(path)
    drawn, others = "\n".join(targets.figure_listing(loaded)).split("\nothers", 1)
    named = [line.split()[0] for line in drawn.splitlines()[1:]]
    assert tuple(named) == loaded.figure_names
    assert all(len(line.split(maxsplit=1)[1]) > 10 for line in drawn.splitlines()[1:])
    rest = {line.split()[0] for line in others.splitlines()[1:]}
    kinds = {row_of(name).listed for name in named}
    assert kinds | rest == {row.listed for row in FIGURES.values()} and not kinds & rest


def test_the_shipped_settings_are_sound():
    """config/config.yaml holds known keys only."""
    assert study.Settings.model_validate(study.load_settings(ROOT / "config" / "config.yaml")).results == "results"


@pytest.mark.parametrize(
    ("period", "first"),
    [(["2019-06-28", "2019-07-05"], "2019-06-27"), (["2022-04-04T15:00", "2022-04-15"], "2022-04-04T14:12:00")],
)
def test_a_period_within_a_safe_hold_has_no_granule(made, period, first):
    """Said when the study is read, for products of single passes alone."""
    said = f"period: ICESat-2 was in safe hold from {first} to .* no granule of atl06 exists for .*; widen the period"
    with pytest.raises(StudyError, match=said):
        made({"period": period, "products.atl06": {}})
    assert made({"period": period}).period.end
    assert made({"period": [period[0], "2022-06-01"], "products.atl06": {}}).products.atl06


def test_the_study_knows_the_names_of_gridding():
    """Parsing must not import gridding, so its names of bins and presets stand twice."""
    for ours, theirs in (
        (get_args(sections.GridPreset), gridding.PRESETS),
        ([name.replace("period", "all") for name in get_args(sections.Bin)], timebins.KINDS),
    ):
        assert set(ours) == set(theirs)


def test_freeboard_gets_a_histogram_when_a_statistic_needs_one(made):
    """Median, mode and percentiles need levels; counts and means do not."""
    width = {
        names: sections.Freeboard(statistics=names.split()).histogram_width for names in ("mean std", "p05", "mean mad")
    }
    assert width == {"mean std": 0.0, "p05": 0.01, "mean mad": 0.01}
    assert sections.Freeboard(bins=["month", "day"], level_width=0.02).bins == ("day", "month")
    assert sections.Freeboard(level_width=0.02).histogram_width == 0.02


def test_paths_of_variables_become_names(made):
    """A leading slash and the group of segments say nothing more."""
    products = {
        "atl06": {"variables": ["/land_ice_segments/dem/dem_h", "h_li", "dem_h"]},
        "atl10": {"version": "005", "limits": {"height_segments/ice_conc": [50, None]}},
    }
    products["atl06sr"] = {
        "atl03_geo_fields": ["/geolocation/solar_elevation"],
        "atl08_fields": ["terrain/h_te_median"],
    }
    asked = made({"products": products})
    assert asked.products["atl06sr"].atl03_geo_fields == ("solar_elevation",)
    assert asked.products["atl06sr"].atl08_fields == ("h_te_median",)
    assert asked.products["atl06"].variables == ("dem_h", "h_li")
    assert asked.products["atl10"].limits == {"ice_conc": (50, None)}
