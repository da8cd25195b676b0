"""Handle tables of heights that were written or made elsewhere: their names, their order and a stretch for a figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from nunatak.parameters.sliderule import FitParameters
from nunatak.photons import height_table
from nunatak.times import delta_time_to_utc, utc_to_delta_time

if TYPE_CHECKING:
    import pandas as pd


def completed(table: pd.DataFrame, parameters: FitParameters | Mapping[str, Any] | None = None) -> pd.DataFrame:
    """
    Bring heights from elsewhere, such as the SlideRule service, into the columns and the order of `fit_heights`.

    Parameters
    ----------
    table : DataFrame with `beam`, `time` and further columns of `height_table.COLUMNS`. Missing ones become NaN or 0,
        and ancillary fields are kept
    parameters : as in `fit_heights`

    Returns
    -------
    DataFrame : as from `fit_heights`
    """
    p = FitParameters.of(parameters)
    nothing = height_table.empty_table(p)
    if table.empty:
        return height_table.finished([], p)
    full = table.assign(delta_time=utc_to_delta_time(table["time"].to_numpy()))
    for name, kind in nothing.dtypes.items():
        if name not in full:
            full[name] = np.nan if kind.kind == "f" else 0
    full = full.sort_values(["gt", "x_atc"], kind="stable", ignore_index=True)
    return height_table.finished([full[list(nothing)].astype(nothing.dtypes.to_dict())], p)


def time_of(table: pd.DataFrame) -> np.ndarray:
    """
    Return the UTC times of a table of heights or photons with standard or classic column names.

    Parameters
    ----------
    table : DataFrame with `time` or `delta_time`

    Returns
    -------
    (n,) datetime64
    """
    return table["time"].to_numpy() if "time" in table else delta_time_to_utc(table["delta_time"].to_numpy())


def standard_names(table: pd.DataFrame) -> pd.DataFrame:
    """
    Return a table of heights under the standard column names.

    A table written with `compact` still lacks most columns.

    Parameters
    ----------
    table : DataFrame with standard or classic names
    """
    names = {classic: name for name, classic in height_table.CLASSIC.items() if classic in table}
    out = table.rename(columns=names)
    if "time" not in out and "delta_time" in out:
        out = out.assign(time=delta_time_to_utc(out["delta_time"].to_numpy()))
    out.attrs = {**table.attrs, "units": {names.get(k, k): unit for k, unit in table.attrs.get("units", {}).items()}}
    return out


def typical_stretch(table: pd.DataFrame, *, n: int = 20) -> pd.DataFrame:
    """
    Return a short run of good segments of one strong beam, the one whose misfit is closest to the median.

    Parameters
    ----------
    table : heights of one or more granules with `granule_id`, under the standard names
    n : number of consecutive segments. Default: 20

    Returns
    -------
    DataFrame : n rows of `table` in the order of the track, or fewer when no run is that long
    """
    good = table[(table["pflags"] == 0) & (table["spot"] % 2 == 1)]
    good = good if len(good) else table[table["pflags"] == 0]
    if good.empty:
        return good
    fullest: Any = good.groupby(["granule_id", "beam"], observed=True, sort=True).size().idxmax()
    rows = good[(good["granule_id"] == fullest[0]) & (good["beam"] == fullest[1])].sort_values("segment_id")
    ids, rms = rows["segment_id"].to_numpy("i8"), rows["rms_misfit"].to_numpy()
    whole = np.flatnonzero(ids[n - 1 :] - ids[: len(ids) - n + 1] == n - 1) if len(rows) >= n else np.empty(0, "i8")
    if not whole.size:
        return rows.head(n).reset_index(drop=True)
    means = np.convolve(rms, np.full(n, 1 / n), mode="valid")[whole]
    start = int(whole[np.argmin(np.abs(means - np.median(means)))])
    return rows.iloc[start : start + n].reset_index(drop=True)
