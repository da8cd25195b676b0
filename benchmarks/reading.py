"""
Reading ATL06 in a box: ours against xarray, group by group, the way the tutorials do it.

Two workloads: a large made-up granule with every variable of the product, of which the box takes a tenth; and every
fifth of the real granules of a folder, if one is given, with a box of half of each. For each beam xarray opens the
segments' group and the two subgroups that hold the variables wanted, merges them, keeps `where(inside, drop=True)` and
makes a table of the variables wanted. Segments and the sum of their heights must agree.

    python benchmarks/reading.py [folder of ATL06 granules]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import h5netcdf  # noqa: F401 - xarray imports it with the first file; it is not reading that costs this
import h5py
import numpy as np
import pandas as pd
import xarray as xr
from measure import measure, report

from nunatak.constants import BEAMS, FILL_F4
from nunatak.geometry import region
from nunatak.products import atl06

SEGMENTS = 120_000  # per beam: a granule is a fourteenth of an orbit, 2,860 km at 20 m, with gaps
EVERY = 5  # of the real granules: xarray takes seconds for each
OURS = ("dh_fit_dy", "n_fit_photons", "h_robust_sprd")
GROUPS = {
    "": ("segment_id", "delta_time", "latitude", "longitude", "h_li", "h_li_sigma", "atl06_quality_summary"),
    "/ground_track": ("x_atc", "y_atc"),
    "/fit_statistics": OURS,
}


def write_granule(path):
    """A granule with all variables, deflated in chunks of 10,000, with dimension scales and fills as NASA's have."""
    rng = np.random.default_rng(6)
    with h5py.File(path, "w") as file:
        file.attrs["short_name"] = np.bytes_("ATL06")
        file["orbit_info/sc_orient"] = np.array([1], "i1")
        for beam in BEAMS:
            group = file.create_group(f"{beam}/{atl06.SEGMENTS}")
            k = np.arange(SEGMENTS)
            _put(group, "delta_time", 4e7 + 0.0028 * k, "seconds since 2018-01-01")
            group["delta_time"].make_scale("delta_time")
            for name, (where, unit) in atl06.LAYOUT.items():
                if name != "delta_time":
                    _put(group, where, _values(name, k, rng), unit)
                    group[where].dims[0].attach_scale(group["delta_time"])


def _values(name, k, rng):
    exact = {
        "latitude": -60.0 - 25.0 * k / k.size,
        "longitude": -100.0 + 2e-5 * k,
        "segment_id": (600_000 + k).astype("i4"),
        "x_atc": 2e7 + 20.0 * k,
    }
    if name in exact:
        return exact[name]
    if "flag" in name or "flg" in name or "summary" in name or "source" in name or "conf" in name:
        return rng.integers(0, 2, k.size).astype("i1")
    if name == "n_fit_photons":
        return rng.integers(20, 200, k.size).astype("i4")
    values = (500 + np.cumsum(rng.normal(0, 0.1, k.size))).astype("f4")
    values[rng.random(k.size) < 0.05] = FILL_F4
    return values


def _put(group, name, values, unit):
    dataset = group.create_dataset(name, data=values, chunks=(10_000,), compression="gzip")
    dataset.attrs["units"] = np.bytes_(unit)
    if values.dtype == "f4":
        dataset.attrs["_FillValue"] = FILL_F4


def ours(paths, boxes):
    """Segments kept and the sum of their heights."""
    total = np.zeros(2)
    for path, box in zip(paths, boxes, strict=True):
        inside = region.load({"bbox": box})
        for part in _present(path):
            table, _ = atl06.read_segments(path, region=inside, variables=part)
            total += len(table), np.nansum(table.h_li.to_numpy("f8"))
    return total.tolist()


def _present(path):
    """The variables wanted that a granule has; early subsets have no subgroups."""
    with h5py.File(path) as file:
        beam = next(b for b in BEAMS if b in file and atl06.SEGMENTS in file[b])
        return [[name for name in OURS if f"fit_statistics/{name}" in file[beam][atl06.SEGMENTS]]]


def with_xarray(paths, boxes):
    """The same through xarray."""
    total = np.zeros(2)
    for path, box in zip(paths, boxes, strict=True):
        table = _table(path, box)
        total += len(table), np.nansum(table.h_li.to_numpy("f8"))
    return total.tolist()


def _table(path, box):
    west, south, east, north = box
    tables = []
    for beam in BEAMS:
        parts = []
        for group in GROUPS:
            try:
                dataset = xr.open_dataset(path, group=f"{beam}/{atl06.SEGMENTS}{group}", engine="h5netcdf")
            except (OSError, KeyError, ValueError):
                continue  # not in this subset
            parts.append(dataset.reset_coords())
        if not parts:
            continue
        merged = xr.merge(parts)
        lat, lon = merged.latitude, merged.longitude
        inside = (lat >= south) & (lat <= north) & (lon >= west) & (lon <= east)
        wanted = [name for names in GROUPS.values() for name in names if name in merged and name != "delta_time"]
        tables.append(merged.where(inside, drop=True)[wanted].to_dataframe().assign(beam=beam))
        for part in parts:
            part.close()
    return pd.concat(tables)


def boxes_of(paths):
    """West, south, east, north of the northern half of each granule, degrees."""
    boxes = []
    for path in paths:
        table, _ = atl06.read_segments(path)
        south = float(table.latitude.median())
        boxes.append([float(table.longitude.min()), south, float(table.longitude.max()), float(table.latitude.max())])
    return boxes


def compare(label, paths, boxes, *, repeat):
    """Measure both, xarray over `repeat` calls; return the rows of the table and the ratios."""
    arguments = {"paths": [str(path) for path in paths], "boxes": boxes}
    mine = measure(__file__, "ours", arguments)
    theirs = measure(__file__, "with_xarray", arguments, repeat=repeat)
    assert mine.answer[0] == theirs.answer[0] > 0, (label, mine.answer, theirs.answer)
    np.testing.assert_allclose(mine.answer[1], theirs.answer[1], rtol=1e-9)
    rows = {
        f"{label}, {name}": {"CPU s": m.cpu_seconds, "memory MB": m.peak_memory_mb, "segments": int(m.answer[0])}
        for name, m in (("ours", mine), ("xarray", theirs))
    }
    return rows, theirs.cpu_seconds / mine.cpu_seconds, theirs.peak_memory_mb / mine.peak_memory_mb


def main():
    """Measure, compare, report."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ATL06_20190420093051_03380310_007_01.h5"
        write_granule(path)
        rows, cpu, memory = compare("made-up", [path], [[-101.0, -72.5, -97.0, -70.0]], repeat=2)
    result = {"cpu_ratio_xarray_atl06": cpu, "memory_ratio_xarray_atl06": memory}
    if len(sys.argv) > 1:
        paths = sorted(Path(sys.argv[1]).glob("*ATL06_*.h5"))[::EVERY]
        real, cpu_real, memory_real = compare("real", paths, boxes_of(paths), repeat=0)
        rows |= real
        # the ratios stated are the smaller of the two workloads'
        result = {
            "cpu_ratio_xarray_atl06": min(cpu, cpu_real),
            "memory_ratio_xarray_atl06": min(memory, memory_real),
            "cpu_ratio_made_up": cpu,
            "cpu_ratio_real": cpu_real,
            "memory_ratio_made_up": memory,
            "memory_ratio_real": memory_real,
        }
    report(f"ATL06 in a box; made-up granule: 6 x {SEGMENTS:,} segments, {len(atl06.LAYOUT)} variables", rows, result)


if __name__ == "__main__":
    main()
