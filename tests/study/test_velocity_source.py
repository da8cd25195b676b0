"""Where a study's velocities come from: what each source can, refused in one line where it cannot."""

import pytest
import yaml

from nunatak import study
from nunatak.results import targets

GIVEN = {"title": "x", "region": {"bbox": [-101.0, -75.07, -100.75, -75.02]}, "period": ["2016-01-01", "2020-12-31"]}
POINT = {"a": [-100.9, -75.05]}
BEHIND = {"velocity/cube.zarr", "velocity/layers"}


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"source": "datacubes", "ice": "region"}, "ice needs source: pairs, not datacubes; leave one of them out"),
        ({"source": "datacubes", "percent_valid_in_region": 5}, "percent_valid_in_region needs source: pairs"),
        ({"keep_cube": True}, "keep_cube needs source: datacubes, not pairs"),
        ({"source": "mosaics", "crs": "EPSG:3031", "cell": 240}, "crs needs source: pairs or datacubes, not mosaics"),
    ],
)
def test_what_a_source_cannot_is_refused(settings, told):
    with pytest.raises(ValueError, match=told):
        study.StudyFile.model_validate({**GIVEN, "products": {"itslive": settings}})


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"invert": {}}, "invert needs single pairs, and products.itslive.source is mosaics"),
        ({"composite": {"method": "median"}}, "composite.method: median needs single pairs"),
        ({"composite": {"year_start": 9}}, "composite.year_start: 9 needs single pairs"),
        ({"composite": {"image_sigma": 2}}, "composite.image_sigma: 2 needs single pairs"),
    ],
)
def test_what_annual_mosaics_cannot_give_is_refused(asked, told):
    with pytest.raises(ValueError, match=told):
        study.StudyFile.model_validate({**GIVEN, "products": {"itslive": {"source": "mosaics"}}, **asked})


@pytest.mark.parametrize(
    ("settings", "asked", "told"),
    [
        ({"source": "pairs"}, {"points": POINT}, "cells: points needs source: datacubes, not pairs"),
        ({}, {}, "points reads around points and gates; add points"),
        ({}, {"points": POINT, "flowlines": {"m": {"start": [-100.9, -75.05]}}}, "flowlines needs the whole map"),
    ],
)
def test_what_cells_at_points_cannot_give_is_refused(settings, asked, told):
    products = {"itslive": {"source": "datacubes", "cells": "points", **settings}}
    with pytest.raises(ValueError, match=told):
        study.StudyFile.model_validate({**GIVEN, "products": products, **asked})


def made_by(folder, settings):
    """The study with these settings of its pairs, and what it makes of velocity."""
    path = folder / "here.yaml"
    path.write_text(yaml.safe_dump({**GIVEN, "products": {"itslive": settings}}))
    loaded = study.load(path)
    return loaded, {name for name in targets.everything(loaded) if name.startswith("velocity/")}


@pytest.mark.parametrize(
    ("settings", "chunks", "kept"),
    [
        ({}, ["2016", "2017", "2018", "2019", "2020"], {"velocity/cube.zarr"}),
        ({"source": "datacubes"}, ["all"], {"velocity/layers"}),
        ({"source": "datacubes", "keep_cube": True}, ["all"], BEHIND),
    ],
)
def test_a_source_has_its_own_chunks_and_the_same_results(tmp_path, settings, chunks, kept):
    """
    Pairs fall into years, cubes hold all of them.

    The results are the same but for the layers behind them.
    """
    loaded, made = made_by(tmp_path, settings)
    assert loaded.chunks("itslive") == chunks
    assert made & BEHIND == kept and made - BEHIND == made_by(tmp_path, {})[1] - BEHIND


def test_mosaics_make_the_same_results_but_those_of_single_pairs(tmp_path):
    loaded, made = made_by(tmp_path, {"source": "mosaics"})
    assert loaded.chunks("itslive") == ["all"] and not made & BEHIND
    assert made_by(tmp_path, {})[1] - made == {"velocity/cube.zarr", "velocity/speeds.csv"}
    drawn = set(loaded.figure_names)
    assert not drawn & {"pairs_summary", "pair_timeline", "speed_histogram", "seasonal_amplitude_phase"}
    assert {"granules_per_year", "pair", "speed_map", "strain"} <= drawn


def test_a_source_that_is_typed_is_that_of_studies_with_velocities(tmp_path):
    """Products on the command line change those of a study and add none."""
    typed = {"products": {"itslive": {"source": "mosaics"}}}
    path = tmp_path / "here.yaml"
    path.write_text(yaml.safe_dump({**GIVEN, "products": {"itslive": {"max_per_year": 3}}}))
    loaded = study.load(path, overrides=typed)
    assert loaded.products.itslive.source == "mosaics" and loaded.products.itslive.max_per_year == 3
    path.write_text(yaml.safe_dump({**GIVEN, "products": {"atl14": {}}}))
    assert list(study.load(path, overrides=typed).products) == ["atl14"]
