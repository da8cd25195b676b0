"""Tables of heights that were written or made elsewhere: their names, their order, a piece to look at."""

from __future__ import annotations

import numpy as np

from nunatak.parameters.sliderule import FitParameters
from nunatak.photons import heights
from nunatak.times import delta_time_to_utc, utc_to_delta_time


def completed(table, parameters=None):
    """
    Heights from elsewhere, as the SlideRule service gives them, in the columns and the order of our own.

    Parameters
    ----------
    table : DataFrame with `beam`, `time` and further columns of `heights.COLUMNS`; those it lacks become NaN or 0,
        others that were asked for are kept
    parameters : as in `fit_heights`
    """
    p = FitParameters.of(parameters)
    nothing = heights.empty_table(p)
    if table.empty:
        return heights.finished([], p)
    full = table.assign(delta_time=utc_to_delta_time(table["time"].to_numpy()))
    for name, kind in nothing.dtypes.items():
        if name not in full:
            full[name] = np.nan if kind.kind == "f" else 0
    full = full.sort_values(["gt", "x_atc"], kind="stable", ignore_index=True)
    return heights.finished([full[list(nothing)].astype(nothing.dtypes.to_dict())], p)


def time_of(table):
    """(n,) UTC of the rows of a table of heights or photons, whatever names its columns have."""
    return table["time"].to_numpy() if "time" in table else delta_time_to_utc(table["delta_time"].to_numpy())


def standard_names(table):
    """A table of heights under the standard names, whichever it was written with; a compact one lacks most columns."""
    names = {classic: name for name, classic in heights.CLASSIC.items() if classic in table}
    out = table.rename(columns=names)
    if "time" not in out and "delta_time" in out:
        out = out.assign(time=delta_time_to_utc(out["delta_time"].to_numpy()))
    out.attrs = {**table.attrs, "units": {names.get(k, k): unit for k, unit in table.attrs.get("units", {}).items()}}
    return out


def typical_stretch(table, *, n=20):
    """
    A short run of good segments of one strong beam whose misfit is closest to the usual: what a figure can show.

    Parameters
    ----------
    table : heights of one or more granules with `granule_id`, standard names
    n : segments in a row

    Returns
    -------
    DataFrame : n rows of `table` in the order of the track, fewer where none is so long
    """
    good = table[(table["pflags"] == 0) & (table["spot"] % 2 == 1)]
    good = good if len(good) else table[table["pflags"] == 0]
    if good.empty:
        return good
    fullest = good.groupby(["granule_id", "beam"], observed=True, sort=True).size().idxmax()
    rows = good[(good["granule_id"] == fullest[0]) & (good["beam"] == fullest[1])].sort_values("segment_id")
    ids, rms = rows["segment_id"].to_numpy("i8"), rows["rms_misfit"].to_numpy()
    whole = np.flatnonzero(ids[n - 1 :] - ids[: len(ids) - n + 1] == n - 1) if len(rows) >= n else np.empty(0, "i8")
    if not whole.size:
        return rows.head(n).reset_index(drop=True)
    means = np.convolve(rms, np.full(n, 1 / n), mode="valid")[whole]
    start = int(whole[np.argmin(np.abs(means - np.median(means)))])
    return rows.iloc[start : start + n].reset_index(drop=True)
