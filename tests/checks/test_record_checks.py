"""Checks of the long record: a record as it is holds, and one that was falsified in any part fails."""

import numpy as np
import pandas as pd
import pytest
from tests.builders import records as made

from nunatak.checks.record import checks
from nunatak.elevation import join, record_change
from nunatak.geometry import region
from nunatak.parameters.elevation import HeightRecord
from nunatak.results.reading import HeightChange

OLD = np.arange(1992.0, 2020.99, 0.25)
NEW = np.arange(2019.0, 2024.01, 0.25)
SHAPE = (12, 12)
SETTINGS = {"products": {"itslive_elevation": {}}, "mass": None}


class Results(dict):
    """Results of a study with the grids of ATL15."""

    layers: dict


class Glacier:
    """A surface that follows the curve everywhere."""

    def surface_change(self, x, y, year, *, since):
        return np.full(np.shape(x), made.curve(year) - made.curve(since))


@pytest.fixture(scope="module")
def parts():
    """ITS_LIVE by quarter and by month, ATL15, their record, its table and the outline of all of it."""
    source = made.itslive(OLD, np.random.default_rng(9), shape=SHAPE, missing=0.1)
    change = made.atl15(NEW, bounds=(-1604e3, -326e3, -1574e3, -298e3))
    record = join(source, change)
    area = region.load({"bbox": [-1700e3, -400e3, -1500e3, -200e3], "crs": made.CRS})
    table = record_change(record, np.ones(SHAPE), region="region", options=HeightRecord())
    return {"record": record, "record_change": table, "regions": {"region": area}}, change, source


def _found(parts, monkeypatch, **changes):
    results, change, source = parts
    monkeypatch.setattr("nunatak.checks.record.elevation.quarterly", lambda months, names, sigma: months)
    given = Results(results | changes)
    given.layers = {"1km": HeightChange(change, {})}
    found = checks(given, SETTINGS, read=lambda bounds: source, glacier=Glacier())
    return {check.name: check for check in found}


def test_a_record_as_it_is_holds(parts, monkeypatch):
    found = _found(parts, monkeypatch)
    assert all(check.held for check in found.values()), [c for c in found.values() if not c.held]
    assert set(found) == {
        *(f"record/{name}" for name in ("agreement", "trend_difference", "atl15", "granule")),
        *("record_change/sums", "record_against_truth/scale", "record_against_truth/errors"),
    }


def _moved(record, name, change):
    return record.assign({name: (record[name].dims, (record[name].values + change).astype("f4"))})


@pytest.mark.parametrize(
    ("name", "falsified"),
    [
        ("record/agreement", lambda r: _moved(r, "itslive", 0.02)),
        ("record/agreement", lambda r: _moved(r, "itslive", 3 * np.where(np.arange(8) % 2, 1, -1)[:, None, None])),
        ("record/trend_difference", lambda r: _moved(r, "itslive", 0.6 * (np.arange(8) - 3.5)[:, None, None])),
        ("record/atl15", lambda r: _moved(r, "delta_h", 0.01 * (r["from_atl15"].values > 0))),
        ("record/granule", lambda r: _moved(r, "delta_h", 0.01 * (r["from_atl15"].values == 0))),
        ("record/granule", lambda r: _moved(r, "offset", 0.01)),
        ("record_change/sums", lambda r: _moved(r, "delta_h", 0.1 * (r["decimal_year"].values > 2010)[:, None, None])),
        ("record_against_truth/scale", lambda r: r.assign(delta_h=1.1 * r["delta_h"])),
        (
            "record_against_truth/errors",
            lambda r: r.assign(delta_h_sigma=0.1 * r["delta_h_sigma"], offset_sigma=0 * r["offset_sigma"]),
        ),
    ],
)
def test_a_falsified_record_fails(parts, monkeypatch, name, falsified):
    assert _found(parts, monkeypatch, record=falsified(parts[0]["record"]))[name].failed


def test_a_falsified_table_fails(parts, monkeypatch):
    table = parts[0]["record_change"]
    for wrong in (table.assign(volume_rate=1.01 * table["volume_rate"]), pd.concat([table, table.assign(period="x")])):
        assert _found(parts, monkeypatch, record_change=wrong)["record_change/sums"].failed
