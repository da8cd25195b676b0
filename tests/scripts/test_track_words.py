"""What figures and sentences say of tracks: the numbers of the tables, without clouds and flagged rates."""

import numpy as np
import pytest

from nunatak import figures
from nunatak.checks import tracks as checks
from nunatak.files.tables import read_csv, read_table, write_table
from nunatak.reports import files, tracks


def test_flagged_rates_are_in_no_map_scale_or_sentence(track_results, tmp_path):
    """A tenth of the rates at +-500 m/yr with errors to match: the scale and the lowest rate stay."""
    rates = read_table(track_results["rates.parquet"])
    known = np.flatnonzero(np.isfinite(rates.dhdt))[::10]
    clouds = rates.copy()
    clouds.loc[known, "dhdt"] = np.where(np.arange(known.size) % 2, 500.0, -500.0)
    clouds.loc[known, "flag"] = np.int8(7)
    write_table(clouds, tmp_path / "rates.parquet", attributes=rates.attrs["attributes"], points=True)
    look, drawn = figures.preset("copernicus"), []
    with figures.use(look):
        for path in (track_results["rates.parquet"], tmp_path / "rates.parquet"):
            data = files.figure_data({"regions": track_results["regions"], "rates": path})
            drawn.append(figures.draw(look, figures.Subject("dhdt_points", "Test"), data))
    assert drawn[1].numbers["limit_m_per_yr"] == pytest.approx(drawn[0].numbers["limit_m_per_yr"], rel=0.2)
    assert drawn[1].numbers["flagged"] >= known.size and "Grey dots" in drawn[1].caption
    said = tracks.rates_sentence(clouds)
    assert "500" not in said.split("further rates")[0].replace("RGT", "") and "with a flag and in no map" in said
    assert "% of all, are in the table" in said and f"{known.size:,} are faster than the study allows" in said
    assert f"and {known.size} are faster than max_rate" in checks.rates_flagged(clouds).text
    assert checks.rates_flagged(clouds, simulated=True).failed and checks.rates_flagged(clouds).value >= 0.1


@pytest.mark.parametrize(
    "name", ["atl11_profile", "atl06_vs_atl11", "atl06_vs_atl11_unfiltered", "dhdt_points", "crossovers"]
)
def test_figures_are_drawn(track_results, name):
    """Each figure has a caption and numbers, fits the page, and says what it was drawn from."""
    inputs = {
        "regions": track_results["regions"],
        "track": track_results["track.parquet"],
        "rates": track_results["rates.parquet"],
        "crossovers": track_results["crossovers.parquet"],
    }
    look = figures.preset("copernicus")
    with figures.use(look):
        drawn = figures.draw(look, figures.Subject(name, "Test"), files.figure_data(inputs))
    assert drawn.caption and drawn.numbers
    width, height = figures.style.size_mm(drawn.figure)
    assert abs(width - look.page_mm) < 0.1 and height <= look.height_mm


def test_the_map_of_a_track_keeps_to_the_limits_of_the_study(track_results):
    """A limit that no rate keeps leaves nothing to draw."""
    data = files.figure_data({"regions": track_results["regions"], "track": track_results["track.parquet"]})
    look = figures.preset("copernicus")
    with figures.use(look), pytest.raises(figures.NothingToDraw, match="or the change of each has a flag"):
        figures.draw(look, figures.Subject("atl11_track", "Test", limits={"max_rate": 1e-6}), data)


def test_clouds_are_not_told_as_change_along_a_track(track_results):
    """
    One cloud is left out of the sentence.

    Where most points are clouds it says so and gives no change.
    """
    track = read_table(track_results["track.parquet"])
    points = track[(track["product"] == "atl11") & track["good"]].reset_index(drop=True)
    plain = tracks.profile_sentence(points)
    last = points["cycle"] == points["cycle"].max()
    cloud = points["x_atc"].between(*points["x_atc"].quantile([0.5, 0.53]))
    beside = points.assign(h=points["h"] + np.where(last & cloud, 900.0, 0.0))
    assert "900" not in tracks.profile_sentence(beside) and "changed most, by −" in plain
    under = points.assign(h=points["h"] + np.where(last & (points.index % 2 == 0), 600.0, 0.0))
    assert "as under clouds" in tracks.profile_sentence(under)


def test_sentences_say_the_numbers(track_results):
    track, agreement = read_table(track_results["track.parquet"]), read_csv(track_results["agreement.csv"])
    points, segments = (track[track["product"] == name] for name in ("atl11", "atl06"))
    assert "RGT 0548" in tracks.points_sentence(points) and "60 m apart" in tracks.points_sentence(points)
    assert "cycles 3, 7" in tracks.segments_sentence(segments)
    assert "the surface along the track changed most, by −" in tracks.profile_sentence(points)
    assert "differ by a median of" in tracks.disagreement_sentence(agreement, "ATL06 less ATL11, filtered")
    assert tracks.disagreement_sentence(agreement, "something else") == ""
    assert "have a rate" in tracks.rates_sentence(read_table(track_results["rates.parquet"]))
    assert "within 10 days" in tracks.crossover_sentence("atl11", read_table(track_results["crossovers.parquet"]))
    assert "pass" in tracks.outlier_sentence(read_csv(track_results["report.csv"]))
    heads, rows = tracks.agreement_table(agreement)
    assert len(rows) == len(agreement) and len(heads) == len(rows[0])
    heads, rows = tracks.seen_table(read_csv(track_results["tracks.csv"]))
    assert len(rows) == 12 and len(heads) == len(rows[0])
