"""Trends, accelerations, firn and mass of regions from a joined record that follows a known curve."""

import numpy as np
import pytest
from tests.builders import records as made

from nunatak.elevation import join, of_one_source, record_change, record_series
from nunatak.elevation.series_fits import fixed_set
from nunatak.parameters.elevation import HeightRecord

OLD = np.arange(1992.0, 2020.99, 0.25)
NEW = np.arange(2019.0, 2024.01, 0.25)
SHAPE = (8, 9)
AREA = SHAPE[0] * SHAPE[1] * made.CELL**2 / 1e9  # km3 for a metre
EVERYWHERE = np.ones(SHAPE)
BOTH = {"options": HeightRecord(periods=((1992, 2004), (2004, 2024))), "region": "all ice"}


def _row(record, period="all", **options):
    table = record_change(record, EVERYWHERE, **(BOTH | options)).set_index("period")
    return table.loc[period]


def _true_rate(since, until):
    return made.RATE + made.ACCELERATION * ((since + until) / 2 - 2010)


def test_trend_and_acceleration_of_a_record_without_errors():
    record = join(made.itslive(OLD), made.atl15(NEW))
    table = record_change(record, EVERYWHERE, **BOTH).set_index("period")
    assert list(table.index) == ["all", "1992-2004", "2004-2024"]
    for row in table.itertuples():
        assert row.mean_rate == pytest.approx(_true_rate(row.since, row.until), abs=1e-4)
        assert row.mean_acceleration == pytest.approx(made.ACCELERATION, rel=1e-3)
        assert row.volume_rate == pytest.approx(row.mean_rate * row.area / 1e3, rel=1e-6)
        assert row.volume_change == pytest.approx(row.volume_rate * (row.until - row.since))
        assert row.share == row.observed_share == 1 and row.n_cells == SHAPE[0] * SHAPE[1]
        assert np.isnan(row.mass_rate) and np.isnan(row.sea_level_rate) and row.note.startswith("no firn")
    assert (table.loc["all", "since"], table.loc["all", "until"]) == (1992.0, 2024.0)


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_trend_and_acceleration_lie_within_their_errors(missing):
    """Cells err by themselves and 30 % are missing by epoch: standardised errors of forty records spread by one."""
    rng = np.random.default_rng(11)
    z = {"mean_rate": [], "mean_acceleration": []}
    change, options = made.atl15(NEW, sigma=0.02), HeightRecord(correlation_range=0.001)
    for _ in range(40):
        row = _row(join(made.itslive(OLD, rng, sigma=0.5, missing=missing), change), options=options)
        true = {"mean_rate": _true_rate(row["since"], row["until"]), "mean_acceleration": made.ACCELERATION}
        for name, values in z.items():
            values.append((row[name] - true[name]) / row[f"{name}_sigma"])
        assert row["observed_share"] == pytest.approx(1 - missing * 108 / 129, abs=0.02)
        assert row["share"] > 0.85
    for name, values in z.items():
        assert abs(np.mean(values)) < 0.5, name
        assert 0.7 < np.std(values) < 1.25, name


def test_the_join_widens_errors_of_a_span_across_it():
    """
    The offset's error is shared by all epochs before ATL15.

    A span that lies on one side of it is free of it.
    """
    record = join(made.itslive(OLD, np.random.default_rng(2), sigma=0.2), made.atl15(NEW))
    wide = record.assign(offset_sigma=record["offset_sigma"] + 2.0)
    options = {"options": HeightRecord(periods=((1992, 2004), (2014, 2024)))}
    for period, grows in (("1992-2004", False), ("2014-2024", True)):
        one, other = (_row(data, period, **options)["mean_rate_sigma"] for data in (record, wide))
        assert (other > 3 * one) if grows else other == pytest.approx(one)


def test_cells_with_a_long_gap_leave_the_set_and_the_share_says_so():
    source = made.itslive(OLD)
    source["dh"][20:32, :, 0] = np.nan
    record = join(source, made.atl15(NEW))
    assert _row(record)["share"] == pytest.approx(8 / 9)
    assert _row(record, options=HeightRecord(max_gap=4.0))["share"] == 1
    assert _row(record)["mean_rate"] == pytest.approx(_true_rate(1992, 2024), abs=1e-4)


def test_an_epoch_that_saw_little_does_not_count():
    seen = np.ones((20, 10), dtype=bool)
    seen[5, 3:] = False
    seen[12] = False
    epochs, cells = fixed_set(seen, np.ones(10), coverage=0.5, longest=2)
    assert np.flatnonzero(~epochs).tolist() == [5, 12] and cells.all()
    whole, _ = fixed_set(seen[:12], np.ones(10), coverage=1.0, longest=0)
    assert np.flatnonzero(~whole).tolist() == [5]


def _with_firn(source, gemb, gsfc):
    ramp = (source["decimal_year"].values - 2014.0)[:, None, None] * np.ones((1, *SHAPE))
    return source.assign(
        {name: (("time", "y", "x"), rate * ramp) for name, rate in (("dfac_gemb", gemb), ("dfac_gsfc", gsfc))}
    )


def test_mass_is_of_ice_after_firn_and_the_spread_is_half_the_difference():
    """Firn is known to 2020.75: the whole record has volume alone, and the part with firn has mass."""
    record = join(_with_firn(made.itslive(OLD), -0.1, -0.3), made.atl15(NEW))
    assert "known from" in _row(record)["note"] and np.isnan(_row(record)["mass_rate"])
    row = _row(record, "with_firn")
    assert row["until"] == 2020.75 and row["note"] == ""
    assert row["firn_rate"] == pytest.approx(-0.2 * AREA, rel=1e-4)
    assert row["firn_rate_sigma"] == pytest.approx(0.1 * AREA, rel=0.1)
    volume = _true_rate(1992, 2020.75) * AREA
    assert row["volume_rate"] == pytest.approx(volume, rel=1e-3)
    assert row["mass_rate"] == pytest.approx(0.917 * (volume + 0.2 * AREA), rel=1e-3)
    assert row["mass_rate_sigma"] >= 0.917 * row["firn_rate_sigma"]
    assert row["sea_level_rate"] == pytest.approx(-row["mass_rate"] / 361.8)
    assert row["mass_acceleration"] == pytest.approx(0.917 * row["volume_acceleration"], rel=1e-3)


def test_one_firn_model_is_not_believed_to_be_exact():
    """Two models that agree leave 13 % of the rate as its error."""
    row = _row(of_one_source(_with_firn(made.itslive(OLD), -0.2, -0.2)))
    assert row["firn_rate_sigma"] == pytest.approx(0.134 * 0.2 * AREA, rel=1e-3)


def test_floating_ice_weighs_nine_times_and_tells_nothing_of_the_sea():
    record = of_one_source(_with_firn(made.itslive(OLD), -0.1, -0.3))
    land, afloat = _row(record), _row(record, floating=True)
    assert afloat["mass_rate"] / land["mass_rate"] == pytest.approx(1028 / (1028 - 917))
    assert afloat["volume_rate"] == land["volume_rate"] and np.isnan(afloat["sea_level_rate"])
    assert np.isfinite(land["sea_level_rate"]) and "buoyancy" in afloat["note"]


def test_what_the_record_does_not_tell_has_a_reason():
    record = join(made.itslive(OLD), made.atl15(NEW))
    table = record_change(record, EVERYWHERE, region="a", options=HeightRecord(periods=((1985, 1991), (1985, 2000))))
    early, half = (table[table["period"] == name].iloc[0] for name in ("1985-1991", "1985-2000"))
    assert early["note"] == "0 quarters of the record, a trend needs 8" and np.isnan(early["volume_rate"])
    assert "reaches from 1992.00" in half["note"] and np.isfinite(half["volume_rate"])
    empty = record.assign(delta_h=record["delta_h"] * np.nan)
    assert "no set of cells" in _row(empty)["note"]
    assert record_series(empty, EVERYWHERE, region="a", options=HeightRecord()).empty


def test_series_shows_both_sources_where_both_were():
    record = join(made.itslive(OLD, np.random.default_rng(6), missing=0.3), made.atl15(NEW))
    table = record_series(record, EVERYWHERE, region="a", options=HeightRecord())
    sources = table.groupby("source")["decimal_year"].agg(["min", "max", "count"])
    assert sources.loc["itslive"].tolist() == [1992.0, 2020.75, 115] and sources.loc["atl15"].tolist()[0] == 2019.0
    true = made.curve(table["decimal_year"]) - made.curve(1992.0)
    off = table["mean_dh"] - true
    assert float((off - off.mean()).abs().max()) < 0.3
    old = table[table["source"] == "itslive"]
    assert old["observed_share"].mean() == pytest.approx(0.7, abs=0.02)
    np.testing.assert_allclose(table["volume"], table["mean_dh"] * AREA * old["share"].iloc[0], rtol=1e-6)
