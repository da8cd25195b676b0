"""
Heights from photons: photons per CPU second, end to end and in the fit alone, on a granule of 8 million photons.

The granule is made up (six beams over ice with noise, deflated in chunks of 10,000 rows like the product's). On such
data SlideRule's C++ does 2.2 to 2.5 million photons per CPU second end to end. Beside ours runs the plain NumPy
definition of the fit, extent by extent, over the beginning of one beam; its answers are those compared.

    python benchmarks/photons.py [millions of photons]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
from measure import measure, report

from nunatak.photons import FitParameters, extents, fit_heights, granule_heights
from nunatak.photons.fitting import background_density, fit_line_reference
from nunatak.photons.heights import needed
from nunatak.products import atl03

PARAMETERS = {"srt": 3, "cnf": 1, "ats": 20.0, "cnt": 10, "len": 40.0, "res": 20.0, "maxi": 6, "profile": "legacy"}
PHOTONS_PER_SEGMENT = {"weak": 28, "strong": 84}


def write_granule(path, n_photons):
    """A made-up granule in the layout of ATL03; strong beams have three times the photons of weak ones."""
    rng = np.random.default_rng(4)
    n_segments = int(n_photons / (3 * sum(PHOTONS_PER_SEGMENT.values())))
    with h5py.File(path, "w") as file:
        file["orbit_info/sc_orient"], file["orbit_info/rgt"] = np.array([1], "i1"), np.array([315], "i2")
        file["orbit_info/cycle_number"] = np.array([1], "i1")
        for i, beam in enumerate(("gt1l", "gt1r", "gt2l", "gt2r", "gt3l", "gt3r")):
            write_beam(file.create_group(beam), rng, n_segments, PHOTONS_PER_SEGMENT["strong" if i % 2 else "weak"])


def write_beam(group, rng, n_segments, per_segment):
    """One beam: a slope with waves, 80 % signal with 0.15 m scatter, the rest noise over 60 m."""
    counts = rng.poisson(per_segment, n_segments)
    n = counts.sum()
    dist = 9e6 + 20.04 * np.arange(n_segments)
    along = np.concatenate([np.sort(rng.uniform(0, 20.04, c)) for c in counts])
    x = np.repeat(dist, counts) + along - 9e6
    signal = rng.random(n) < 0.8
    h = 300 + 0.02 * x + 5 * np.sin(x / 800) + np.where(signal, rng.normal(0, 0.15, n), rng.uniform(-30, 30, n))
    time_ = np.round(x / 7000 * 10000) / 10000 + 2.5e7
    conf = np.full((n, 5), -1, "i1")
    conf[:, 0] = conf[:, 3] = np.where(signal, 4, rng.integers(0, 3, n))
    photons = {
        "delta_time": time_,
        "lat_ph": -75 - x / 111e3,
        "lon_ph": -100 - x / 1e6,
        "h_ph": h.astype("f4"),
        "dist_ph_along": along.astype("f4"),
        "dist_ph_across": (3200 + rng.normal(0, 2, n)).astype("f4"),
        "signal_conf_ph": conf,
        "quality_ph": (rng.random(n) < 0.01).astype("i1"),
        "weight_ph": rng.integers(0, 255, n, "u1"),
    }
    segments = {
        "segment_id": (450000 + np.arange(n_segments)).astype("i4"),
        "segment_dist_x": dist,
        "segment_ph_cnt": counts.astype("i4"),
        "reference_photon_lat": -75 - (dist - 9e6) / 111e3,
        "reference_photon_lon": -100 - (dist - 9e6) / 1e6,
        "delta_time": 2.5e7 + (dist - 9e6) / 7000,
        "velocity_sc": np.tile(np.array([120, 6900, 900], "f4"), (n_segments, 1)),
    }
    clock = np.arange(2.5e7 - 1, segments["delta_time"][-1] + 1, 0.02)
    background = {"delta_time": clock, "bckgrd_rate": rng.uniform(1e5, 1e6, len(clock)).astype("f4")}
    for name, columns in (("heights", photons), ("geolocation", segments), ("bckgrd_atlas", background)):
        for column, values in columns.items():
            chunks = (min(10000, len(values)), *values.shape[1:])
            group.create_dataset(f"{name}/{column}", data=values, chunks=chunks, compression="gzip", compression_opts=6)


def ours(path):
    """The whole granule from the file to the table, on two threads: what came of it."""
    table, statuses = granule_heights(atl03.read_granule(path), PARAMETERS, threads=2)
    return {
        "photons": sum(s.n_found for s in statuses),
        "selected": sum(s.n_selected for s in statuses),
        "segments": len(table),
        "result_mb": int(table.memory_usage().sum()) / 1e6,
    }


def fit_alone(path):
    """CPU seconds of selection, extents and fit of all beams, the photons already in memory."""
    granule, parameters, seconds = atl03.read_granule(path), FitParameters.of(PARAMETERS), 0.0
    for beam in granule.beams:
        blocks = list(atl03.photon_blocks(atl03.read_track(granule, beam), needed(parameters)))
        start = time.process_time()
        fit_heights(blocks, parameters)
        seconds += time.process_time() - start
    return seconds


def beginning(path):
    """The first 400 segments of a strong beam."""
    track = atl03.read_track(atl03.read_granule(path), "gt1r")
    track = track.stretch(np.arange(len(track.segments["segment_id"])) < 400)
    return next(iter(atl03.photon_blocks(track, needed(FitParameters.of(PARAMETERS)), size=1 << 24)))


def plain(path):
    """The plain definition over the beginning of one beam: photons, and segment_id -> (height, photons, flags)."""
    photons, found = beginning(path), {}
    velocity = float(photons.track.segments["velocity"][0])
    for segment_id, members in extents(photons, PARAMETERS).groupby("segment_id"):
        fit = fit_line_reference(
            members["x_atc"].to_numpy(),
            members["height"].to_numpy("f8"),
            float(background_density(40.0, members["background_rate"].iloc[0], velocity)),
            count=10,
            spread=20.0,
            max_iterations=6,
            min_window=3.0,
            max_dispersion=5.0,
        )
        found[int(segment_id)] = (float(fit["h_mean"]), len(fit["used"]), int(fit["pflags"]))
    return {"photons": len(photons), "heights": list(found.items())}


def difference(path, heights):
    """Largest difference of h_mean; infinite where photons or flags differ."""
    table = fit_heights(beginning(path), PARAMETERS).set_index("segment_id")
    worst = 0.0
    for segment_id, (h_mean, n, flags) in heights:
        row = table.loc[segment_id]
        same = (n, flags) == (row["n_fit_photons"], row["pflags"])
        worst = max(worst, abs(h_mean - row["h_mean"])) if same else float("inf")
    return worst


def main(millions=8.0):
    """Write the granule, run, compare, print."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ATL03_20181019065445_03150111_006_02.h5"
        write_granule(path, millions * 1e6)
        whole = measure(__file__, "ours", {"path": str(path)})
        fit = measure(__file__, "fit_alone", {"path": str(path)}, repeat=1)
        slow = measure(__file__, "plain", {"path": str(path)}, repeat=1)
        apart = difference(path, slow.answer["heights"])
        size = path.stat().st_size / 1e6
    n, m = whole.answer["photons"], slow.answer["photons"]
    title = (
        f"{n / 1e6:.2f} million photons, {size:.0f} MB; {whole.answer['selected'] / 1e6:.2f} million selected, "
        f"{whole.answer['segments']} segments in a table of {whole.answer['result_mb']:.0f} MB; two threads"
    )
    rows = {
        "ours, file to table": {
            "CPU s": whole.cpu_seconds,
            "photons per CPU s": n / whole.cpu_seconds,
            "MB": whole.peak_memory_mb,
        },
        "ours, fit alone": {"CPU s": fit.answer, "photons per CPU s": n / fit.answer, "MB": ""},
        "plain NumPy, 400 segments": {"CPU s": slow.cpu_seconds, "photons per CPU s": m / slow.cpu_seconds, "MB": ""},
    }
    result = {
        "photons_per_cpu_second": round(n / whole.cpu_seconds),
        "fit_photons_per_cpu_second": round(n / fit.answer),
        "peak_memory_mb": round(whole.peak_memory_mb),
        "max_abs_difference": apart,
    }
    report(title, rows, result)


if __name__ == "__main__":
    main(*(float(a) for a in sys.argv[1:]))
