"""From simulated granules to tracks, rates, crossovers and agreement, script by script."""

import numpy as np
import pytest

import adjust_passes
import compare_products
import find_crossovers
import fit_rates
import fit_surface_rates
import map_heights
import query_granules
import subset_points
from nunatak import figures
from nunatak.checks import releases, together
from nunatak.checks import tracks as checks
from nunatak.files.tables import read_csv, read_table, write_table
from nunatak.geometry import region
from nunatak.geometry.outlines import read_outlines, write_outlines
from nunatak.granules import datums
from nunatak.parameters.tracks import PassAdjustment, SurfaceFit
from nunatak.products.atl11_crossings import no_crossings
from nunatak.reports import files, tracks
from nunatak.results import reading
from nunatak.simulation import world, write_product
from nunatak.study import Period, load
from nunatak.study.base import StudyError
from nunatak.study.parts import product_settings, typed

STUDY = "config/studies/austfonna.yaml"
PERIOD = typed(Period, ["2019-01-01", "2021-12-31"])
FOCUS = {"crs": "EPSG:3413", "xlim": [1.0e6, 1.1e6], "ylim": [-4.5e5, -3.5e5]}


def test_points_keep_what_the_product_says(track_results):
    """Rows with a position on the map, the track's names, and where they come from; no row outside the region."""
    table = read_table(track_results["points"]["atl11"])
    assert {"granule_id", "pair", "rgt", "cycle", "ref_pt", "x", "y", "tide_ocean", "dac"} <= set(table)
    assert table.latitude.between(79.5, 80).all() and set(table.rgt) == {526, 548}
    assert table.attrs["attributes"]["nunatak_source"] == "SIMULATED" and table.attrs["units"]["h_corr"] == "m"
    assert {"sigma_geo_h", "dh_fit_dx"} <= set(read_table(track_results["points"]["atl06"]))


def test_tracks_over_the_focus(track_results):
    """Two tracks, three pairs each, one of them ascending; ATL06 on the one of them; the nearest first."""
    table = read_csv(track_results["tracks.csv"])
    pairs = table[table["product"] == "atl11"]
    assert sorted(zip(pairs.rgt, pairs.beam, strict=True)) == [(r, f"pt{k}") for r in (526, 548) for k in (1, 2, 3)]
    assert set(pairs[pairs.rgt == 548].direction) == {"ascending"}
    assert set(pairs[pairs.rgt == 526].direction) == {"descending"}
    assert set(table[table["product"] == "atl06"].rgt) == {548}
    assert pairs.nearest.is_monotonic_increasing and pairs.nearest.iloc[0] < 5000


def test_the_track_of_the_figures_is_one_that_both_saw(track_results):
    track = read_table(track_results["track.parquet"])
    assert set(track["product"]) == {"atl06", "atl11"} and set(track.rgt) == {548}
    pair = track[track["product"] == "atl11"].beam.unique()
    assert len(pair) == 1 and {b[2] for b in track[track["product"] == "atl06"].beam.unique()} == {pair[0][2]}


def test_rates_are_those_of_the_truth(track_results):
    rates = read_table(track_results["rates.parquet"])
    glacier = world("austfonna", "tiny").truth
    found = checks.rates_against_truth(rates, glacier, rates.x.to_numpy(), rates.y.to_numpy())
    assert len(found) == 3 and all(c.held for c in [*found, checks.rates_found(rates)]), found
    mapped = reading.read_map(track_results["rates_map.nc"])
    assert (mapped.x.values % 1000 == 0).all() and float(mapped.dhdt.min()) < -2


def test_passes_and_rates_are_in_line_and_one_bad_pass_is_not(track_results, track_study, tmp_path):
    """Every height has its pass in the report; cycle 7 of a track 30 m too high is left out and fails its check."""
    report = read_csv(track_results["report.csv"])
    points = read_table(track_results["points"]["atl11"])
    assert (
        checks.passes_in_line(report).held
        and checks.rates_flagged(read_table(track_results["rates.parquet"]), simulated=True).held
    )
    assert report["n_heights"].sum() <= len(points) and report["n_left_out"].sum() < 50
    bad = (points.rgt == 548) & (points.cycle == 7)
    write_table(
        points.assign(h_corr=points.h_corr + 30.0 * bad),
        tmp_path / "points.parquet",
        attributes=points.attrs["attributes"],
        points=True,
    )
    out = [tmp_path / name for name in ("rates.parquet", "rates_map.nc", "report.csv")]
    settings = {**track_study["products"]["atl11"], "min_cycles": 3, "min_years": 1.0, "annual": False}
    fit_rates.main(
        [tmp_path / "points.parquet"],
        track_results["regions"],
        *out,
        settings=product_settings("atl11", settings),
        study="test",
    )
    check = checks.passes_in_line(read_csv(out[2]))
    assert check.failed and "RGT 0548 cycle 07 by 30" in check.text
    before, after = (
        read_table(path).query("rgt == 548")["dhdt"].median() for path in (track_results["rates.parquet"], out[0])
    )
    assert abs(after - before) < 0.05
    said = tracks.outlier_sentence(read_csv(out[2]))
    assert "RGT 0548 cycle 07 (30" in said and "fitted without 1 pass of them" in said


def test_heights_above_the_geoid_change_alike_and_differ_as_before(track_results, track_study, tmp_path):
    """ATL06 and ATL11 less the products' own geoid_h; crossovers and agreement are those above the ellipsoid."""
    points, settings = {}, {}
    for product, height in (("atl06", "h_li"), ("atl11", "h_corr")):
        settings[product] = product_settings(product, {**track_study["products"][product], "datum": "EGM08"})
        points[product] = tmp_path / f"{product}.parquet"
        subset_points.main(
            track_results["points"][product].with_name(f"{product}_ledger.parquet"),
            track_results["regions"],
            points[product],
            tmp_path / f"{product}_read.parquet",
            product=product,
            settings=settings[product],
            period=PERIOD,
            study="test",
            crs="EPSG:3413",
        )
        before, after = read_table(track_results["points"][product]), read_table(points[product])
        known = np.isfinite(after[height])
        assert known.sum() == np.isfinite(before[height]).sum() and after["geoid_h"].abs().min() > 10
        np.testing.assert_allclose((before[height] - after[height])[known], after["geoid_h"][known], atol=1e-3)
        assert after.attrs["attributes"]["height_datum"] == "EGM2008 geoid"
        assert before.attrs["attributes"]["height_datum"] == "WGS84 ellipsoid"
    heights, segments, out = [points["atl11"]], [points["atl06"]], tmp_path / "crossovers.parquet"
    find_crossovers.main(
        [tmp_path / "atl11_read.parquet"],
        heights,
        segments,
        track_results["regions"],
        out,
        settings=settings,
        period=PERIOD,
        study="test",
    )
    before, after = read_table(track_results["crossovers.parquet"]), read_table(out)
    assert len(before) == len(after) and not np.allclose(before["h_1"], after["h_1"])
    np.testing.assert_allclose(after["dh"], before["dh"], atol=2e-3)
    compare_products.main(
        {"heights": heights, "segments": segments},
        tmp_path / "agreement.csv",
        tmp_path / "filters.csv",
        settings=settings,
        study="test",
    )
    assert checks.agreement(read_csv(tmp_path / "agreement.csv")).held


def test_crossovers_and_agreement_hold(track_results):
    crossovers = read_table(track_results["crossovers.parquet"])
    own = crossovers[crossovers["product"] == "atl11"]
    assert len(own) > 100 and checks.crossover_spread("atl11", own).held
    assert checks.crossover_spread("atl11", own, simulated=True).held
    assert not checks.crossover_spread("atl11", own[:5]).applies
    # what ATL06 states of geolocation, here 0.17 m and more, is no error of its crossovers
    segments = read_table(track_results["points"]["atl06"])
    assert segments["sigma_geo_h"].min() >= 0.17 and (crossovers["dh_sigma_common"] < 0.05).all()
    agreement = read_csv(track_results["agreement.csv"])
    assert checks.agreement(agreement).held and checks.agreement(agreement).applies
    moved = agreement.assign(median=0.2)
    assert checks.agreement(moved).failed
    counts = read_csv(track_results["filters.csv"])
    strict = counts[counts["filter"] == "strict"]
    assert strict.n_before.iloc[0] == len(read_table(track_results["points"]["atl06"]))
    np.testing.assert_array_equal(strict.n_after.iloc[:-1], strict.n_before.iloc[1:])


def test_crossovers_and_agreement_say_whether_releases_are_mixed(track_results):
    """One release in all here; with a track of the release before, its crossovers with the others are counted."""
    crossovers, agreement = read_table(track_results["crossovers.parquet"]), read_csv(track_results["agreement.csv"])
    assert releases.of_crossovers("atl11", crossovers).value == 0
    assert releases.of_crossovers("atl06", crossovers).value == 0
    about = agreement.attrs["attributes"]
    assert about["release_of_atl06"] == about["release_of_atl11"] == about["release"] == "007"
    assert not releases.of_places("both", agreement, 1).applies, "simulated"
    assert set(crossovers["release_1"]) == set(crossovers["release_2"]) == {"007"}
    points = read_table(track_results["points"]["atl11"])
    own = crossovers[crossovers["rgt_1"].isin(points["rgt"]) & crossovers["rgt_2"].isin(points["rgt"])]
    track = own["rgt_1"].iloc[0]
    names = points["granule_id"].astype(str)
    points["granule_id"] = names.where(points["rgt"] != track, names.str.replace("_007_", "_006_"))
    own = find_crossovers.of_points(datums.with_release(points), no_crossings(), best=True)
    crossing = (own["rgt_1"] == track) != (own["rgt_2"] == track)
    assert 0 < crossing.sum() == releases.of_crossovers("atl11", own).value


def test_filtered_agreement_is_closer_than_unfiltered(track_results):
    """The spikes are in one figure's numbers and not in the other's."""
    inputs = {"regions": track_results["regions"], "track": track_results["track.parquet"]}
    look = figures.preset("copernicus")
    data = files.figure_data(inputs)
    with figures.use(look):
        names = ("atl06_vs_atl11_unfiltered", "atl06_vs_atl11")
        raw, kept = (figures.draw(look, figures.Subject(name, "Test"), data).numbers for name in names)
    assert raw["difference_m"]["max"] > 5 and kept["difference_m"]["max"] < 1


@pytest.mark.parametrize("xlim, expected", [([1.066e6, 1.068e6], {526}), ([1.0e6, 1.1e6], {526, 548})])
def test_auto_takes_the_tracks_that_cross_the_focus(track_study, tmp_path, xlim, expected):
    """A small focus that one track crosses, and one that both do."""
    regions, out = tmp_path / "regions.geojson", tmp_path / "granules.parquet"
    write_outlines({"region": region.load({"bbox": [10, 79, 30, 81]})}, regions)
    write_product(world("austfonna", "tiny"), "atl11", tmp_path / "archive" / "atl11")
    focus = {**FOCUS, "xlim": xlim, "ylim": [-4.18e5, -4.16e5] if len(expected) == 1 else FOCUS["ylim"]}
    settings = product_settings("atl11", {**track_study["products"]["atl11"], "version": None})
    query_granules.main(
        regions,
        {name: tmp_path / name for name in ("left_out", "lists")} | {"granules": out},
        product="atl11",
        archive={"name": "simulated", "folder": str(tmp_path / "archive")},
        settings=settings,
        period=PERIOD,
        chunks=["all"],
        study="test",
        focus=focus,
    )
    assert settings.rgt == "auto" and set(read_table(out)["rgt"]) == expected


def test_study_says_what_tracks_need(tmp_path):
    """auto needs a focus, floating ice an outline."""
    text = "title: t\nregion: {bbox: [10, 79, 30, 81]}\nperiod: [2019-01-01, 2020-01-01]\nproducts: {atl11: {%s}}\n"
    path = tmp_path / "here.yaml"
    path.write_text(text % "rgt: auto")
    with pytest.raises(StudyError, match=r"products.atl11.rgt: auto takes the tracks that cross the focus; add focus"):
        load(path)
    path.write_text(text % "floating: shelf")
    with pytest.raises(StudyError, match=r"products.atl11.floating: 'shelf' is not one of regions; the study has none"):
        load(path)
    path.write_text(text.replace("atl11", "atl06") % "floating: shelf")
    with pytest.raises(StudyError, match=r"products.atl06.floating: 'shelf' is not one of regions"):
        load(path)
    path.write_text(text.replace("{atl11: {%s}}", "{atl11: {datum: EGM08}, atl06: {}}"))
    with pytest.raises(
        StudyError, match=r"products.atl11.datum: EGM08 is not ellipsoid as in atl06; .* write the same"
    ):
        load(path)


@pytest.mark.parametrize(("bbox", "some"), [([23, 79.5, 24.5, 80], True), ([23, 79.95, 23.1, 80], False)])
def test_floating_ice_that_no_height_lies_on_fails_a_check(track_results, track_study, tmp_path, bbox, some):
    """
    The heights within the outline are counted, product by product.

    Where no height lies within it, the key did nothing.
    """
    outlines = {**read_outlines(track_results["regions"]), "shelf": region.load({"bbox": bbox})}
    write_outlines(outlines, tmp_path / "regions.geojson")
    settings = {name: product_settings(name, track_study["products"][name]) for name in ("atl06", "atl11")}
    chunks = {name: [track_results["points"][name]] for name in settings}
    out = tmp_path / "heights.parquet"
    map_heights.main(chunks, tmp_path / "regions.geojson", out, settings=settings, study="test", floating="shelf")
    found = {check.name: check for check in checks.heights_found(read_table(out))}
    for product, paths in chunks.items():
        check, points = found[f"heights_floating/{product}"], read_table(paths)
        assert check.held is some and check.value == outlines["shelf"].contains(points.longitude, points.latitude).sum()
    map_heights.main(chunks, tmp_path / "regions.geojson", out, settings=settings, study="test")
    assert not any("floating" in check.name for check in checks.heights_found(read_table(out)))


def test_rates_around_centres_are_those_of_the_truth(track_results, tmp_path):
    """ATL06 alone, without reference points: the rates of the simulated glacier around every centre."""
    out = tmp_path / "surface_rates.parquet"
    settings = SurfaceFit(spacing=1000.0, radius=700.0, min_passes=2, min_years=0.9)
    fit_surface_rates.main(
        [track_results["points"]["atl06"]], out, settings=settings, segment_filter="standard", study="test"
    )
    rates = read_table(out)
    assert len(rates) > 30 and rates.attrs["units"]["dhdt"] == "m/yr"
    assert (rates["x"] % 1000 == 0).all() and rates["longitude"].between(22, 27).all()
    assert rates.attrs["attributes"]["nunatak_source"] == "SIMULATED"
    assert checks.surface_rates_found(rates).held and releases.of_centres(rates).value == 0
    held = checks.surface_rates_against_truth(rates, *together.on_truth(rates, {"name": "austfonna", "size": "tiny"}))
    assert len(held) == 3 and all(check.held for check in held), held


def test_a_pass_that_is_too_high_is_named_by_its_bias(track_results, tmp_path):
    """Crossovers of a surface that stands still, and one pass 0.5 m too high: its bias stands out by just that."""
    table = read_table(track_results["crossovers.parquet"])
    near = table[table["product"] == "atl11"].assign(dt_days=1.0)
    track, cycle = near.iloc[0][["rgt_1", "cycle_1"]]
    first, second = (((near[f"rgt_{k}"] == track) & (near[f"cycle_{k}"] == cycle)).astype(float) for k in "12")
    write_table(near.assign(dh=0.5 * (second - first)), tmp_path / "x.parquet", attributes=table.attrs["attributes"])
    adjust_passes.main(tmp_path / "x.parquet", tmp_path / "b.csv", settings=PassAdjustment(prior=100.0), study="test")
    found = read_csv(tmp_path / "b.csv")
    assert list(found) == ["product", "rgt", "cycle", "bias", "bias_sigma", "n_crossovers", "part", "n_other_release"]
    assert found.attrs["attributes"]["release"] == "007" and releases.of_biases("atl11", found).value == 0
    ours = (found["rgt"] == track) & (found["cycle"] == cycle)
    others = found[~ours & (found["part"] == found["part"][ours].iloc[0])]
    assert len(others) and found["bias"][ours].iloc[0] - others["bias"].mean() == pytest.approx(0.5, abs=0.01)
    assert others["bias"].std(ddof=0) < 0.01
