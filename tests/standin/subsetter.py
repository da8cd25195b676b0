"""The cut that Harmony's trajectory subsetter makes: of each beam the rows from the first to the last one inside."""

from __future__ import annotations

import io

import h5py
import numpy as np

from nunatak import times
from nunatak.constants import BEAMS

_GROUPS = {"ATL06": "land_ice_segments", "ATL08": "land_segments", "ATL10": "freeboard_segment"}


def cut(path, product, box, span) -> bytes | None:
    """
    A granule's bytes with the rows in a box (west, south, east, north) and a span (two datetime64); None without a row.

    Whole groups are kept with all their variables; a beam without a row is left out, and so is everything of it.
    """
    with h5py.File(path) as whole, h5py.File(buffer := io.BytesIO(), "w") as part:
        part.attrs.update(dict(whole.attrs))
        for name in whole:
            if name not in BEAMS:
                whole.copy(name, part)
        kept = [beam for beam in BEAMS if beam in whole and _cut_beam(whole, part, beam, _GROUPS[product], box, span)]
    return buffer.getvalue() if kept else None


def _cut_beam(whole, part, beam, group, box, span) -> bool:
    rows = whole[beam][group]
    lon, lat = rows["longitude"][()], rows["latitude"][()]
    time = times.delta_time_to_utc(rows["delta_time"][()])
    west, south, east, north = box
    inside = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north) & (time >= span[0]) & (time <= span[1])
    found = np.flatnonzero(inside)
    if not found.size:
        return False
    part.create_group(f"{beam}/{group}").attrs.update(dict(rows.attrs))
    part[beam].attrs.update(dict(whole[beam].attrs))

    def copy(name, node):
        if isinstance(node, h5py.Dataset):
            values = node[found[0] : found[-1] + 1] if node.shape[:1] == lon.shape else node[()]
            made = part.create_dataset(f"{beam}/{group}/{name}", data=values)
            made.attrs.update({k: v for k, v in node.attrs.items() if k not in ("DIMENSION_LIST", "REFERENCE_LIST")})

    rows.visititems(copy)
    return True
