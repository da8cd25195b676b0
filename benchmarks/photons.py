"""
Heights from photons: photons per CPU second, end to end and in the fit alone, on a granule of 8 million photons.

The granule is made up (six beams over ice with noise, deflated in chunks of 10,000 rows like the product's). On such
data SlideRule's C++ does 2.2 to 2.5 million photons per CPU second end to end; the answers are checked against the
plain NumPy definition of the fit.

    python benchmarks/photons.py [millions of photons]
"""

from __future__ import annotations

import json
import platform
import resource
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))

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
        "delta_time": time_, "lat_ph": -75 - x / 111e3, "lon_ph": -100 - x / 1e6, "h_ph": h.astype("f4"),
        "dist_ph_along": along.astype("f4"), "dist_ph_across": (3200 + rng.normal(0, 2, n)).astype("f4"),
        "signal_conf_ph": conf, "quality_ph": (rng.random(n) < 0.01).astype("i1"),
        "weight_ph": rng.integers(0, 255, n, "u1"),
    }  # fmt: skip
    segments = {
        "segment_id": (450000 + np.arange(n_segments)).astype("i4"), "segment_dist_x": dist,
        "segment_ph_cnt": counts.astype("i4"), "reference_photon_lat": -75 - (dist - 9e6) / 111e3,
        "reference_photon_lon": -100 - (dist - 9e6) / 1e6, "delta_time": 2.5e7 + (dist - 9e6) / 7000,
        "velocity_sc": np.tile(np.array([120, 6900, 900], "f4"), (n_segments, 1)),
    }  # fmt: skip
    clock = np.arange(2.5e7 - 1, segments["delta_time"][-1] + 1, 0.02)
    background = {"delta_time": clock, "bckgrd_rate": rng.uniform(1e5, 1e6, len(clock)).astype("f4")}
    for name, columns in (("heights", photons), ("geolocation", segments), ("bckgrd_atlas", background)):
        for column, values in columns.items():
            chunks = (min(10000, len(values)), *values.shape[1:])
            group.create_dataset(f"{name}/{column}", data=values, chunks=chunks, compression="gzip", compression_opts=6)


def reference_difference(granule, parameters, beam="gt1r", segments=400):
    """Largest difference of h_mean from the plain definition of the fit, over the beginning of one beam."""
    track = atl03.read_track(granule, beam)
    track = track.stretch(np.arange(len(track.segments["segment_id"])) < segments)
    photons = next(iter(atl03.photon_blocks(track, needed(parameters), size=1 << 24)))
    table = fit_heights(photons, parameters).set_index("segment_id")
    worst = 0.0
    for segment_id, members in extents(photons, parameters).groupby("segment_id"):
        velocity = float(track.segments["velocity"][0])
        fit = fit_line_reference(
            members["x_atc"].to_numpy(), members["height"].to_numpy("f8"),
            float(background_density(40.0, members["background_rate"].iloc[0], velocity)),
            count=10, spread=20.0, max_iterations=6, min_window=3.0, max_dispersion=5.0,
        )  # fmt: skip
        row = table.loc[segment_id]
        same = len(fit["used"]) == row["n_fit_photons"] and fit["pflags"] == row["pflags"]
        worst = max(worst, abs(fit["h_mean"] - row["h_mean"])) if same else np.inf
    return worst


def main(millions=8.0):
    """Write the granule, run, compare, print."""
    parameters = FitParameters.of(PARAMETERS)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ATL03_20181019065445_03150111_006_02.h5"
        write_granule(path, millions * 1e6)
        granule = atl03.read_granule(path)
        difference = reference_difference(granule, parameters)  # compiles, too
        base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        wall, cpu = time.perf_counter(), time.process_time()
        table, statuses = granule_heights(granule, parameters)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        n = sum(s.n_photons for s in statuses)
        n_selected = sum(s.n_selected for s in statuses)
        fit_cpu = 0.0
        for beam in granule.beams:
            blocks = list(atl03.photon_blocks(atl03.read_track(granule, beam), needed(parameters)))
            start = time.process_time()
            fit_heights(blocks, parameters)
            fit_cpu += time.process_time() - start
        megabytes = path.stat().st_size / 1e6
    print(f"{platform.processor() or platform.machine()}, {n / 1e6:.2f} million photons, {megabytes:.0f} MB deflated")
    print(f"{n_selected / 1e6:.2f} million selected, {len(table)} segments")
    print(f"end to end {wall:.2f} s wall, {cpu:.2f} CPU s; selection, extents and fit alone {fit_cpu:.2f} CPU s")
    print(f"memory above the start {peak - base:.0f} MB, of which the result {table.memory_usage().sum() / 1e6:.0f} MB")
    print(
        json.dumps(
            {
                "photons_per_cpu_second": round(n / cpu),
                "fit_photons_per_cpu_second": round(n / fit_cpu),
                "peak_memory_mb": round(peak),
                "max_abs_difference": difference,
            }
        )
    )


if __name__ == "__main__":
    main(*(float(a) for a in sys.argv[1:]))
