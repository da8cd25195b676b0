"""Tables of fitted heights: the stretch that a figure shows."""

import numpy as np
import pandas as pd

from nunatak.photons import typical_stretch


def beam(name, spot, n, misfit):
    about = {"granule_id": "a", "beam": name, "spot": spot, "pflags": 0}
    return pd.DataFrame({**about, "segment_id": np.arange(n), "rms_misfit": misfit})


def test_the_stretch_is_of_the_fullest_strong_beam_where_the_misfit_is_typical():
    """
    Spot 3 is strong and has nine segments, spot 1 four.

    Spots 2 and 4 are weak. Runs of five begin at 0 to 4.
    """
    rising = 0.1 * np.arange(9.0)
    table = pd.concat(
        [beam("gt1l", 1, 4, 0.1), beam("gt1r", 2, 30, 0.1), beam("gt2l", 3, 9, rising), beam("gt2r", 4, 20, 0.1)]
    )
    found = typical_stretch(table, n=5)
    assert set(found["beam"]) == {"gt2l"} and found["segment_id"].tolist() == [2, 3, 4, 5, 6]
    weak = typical_stretch(table[table["spot"] % 2 == 0], n=5)
    assert set(weak["beam"]) == {"gt1r"} and len(weak) == 5
