"""Where a study's velocities come from: what each source can, refused in one line where it cannot."""

import pytest
import yaml

from nunatak import study
from nunatak.results import targets

GIVEN = {"title": "x", "region": {"bbox": [-101.0, -75.07, -100.75, -75.02]}, "period": ["2016-01-01", "2020-12-31"]}
BEHIND = {"velocity/cube.zarr", "velocity/layers"}


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"source": "datacubes", "ice": "region"}, "ice needs source: pairs, not datacubes; leave one of them out"),
        ({"source": "datacubes", "percent_valid_in_region": 5}, "percent_valid_in_region needs source: pairs"),
        ({"keep_cube": True}, "keep_cube needs source: datacubes, not pairs"),
    ],
)
def test_what_a_source_cannot_is_refused(settings, told):
    with pytest.raises(ValueError, match=told):
        study.StudyFile.model_validate({**GIVEN, "products": {"itslive": settings}})


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
