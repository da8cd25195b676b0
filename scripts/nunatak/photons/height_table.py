"""Build the table of fitted heights: its columns, an empty one, and the joined table of all beams."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from nunatak.constants import BEAMS

if TYPE_CHECKING:
    from nunatak.parameters.sliderule import FitParameters
    from nunatak.products.atl03 import Track

# column: (dtype, unit), in the order of a table; these say of an extent which one it is and where
EXTENT_COLUMNS = {
    "pflags": ("u2", "1"),
    "rgt": ("u2", "1"),
    "cycle": ("u2", "1"),
    "region": ("u1", "1"),
    "spot": ("u1", "1"),
    "gt": ("u1", "1"),
    "x_atc": ("f8", "m"),
    "y_atc": ("f8", "m"),
    "time": ("datetime64[ns]", "UTC"),
    "latitude": ("f8", "degrees_north"),
    "longitude": ("f8", "degrees_east"),
}
COLUMNS = {
    "beam": ("category", ""),
    "segment_id": ("u4", "1"),
    "n_fit_photons": ("i4", "counts"),
    **EXTENT_COLUMNS,
    "h_mean": ("f8", "m"),
    "dh_fit_dx": ("f8", "1"),
    "dh_fit_dy": ("f8", "1"),
    "w_surface_window_final": ("f8", "m"),
    "rms_misfit": ("f8", "m"),
    "h_sigma": ("f8", "m"),
    "extent_id": ("u8", "1"),
    "segment_id_beg": ("u4", "1"),
    "photon_start": ("u4", "1"),
    "delta_time": ("f8", "seconds since 2018-01-01"),
}
CLASSIC = {"latitude": "lat", "longitude": "lon", "x_atc": "distance"}
COMPACT = ("delta_time", "lat", "lon", "h_mean")


def extent_ids(track: Track, number: np.ndarray) -> np.ndarray:
    """
    Return the reference's 64-bit key of each extent.

    The key is opaque: its fields overlap in the reference as well (section 5.1 of its own notes).

    Parameters
    ----------
    track : atl03.Track
    number : (n,) count of extents along the track

    Returns
    -------
    (n,) uint64
    """
    granule, place = track.granule, BEAMS.index(track.beam)
    head = granule.rgt << 52 | granule.cycle << 36 | granule.region << 32 | (place // 2 + 1) << 30 | place % 2
    return np.uint64(head) | ((number.astype("u8") & np.uint64(0xFFFFFFF)) << np.uint64(2))


def beam_column(beam: str, n: int) -> pd.Categorical[Any]:
    """
    Return a beam's name n times as a categorical column.

    Parameters
    ----------
    beam : gt1l .. gt3r
    n : number of rows
    """
    return pd.Categorical.from_codes(np.full(n, BEAMS.index(beam), dtype="i1"), dtype=pd.CategoricalDtype(list(BEAMS)))


def no_rows(columns: Mapping[str, tuple[str, str]], names: Iterable[str] = ()) -> pd.DataFrame:
    """
    Return a table without rows.

    Parameters
    ----------
    columns : mapping of column to (dtype, unit), as `COLUMNS`
    names : further columns of float64. Default: none
    """
    beams = pd.CategoricalDtype(list(BEAMS))
    kinds = {name: kind for name, (kind, _) in columns.items()} | dict.fromkeys(names, "f8")
    return pd.DataFrame({n: pd.Series(dtype=beams if kind == "category" else kind) for n, kind in kinds.items()})


def empty_table(p: FitParameters) -> pd.DataFrame:
    """
    Return a table without rows that has the columns of a fit with these parameters.

    Parameters
    ----------
    p : FitParameters
    """
    return no_rows(COLUMNS, [*(f.partition("/")[2] for f in p.fields), *p.atl08_fields])


def finished(tables: Iterable[pd.DataFrame], p: FitParameters) -> pd.DataFrame:
    """
    Join the tables of the beams, add the slopes across the track, and give the columns the parameters ask for.

    Parameters
    ----------
    tables : DataFrames of `fit_track`
    p : FitParameters
    """
    full = [t for t in tables if len(t)]
    table = pd.concat(full, ignore_index=True) if full else empty_table(p)
    table["dh_fit_dy"] = slope_across(table)
    if p.profile != "xseries":
        table = table.drop(columns=["segment_id_beg", "photon_start"])
    units = {name: unit for name, (_, unit) in COLUMNS.items() if unit}
    if p.compact or p.columns == "classic":
        table = table.rename(columns=CLASSIC)
        table = table[list(COMPACT)] if p.compact else table.drop(columns="time")
        units = {CLASSIC.get(name, name): unit for name, unit in units.items()}
    else:
        table = table.drop(columns="delta_time")
    table.attrs["units"] = {name: unit for name, unit in units.items() if name in table}
    table.attrs["parameters"] = p.provenance()
    return table


def slope_across(table: pd.DataFrame) -> np.ndarray:
    """
    Return the slope across the track from the two beams of each pair at the same segment.

    Both heights are first moved to the middle of the two extents along their own slopes.

    Parameters
    ----------
    table : DataFrame with `beam`, `segment_id`, `h_mean`, `x_atc`, `y_atc`, `dh_fit_dx`

    Returns
    -------
    (n,) slope along +y_atc, NaN for a beam without its neighbour
    """
    out = np.full(len(table), np.nan)
    place = table["beam"].cat.codes.to_numpy()
    key = table["segment_id"].to_numpy("i8") * 4 + place // 2
    h, x, y = (table[name].to_numpy() for name in ("h_mean", "x_atc", "y_atc"))
    along = table["dh_fit_dx"].to_numpy()
    left, right = (np.flatnonzero(place % 2 == side) for side in (0, 1))
    _, i, j = np.intersect1d(key[left], key[right], return_indices=True)
    i, j = left[i], right[j]
    middle = (x[i] + x[j]) / 2
    rise = (h[j] + along[j] * (middle - x[j])) - (h[i] + along[i] * (middle - x[i]))
    with np.errstate(divide="ignore", invalid="ignore"):
        out[i] = out[j] = rise / (y[j] - y[i])
    return out
