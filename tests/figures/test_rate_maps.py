"""Maps of rates say which points they show and how their rates were fitted."""

import numpy as np
import pytest

from nunatak import figures
from nunatak.figures import track_maps


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (None, "Rate of height change of ATL11 reference points: weighted least squares of h_corr on time, 9 points."),
        (
            ("regular centres", "a surface fitted"),
            "Rate of height change of regular centres: a surface fitted, 9 points.",
        ),
    ],
)
def test_a_map_of_rates_says_what_its_points_are(how, words):
    x, y = (values.ravel() * 1000.0 for values in np.mgrid[1000:1003, -402:-399])
    with figures.use(figures.preset("screen")) as look:
        drawn = track_maps.dhdt_points(
            look, title="rates", x=x, y=y, dhdt=np.linspace(-1.0, 1.0, 9), crs="EPSG:3413", how=how
        )
    assert drawn.caption.startswith(words)
    assert drawn.numbers["flagged"] == 0 and drawn.numbers["dhdt_m_per_yr"]["count"] == 9
