"""Scripts of the long record, from a file of a whole ice sheet and height_change.nc to their tables."""

import numpy as np
import pytest
from tests.builders import records as made
from tests.builders import sheets

import join_records
import sum_records
from nunatak.files.rasters import georeference
from nunatak.files.tables import read_csv, write_table
from nunatak.geometry import region
from nunatak.geometry.grid import Grid
from nunatak.geometry.outlines import write_outlines
from nunatak.granules import ledger
from nunatak.results.reading import read_record, series, write_height_change
from nunatak.runtime import NunatakError
from nunatak.study import Period
from nunatak.study.products import ItsLiveElevation
from nunatak.study.sections import Mass
from nunatak.times import days_to_utc, decimal_year

BOX = [-100.75, -75.05, -100.25, -74.95]
SHELF = [-100.75, -75.05, -100.6, -74.95]
NEW = np.arange(2019.0, 2024.01, 0.25)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Ledger, height_change.nc and regions.geojson: a record of twenty years, 30 % of it missing, and ATL15."""
    folder = tmp_path_factory.mktemp("record")
    rng = np.random.default_rng(5)
    days = 18643.0 + 30.4375 * np.arange(240)  # mid-months from January 2001 on
    years = decimal_year(days_to_utc(days, since="1950-01-01"))
    x, y = -1632e3 + sheets.STEP * np.arange(24), -285e3 - sheets.STEP * np.arange(24)
    dh = (made.curve(years) - made.curve(2013.96))[:, None, None] + 0.3 * rng.standard_normal((240, 24, 24))
    dh[rng.random(dh.shape) < 0.3] = np.nan
    path = folder / "ANT_G1920V01_GroundedIceHeight.nc"
    sheets.write_antarctica(path, dh, np.full(dh.shape, 0.3), np.ones(dh.shape), days=days, x=x, y=y)
    rows = [{"granule_id": path.stem, "path": str(path), "status": "present"}]
    about = {"nunatak_source": "SIMULATED"}
    write_table(ledger(rows), folder / "ledger.parquet", attributes=about)
    change = made.atl15(NEW, bounds=(-1640e3, -335e3, -1580e3, -280e3))
    write_height_change({"1km": (georeference(change, Grid.of(change)), {})}, folder / "change.nc", about)
    areas = {"region": BOX, "shelf": SHELF, "elsewhere": [-60, -80, -59, -79]}
    write_outlines({name: region.load({"bbox": box}) for name, box in areas.items()}, folder / "regions.geojson")
    return folder


def _joined(files, change, period=("2001-01-01", "2024-12-31"), out="record.nc"):
    join_records.main(
        [files / "ledger.parquet"],
        change,
        files / "regions.geojson",
        files / out,
        period=Period.model_validate(period),
        study="trunk",
    )
    return read_record(files / out)


@pytest.mark.parametrize("alone", [False, True])
def test_record_is_written_in_bands_and_read_again(files, monkeypatch, alone):
    """
    Cells of the region's box, in the datum of ATL15 or in the record's own.

    Bands leave nothing out.
    """
    monkeypatch.setattr(join_records, "BAND", 4)
    record = _joined(files, [] if alone else files / "change.nc", out=f"record_{alone}.nc")
    box = region.load({"bbox": BOX}).projected(made.CRS).bounds
    assert Grid.of(record).bounds[0] <= box[0] and Grid.of(record).bounds[3] >= box[3]
    zero = 2013.96 if alone else 2020.0
    off = record["delta_h"] - (made.curve(record["decimal_year"].values) - made.curve(zero))[:, None, None]
    old = off.where(record["decimal_year"] < 2019)
    assert np.isfinite(old).mean() > 0.6 * (record["decimal_year"] < 2019).mean()
    assert abs(float(old.mean())) < 0.05 and 0.1 < float(old.std()) < 0.3
    assert record.attrs["relative_to"] == ("2013-12-16" if alone else "2020.0")
    assert record.attrs["nunatak_source"] == "SIMULATED" and ("offset" in record) is not alone
    assert float(record["ice_area"].mean()) == pytest.approx(sheets.STEP**2, rel=0.05)
    assert record.attrs["values_read"] == record.attrs["values_kept"]


def test_two_files_of_a_sheet_and_years_without_a_month_are_told(files):
    with pytest.raises(NunatakError, match="2 granules where one of an ice sheet is expected"):
        join_records.only(["a.nc", "b.nc"])
    with pytest.raises(NunatakError, match="has no month in the period"):
        _joined(files, files / "change.nc", period=("2022-01-01", "2024-12-31"), out="none.nc")


def test_regions_are_summed_and_floating_ice_is_left_out(files):
    """The shelf's area is not in the study's region, and regions that the record does not reach have no rows."""
    _joined(files, files / "change.nc")
    out = {}
    for floating in (None, "shelf"):
        paths = [files / f"{name}_{floating}.csv" for name in ("change", "series")]
        sum_records.main(
            files / "record.nc",
            files / "regions.geojson",
            *paths,
            settings=ItsLiveElevation(periods=[[2002, 2012]]),
            mass=Mass(kind="ice_sheet", floating=floating),
            study="trunk",
        )
        out[floating] = read_csv(paths[0]).set_index(["region", "period"])
        assert set(series(paths[1])["source"]) == {"itslive", "atl15"}
    assert set(out[None].index.get_level_values(0)) == {"region", "shelf"}
    whole, shelf = (out[None]["ice_area"][name, "all"] for name in ("region", "shelf"))
    assert out["shelf"]["ice_area"]["region", "all"] == pytest.approx(whole - shelf, rel=1e-3)
    assert out["shelf"]["ice_area"]["shelf", "all"] == pytest.approx(shelf)
    row = out[None].loc[("region", "2002-2012")]
    true = made.RATE + made.ACCELERATION * ((row["since"] + row["until"]) / 2 - 2010)
    assert abs(row["mean_rate"] - true) < 2 * row["mean_rate_sigma"] and row["mean_rate_sigma"] < 0.05
    assert out[None].attrs["units"]["volume_acceleration"] == "km3/yr2"
    assert out[None].attrs["attributes"]["nunatak_source"] == "SIMULATED"
