"""Crossovers: the definition, planes, planted offsets, stated errors, biases of passes, every real pair of tracks."""

import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from numpy.testing import assert_allclose
from tests.builders.tracks import pass_of

from nunatak.checks import tracks
from nunatak.compute.robust import nmad
from nunatak.elevation import (
    common_differences,
    crossovers,
    pass_biases,
    reference_crossovers,
    summarise,
    two_releases,
)
from nunatak.elevation.filters import keep
from nunatak.elevation.intersections import intersections, intersections_reference
from nunatak.parameters.tracks import PassAdjustment
from nunatak.products import atl06, atl11, atl11_crossings
from nunatak.runtime import NunatakError


def lines(rng, n_lines=8, n=30):
    """Wavy lines through one place: x, y, link and track; pairs of lines share a track."""
    parts = []
    for k in range(n_lines):
        s, angle = 20.0 * (np.arange(n) - n / 2), rng.uniform(0, 2 * np.pi)
        x0, y0 = rng.uniform(-200, 200, 2)
        parts.append(
            (x0 + s * np.cos(angle) + rng.normal(0, 2, n), y0 + s * np.sin(angle) + rng.normal(0, 2, n), k // 2)
        )
    x, y = np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
    link = np.ones(x.size - 1, dtype=bool)
    link[n - 1 :: n] = False
    return x, y, link, np.repeat([p[2] for p in parts], n)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("origin", [(0.0, 0.0), (1e6, -4e5)])
def test_kernel_finds_what_the_definition_finds(seed, origin):
    """Also far from the map's origin and with segments left out."""
    rng = np.random.default_rng(seed)
    x, y, link, track = lines(rng)
    link &= rng.random(link.size) > 0.1
    found = intersections(x + origin[0], y + origin[1], link, track)
    expected = intersections_reference(x, y, link, track)
    assert len(found[0]) == len(expected[0]) > 0
    for ours, theirs in zip(found, expected, strict=True):
        assert_allclose(ours, theirs, atol=1e-6)


def test_nothing_to_cross():
    assert not len(intersections(np.array([0.0, 1.0]), np.zeros(2), np.array([False]), np.zeros(2, int))[0])
    one = pass_of(10, 3, (0, 0), 0, 5.0)
    parallel = pass_of(20, 3, (0, 50), 0, 5.0)
    found = crossovers(pd.concat([one, parallel]))
    assert not len(found) and "dh" in found and len(summarise(found)) == 0 and len(pass_biases(found)) == 0


def cross(h_1=10.0, h_2=10.0, *, later="2020-01-03", heading=60, **columns):
    """Two passes of different tracks that cross near (2000, 10)."""
    along = pass_of(10, 3, (0, 10), 0, h_1, time="2020-01-01", **columns)
    across = pass_of(
        20,
        3,
        (2003 - 1000 * np.cos(np.deg2rad(heading)), 10 - 1000 * np.sin(np.deg2rad(heading))),
        heading,
        h_2,
        n=101,
        time=later,
        **columns,
    )
    return pd.concat([across, along], ignore_index=True)


def test_later_less_earlier_at_the_crossing():
    found = crossovers(cross(10.0, 9.0)).iloc[0]
    assert_allclose([found.dh, found.dt_days, found.x, found.y], [-1.0, 2.0, 2003.0, 10.0], atol=1e-6)
    assert (found.rgt_1, found.rgt_2) == (10, 20)
    swapped = crossovers(cross(10.0, 9.0, later="2019-12-01")).iloc[0]
    assert swapped.rgt_1 == 20 and swapped.dh == 1.0, "the earlier pass is the first, whatever its track"


def test_a_plane_crosses_itself_without_a_difference():
    """Interpolation along both tracks leaves nothing of a slope; the nearest segment would leave up to 0.5 m."""
    plane = lambda x, y: 100 + 0.05 * x - 0.03 * y  # noqa: E731
    assert_allclose(crossovers(cross(plane, plane)).dh, 0.0, atol=1e-9)


def test_interpolated_error_knows_of_shared_photons():
    """Midway between two heights of 0.1 m: 0.1 sqrt(1/2) when independent, 0.1 sqrt(3/4) when half is shared."""
    midway = pd.concat(
        [pass_of(10, 3, (0, 0), 0, 5.0, n=20, sigma=0.1), pass_of(20, 3, (90, -90), 90, 5.0, n=20, sigma=0.1)]
    )
    for correlation, factor in ((0.0, np.sqrt(1 / 2)), (0.5, np.sqrt(3 / 4))):
        found = crossovers(midway, correlation=correlation).iloc[0]
        assert_allclose([found.h_sigma_1, found.h_sigma_2], 0.1 * factor)
        assert_allclose(found.dh_sigma, np.sqrt(2 * (0.1 * factor) ** 2 + 2 * 0.03**2))


def test_what_a_pass_shares_comes_from_the_table_or_is_assumed():
    stated = crossovers(cross(sigma_systematic=0.2)).iloc[0]
    assert stated.h_sigma_systematic_1 == 0.2
    assert crossovers(cross(sigma_systematic=np.nan)).iloc[0].h_sigma_systematic_1 == 0.03
    assert crossovers(cross()).iloc[0].h_sigma_systematic_1 == 0.03


def test_each_pass_brings_the_release_of_its_granule():
    """Only the stretch of one track that is of the release before makes a crossover of two releases."""
    table = cross()
    of_granule = np.where((table.rgt == 10) & (table.x > 1900), "006", "007")
    found = crossovers(table.assign(release=of_granule))
    assert found[["release_1", "release_2"]].to_numpy().tolist() == [["006", "007"]]
    assert two_releases(found).tolist() == [True]
    assert pass_biases(found).n_other_release.tolist() == [1, 1]
    before = crossovers(table.assign(release=np.where((table.rgt == 10) & (table.x < 1900), "006", "007")))
    assert two_releases(before).tolist() == [False] and pass_biases(before).n_other_release.tolist() == [0, 0]
    assert not two_releases(crossovers(table.assign(release=np.where(table.rgt == 10, "", "007")))).any(), "not known"
    assert "release_1" not in crossovers(table) and "n_other_release" not in pass_biases(crossovers(table))


def test_long_gaps_are_not_bridged():
    table = cross()
    gap = (table.rgt == 10) & table.x.between(1900, 2100)
    assert len(crossovers(table[~gap])) == 0 and len(crossovers(table[~gap], max_gap=300.0)) == 1


def test_one_track_is_not_crossed_with_itself():
    table = cross()
    assert len(crossovers(table.assign(rgt=10))) == 0


def test_heights_without_a_usable_error_do_not_count():
    table = cross()
    table.loc[(table.rgt == 10) & table.x.between(1950, 2050), "h_li_sigma"] = np.nan
    assert len(crossovers(table)) == 0


def test_longitude_across_the_antimeridian_and_beside_the_pole():
    """Between 179.9999 and -179.9999 lies 180, not 0."""
    table = cross()
    table["longitude"] = np.where(table.x < 2003.001, 179.9999, -179.9999)
    assert abs(abs(crossovers(table).longitude.iloc[0]) - 180) < 1e-3


def test_missing_columns_are_named():
    with pytest.raises(NunatakError, match="the table has no x, y; read it"):
        crossovers(cross().drop(columns=["x", "y"]))


def network(rng, *, n_tracks=8, biases=None, sigma=0.05, spacing=500.0):
    """A net of tracks in two directions, one pass each, with biases of the passes and honest noise."""
    biases = np.zeros(2 * n_tracks) if biases is None else biases
    parts = []
    for k in range(2 * n_tracks):
        first = k < n_tracks
        place = (k % n_tracks) * spacing
        start, heading = ((0.0, place), 0.0) if first else ((place, -10.0), 90.0)
        for beam, shift in (("gt1l", 0.0), ("gt1r", 90.0), ("gt2l", 200.0)):
            halves = rng.standard_normal(221)
            noise = sigma * (halves[1:] + halves[:-1]) / np.sqrt(2)
            offset = (start[0] + shift * (not first) + 7, start[1] + shift * first + 3)
            parts.append(
                pass_of(
                    k + 1,
                    3,
                    offset,
                    heading,
                    biases[k] + 100 + noise,
                    n=220,
                    sigma=sigma,
                    beam=beam,
                    time=np.datetime64("2020-01-01") + k * 3,
                )
            )
    return pd.concat(parts, ignore_index=True)


def test_stated_errors_are_those_made():
    """NMAD(z) within 10 days is 0.9 to 1.1 over realisations of noise and biases; the bins hold what they say."""
    values = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        found = crossovers(network(rng, biases=0.03 * rng.standard_normal(16)))
        values.append(nmad(found.z))
        assert len(found) == 8 * 8 * 9
    # a realisation has 16 biases to show, so single ones scatter by more
    assert 0.9 < np.mean(values) < 1.1 and min(values) > 0.75 and max(values) < 1.25
    table = summarise(found)
    near = found[found.dt_days < 10]
    assert table.n.sum() == len(found) and table.n.iloc[0] == len(near)
    assert_allclose(table.nmad.iloc[0], nmad(near.dh))


def test_bins_of_time_hold_their_lower_edge_and_nothing_beyond_the_last():
    """
    Differences on the edge of two bins belong to the later bin.

    Those before the first edge, and those from the last edge on, are in no bin.
    """
    days = [-1.0, 0.0, 9.9, 10.0, 99.0, 100.0, 4000.0]
    table = pd.DataFrame({"dt_days": days, "dh": 1.0, "z": 0.5, "z_own": 0.5})
    found = summarise(table, edges=(0.0, 10.0, 100.0))
    assert found[["days_low", "days_high", "n"]].to_numpy().tolist() == [[0, 10, 2], [10, 100, 2]]
    assert_allclose(found.median_days, [4.95, 54.5])


def test_what_two_passes_share_is_kept_apart():
    """Biases of 0.3 m are ten times what passes are said to share: they are no error of single heights."""
    rng = np.random.default_rng(5)
    found = crossovers(network(rng, biases=0.3 * rng.standard_normal(16)))
    assert 0.9 < nmad(found.z_own) < 1.1 and nmad(found.z) > 3
    assert_allclose(found.dh_sigma**2, found.dh_sigma_own**2 + found.dh_sigma_common**2)
    net = network(rng)
    for segments, n in ((net, 9), (net[(net.rgt < 9) | (net.beam != "gt2l")], 6)):
        one = crossovers(segments).query("rgt_1 == 1 and rgt_2 == 9")
        assert len(one) == n
        assert_allclose(one.dh_common, [np.median(np.delete(one.dh.to_numpy(), k)) for k in range(n)])
    passes = common_differences(found, max_days=100)
    assert len(passes) == 64 and (passes.n == 9).all() and 7 < 1.4826 * passes.z.abs().median() < 14
    few = crossovers(cross())
    assert np.isnan(few.z_own).all() and not len(common_differences(few))


def test_checks_of_spread_have_two_sides():
    """Stated errors that are those made pass; three times as large or a third do not, nor do biases not stated."""
    rng = np.random.default_rng(9)
    found = crossovers(network(rng, biases=0.03 * rng.standard_normal(16)))
    near = found.assign(dt_days=1.0)
    for simulated in (True, False):
        assert tracks.crossover_spread("atl06", near, simulated=simulated).held
        assert tracks.crossover_common("atl06", near, simulated=simulated).held
    for factor in (1.8, 1 / 1.8):
        assert tracks.crossover_spread("atl06", near.assign(z_own=near.z_own * factor), simulated=True).failed
    for factor in (4.0, 0.25, 0.029):
        check = tracks.crossover_spread("atl06", near.assign(z_own=near.z_own * factor))
        assert check.failed and check.value > 3
    wide = near.assign(dh_sigma_common=near.dh_sigma_common * 20, dh_sigma_own=near.dh_sigma_own)
    assert tracks.crossover_common("atl06", wide).failed
    assert tracks.crossover_common("atl06", near.assign(dh=near.dh + 1.0)).failed, "a bias between passes"
    assert not tracks.crossover_common("atl06", near[near.rgt_1 == 1]).applies
    assert not tracks.crossover_spread("atl06", near[:5]).applies


def test_planted_biases_of_passes_are_found_within_3_cm():
    """Sixteen tracks with biases of decimetres, 12 realisations: within 3 cm in at least 95 % of the tracks."""
    hits, z = [], []
    for seed in range(12):
        rng = np.random.default_rng(100 + seed)
        biases = rng.normal(0, 0.2, 16)
        found = pass_biases(crossovers(network(rng, biases=biases)), options=PassAdjustment(max_days=100))
        error = found.bias - (biases - biases.mean())
        hits += list(np.abs(error) < 0.03)
        z += list(error / found.bias_sigma)
        assert set(found.part) == {0} and (found.n_crossovers == 8 * 9).all()
    assert np.mean(hits) >= 0.95
    assert np.abs(np.median(z)) < 1


def test_a_wild_crossover_moves_no_bias():
    rng = np.random.default_rng(1)
    table = crossovers(network(rng))
    table.loc[::40, "dh"] += 50.0
    assert pass_biases(table, options=PassAdjustment(max_days=100)).bias.abs().max() < 0.03


def test_biases_weigh_crossovers_by_their_own_errors():
    """
    Two crossovers of two passes, 0.0 m with an error of 1 and 0.9 m with one of 2, say 0.9 / 5 = 0.18 m.

    A third, of 100 m with an error of 1, lies off by more than three errors and pulls with three of them (Huber).
    """
    table = pd.concat([crossovers(cross(0.0, 0.0))] * 2, ignore_index=True)
    table["dh"], table["h_sigma_1"], table["h_sigma_2"] = [0.0, 0.9], [0.6, 1.2], [0.8, 1.6]
    wide = PassAdjustment(prior=1e3, iterations=60)
    assert_allclose(np.diff(pass_biases(table, options=wide).bias), 0.18, rtol=1e-4)
    wild = pd.concat([table, table.head(1).assign(dh=100.0)], ignore_index=True)
    # b + (b - 0.9) / 4 = 3
    assert_allclose(np.diff(pass_biases(wild, options=wide).bias), 3.225 / 1.25, rtol=1e-4)
    # errors of the passes themselves of 1 m: the normal matrix is [[2.25, -1.25], [-1.25, 2.25]]
    found = pass_biases(table, options=PassAdjustment(prior=1.0))
    assert_allclose(found.bias_sigma**2, 2.25 / (2.25**2 - 1.25**2))
    assert_allclose(found.bias, np.array([-1, 1]) * 0.225 / 3.5)


def test_parts_of_the_network_have_their_own_zero():
    near, far = cross(10.0, 10.2), cross(50.0, 49.0).assign(x=lambda t: t.x + 1e5)
    far["rgt"] += 100
    found = pass_biases(crossovers(pd.concat([near, far])), options=PassAdjustment(prior=100.0))
    assert list(found.part) == [0, 0, 1, 1]
    assert_allclose(found.bias, [-0.1, 0.1, 0.5, -0.5], atol=1e-4)


def points(h=500.0, cycles=(3, 4), **columns):
    n = 5
    rows = [
        pd.DataFrame(
            {
                "rgt": 548,
                "pair": "pt1",
                "ref_pt": 1000 + 3 * np.arange(n),
                "cycle": cycle,
                "x": 60.0 * np.arange(n),
                "y": 0.0,
                "latitude": 79.7,
                "longitude": 25.0,
                "h_corr": h,
                "h_corr_sigma": 0.02,
                "time": np.datetime64("2020-01-01", "ns") + np.timedelta64(91 * k, "D"),
                "h_corr_sigma_systematic": 0.03,
            }
        )
        for k, cycle in enumerate(cycles)
    ]
    return pd.concat(rows, ignore_index=True).assign(**columns)


def crossing(ref_pt=(1003, 1006), h=501.0, sigma=(0.05, 0.04), rgt=548, rgt_crossing=45):
    return pd.DataFrame(
        {
            "rgt": rgt,
            "pair": "pt1",
            "ref_pt": list(ref_pt),
            "rgt_crossing": rgt_crossing,
            "cycle": 3,
            "spot": 1,
            "time": np.datetime64("2020-01-05", "ns"),
            "latitude": 79.7,
            "longitude": 25.0,
            "h_corr": h,
            "h_corr_sigma": list(sigma),
            "h_corr_sigma_systematic": 0.03,
        }
    )


def test_reference_points_take_the_best_of_neighbouring_crossings():
    """Two points see one crossing: the one with the smaller error counts, with each cycle of the reference track."""
    found = reference_crossovers(points(), crossing())
    assert len(found) == 2 and (found.x == 120.0).all()
    np.testing.assert_array_equal(found.dh, [1.0, -1.0])  # the second reference pass is later than the crossing
    assert_allclose(found.dt_days, [4.0, 87.0])
    assert_allclose(found.dh_sigma, np.sqrt(0.02**2 + 0.04**2 + 2 * 0.03**2))


def test_a_crossing_in_two_files_counts_once():
    both = pd.concat([points(), points().assign(rgt=45)])
    crossings = pd.concat([crossing(), crossing(rgt=45, rgt_crossing=548)])
    assert set(reference_crossovers(both, crossings).rgt_1) | set(reference_crossovers(both, crossings).rgt_2) == {
        45,
        548,
    }
    assert len(reference_crossovers(both, crossings)) == 2


def test_no_common_point():
    assert len(reference_crossovers(points(), crossing(ref_pt=(2000, 2003)))) == 0
    assert len(reference_crossovers(points(h=np.nan), crossing())) == 0


def real_segments(data):
    parts = []
    for path in sorted(data("real/ATL06").glob("*.h5")):
        table, _ = atl06.read_segments(path, optional=["sigma_geo_h"])
        parts.append(table.assign(granule=path.name))
    return pd.concat(parts, ignore_index=True)


def test_every_real_pair_of_tracks_that_cross(data):
    """Each crossing lies between its four segments, has a difference, and is found by the definition too."""
    table = real_segments(data)
    n_pairs = n_found = 0
    for north in (True, False):
        part = table[(table.latitude > 0) == north]
        to_map = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:3413" if north else "EPSG:3031", always_xy=True)
        x, y = to_map.transform(part.longitude.to_numpy(), part.latitude.to_numpy())
        part = part.assign(x=x, y=y)
        # releases 001 and 003 of one granule are the same pass
        part = part[~part.granule.str.contains("02350102_001")]
        heights = part[keep(part, "none")]
        found = crossovers(heights)
        n_found += len(found)
        for (one, two), rows in found.groupby(["rgt_1", "rgt_2"]):
            n_pairs += 1
            assert np.isfinite(rows.dh).all() and (rows.dt_days >= 0).all() and one != two
            assert np.abs(rows.dh).median() < 60, "flagged heights included, the same ground is within clouds of itself"
        best = crossovers(part[keep(part, "standard")])
        assert len(best) == (2 if north else 0)
        # 58 days of summer at 1275 m; by sigma_geo_h, taken for an error of each height or of the pass, |z| is below 1
        assert_allclose(best.z, [-3.07, -5.82][: len(best)], atol=0.01)
        pairs = {tuple(sorted(p)) for p in found[["rgt_1", "rgt_2"]].itertuples(index=False)}
        assert pairs == pairs_by_shapely(heights)
    assert n_pairs >= 1 and n_found >= 3


@pytest.mark.parametrize(
    ("name", "n", "spread"),
    [("20190222031203_08500210_001_01", 8304, 1.55), ("20190613065109_11610303_002_01", 4244, 1.63)],
)
def test_real_heights_differ_by_their_stated_errors(data, name, n, spread):
    """
    Ice sheets: every other segment crosses those between, 40 m apart and without a photon in common.

    What is left is the error of single heights and the roughness of the ground. With sigma_geo_h as an error of each
    height or of each pass the spread is 0.03 to 0.08, many times too small.
    """
    table, _ = atl06.read_segments(data(f"real/ATL06/processed_ATL06_{name}.h5"), optional=["sigma_geo_h"])
    table = table[keep(table, "standard")]
    side = np.where(table.segment_id % 8 == 2, 10.0, np.where(table.segment_id % 8 == 6, -10.0, 0.0))
    beam = table.beam.astype("category").cat.codes
    table = table.assign(x=20.0 * table.segment_id, y=1000.0 * beam + side, rgt=table.rgt + 2000 * (side != 0))
    table = table[table.segment_id % 2 == 0]
    found = crossovers(table, correlation=0.0)
    assert len(found) == n and 0.6 < nmad(found.z) < 0.9
    assert_allclose(nmad(found.z_own), spread, atol=0.01)
    assert tracks.crossover_spread("atl06", found).held
    single = table.assign(h_li_sigma=np.hypot(table.h_li_sigma, table.sigma_geo_h))
    assert tracks.crossover_spread("atl06", crossovers(single, correlation=0.0)).failed
    assert nmad(crossovers(table.assign(sigma_systematic=table.sigma_geo_h), correlation=0.0).z) < 0.1


def pairs_by_shapely(heights):
    """Pairs of tracks whose lines meet, found without our intersection: GEOS on lines broken at gaps over 100 m."""
    lines = {}
    for rgt, part in heights.sort_values(["rgt", "cycle", "beam", "segment_id"]).groupby("rgt"):
        run = part.groupby(["cycle", "beam"], observed=True).ngroup().to_numpy()
        breaks = np.flatnonzero((np.diff(run) != 0) | (np.diff(part.segment_id.to_numpy()) > 5)) + 1
        pieces = [p for p in np.split(part[["x", "y"]].to_numpy(), breaks) if len(p) > 1]
        lines[rgt] = shapely.MultiLineString(pieces)
    return {(a, b) for a in lines for b in lines if a < b and shapely.intersects(lines[a], lines[b])}


def test_real_crossings_of_atl11(data):
    """Iceland: within ten days the median difference is centimetres, though the ground is rough and mostly bare."""
    path = data("real/ATL11/processed_ATL11_135803_0311_004_01.h5")
    heights, _ = atl11.read_heights(path)
    crossings, _ = atl11_crossings.read_crossings(path)
    to_map = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:3413", always_xy=True)
    heights["x"], heights["y"] = to_map.transform(heights.longitude.to_numpy(), heights.latitude.to_numpy())
    found = reference_crossovers(heights, crossings)
    near = summarise(found, edges=(0.0, 60.0, 4000.0)).iloc[0]
    assert set(found.rgt_1) | set(found.rgt_2) == {1358, *crossings.rgt_crossing.unique()}
    assert near.n > 20 and abs(near["median"]) < 0.3
