"""Names of variables: those of the recorded lists, however a user writes them, and what the readers' layouts hold."""

from __future__ import annotations

import json

import pytest

from nunatak.granules import variables
from nunatak.products import atl06, atl11
from nunatak.runtime import NunatakError

# a recorded list also names axes of other lengths and datasets of histograms, and repeats a segment's position
_OTHER = {
    "atl07": {"ds_si_hist_bins", "ds_yapc_hist_bins", "hist_photon_heights"},
    "atl11": {
        "x_atc",
        "y_atc",
        "geoid_free2mean",
        "misfit_RMS",
        "poly_coeffs",
        "poly_coeffs_sigma",
        "poly_exponent_x",
        "poly_exponent_y",
    },
}


@pytest.mark.parametrize(
    ("product", "beam"), [("atl06", "gt1l"), ("atl07", "gt1l"), ("atl10", "gt1l"), ("atl11", "pt1")]
)
def test_every_recorded_variable_is_known_where_it_lies(data, product, beam):
    """Each dataset of the segments is known, and its first path is where the list has it."""
    recorded = json.loads(data("recorded/products/is2variables.json").read_text())[product.upper()]
    root = "/".join(part for part in (beam, variables.ROOTS[product][0]) if part) + "/"
    for path in (name.removeprefix(f"{beam}/") for name in recorded if name.startswith(root)):
        name = path.rpartition("/")[2]
        repeated = name in ("delta_time", "latitude", "longitude") and path != variables.paths(product, name)[0]
        if name in _OTHER.get(product, ()) or path.startswith("crossing_track_data/") or repeated:
            continue
        assert path in variables.paths(product, name)


@pytest.mark.parametrize(("reader", "product"), [(atl06, "atl06"), (atl11, "atl11")])
def test_a_layout_and_the_names_are_the_same(reader, product):
    """What a study may ask for is what the reader reads; the pairs' axis of cycles is read by itself."""
    assert set(reader.LAYOUT) == set(variables.names(product)) - {"cycle_number"}


@pytest.mark.parametrize(
    ("product", "written", "name"),
    [
        ("atl06", "dem_h", "dem_h"),
        ("atl06", "/dem/dem_h", "dem_h"),
        ("atl06", "gtx/land_ice_segments/dem/dem_h", "dem_h"),
        ("atl07", "sea_ice_segments/stats/ice_conc_amsr2", "ice_conc_amsr2"),
        ("atl10", "freeboard_beam_segment/height_segments/ice_conc", "ice_conc"),
        ("atl11", "cycle_stats/dac", "dac"),
        ("atl06", "fit_statistics/of_a_release_to_come", "fit_statistics/of_a_release_to_come"),
    ],
)
def test_names_as_users_write_them(product, written, name):
    """A name, a path with and without the group of segments, with a leading slash, and one of a later release."""
    assert variables.canonical(product, written) == name


@pytest.mark.parametrize(
    ("product", "written", "release", "text"),
    [
        ("atl06", "gt1l/land_ice_segments/dem/dem_h", None, "one beam, gt1l; write 'land_ice_segments/dem/dem_h'"),
        ("atl11", "/pt2/h_corr", None, "one beam, pt2; write 'h_corr'"),
        ("atl06", "dem/dh_fit_dx", None, "did you mean fit_statistics/dh_fit_dx"),
        ("atl06", "fit_statistics/h_robust_spread", None, "did you mean fit_statistics/h_robust_sprd"),
        ("atl06", "segment_quality/anything", None, "a path into one of its groups \\(bias_correction, dem"),
        ("atl10", "beam_fb_sigma", "006", "ATL10 of release 006 has no beam_fb_sigma; it has beam_fb_unc"),
        ("atl07", "ice_conc_amsr2", "005", "ATL07 of release 005 has no ice_conc_amsr2; it has ice_conc"),
    ],
)
def test_names_that_are_refused(product, written, release, text):
    """Paths of one beam, misspelt names and those of other releases, with what to write."""
    with pytest.raises(NunatakError, match=text):
        variables.canonical(product, written, release)
