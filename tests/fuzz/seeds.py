"""The smallest granules of every product that a job reads whole: what the mutations begin with."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import xarray as xr
from tests.builders import sea_ice, studies, tracks

from nunatak.products.itslive.fields import FILL
from nunatak.simulation import atl03, atl08, world

_AUSTFONNA = [24.9, 79.6, 25.2, 79.8]
_PAIR = "LC08_L1GT_001113_{}_20200908_02_T2_X_LC08_L1GT_001113_{}_20200908_02_T2_G0120V02_P097.nc"


class Seed(NamedTuple):
    """One granule and where its study lies."""

    path: Path
    box: list[float] | None = None
    """west, south, east, north of the region, degrees"""
    beside: tuple[Path, ...] = ()
    """granules that are read with it: the ATL03 of an ATL08, the other pairs of a cube"""


def packed(path):
    """Write a file again in compressed chunks, its headers with checksums, as those of real granules are."""
    new = path.with_suffix(".new")
    with h5py.File(path) as old, h5py.File(new, "w", libver="latest") as file:
        old.visititems(lambda name, node: _pack(file, name, node))
        for key, value in old.attrs.items():
            file.attrs[key] = value
    new.replace(path)
    return path


def _pack(file, name, node):
    if isinstance(node, h5py.Group):
        made = file.require_group(name)
    else:
        values = node[()]
        chunks = {"chunks": values.shape, "compression": "gzip"} if values.ndim and values.size else {}
        made = file.create_dataset(name, data=values, **chunks)
    for key, value in node.attrs.items():
        if key not in ("DIMENSION_LIST", "CLASS", "NAME", "REFERENCE_LIST"):
            made.attrs[key] = value


def _atl06(folder):
    return Seed(packed(studies.write_atl06(folder / "ATL06_20190504033705_05480303_006_01.h5")), _AUSTFONNA)


def _atl11(folder):
    return Seed(packed(tracks.write_atl11(folder / "ATL11_054803_0306_006_01.h5")), _AUSTFONNA)


def _atl10(folder):
    beams = {beam: _ice(beam_fb_unc=np.full(12, 0.02, "f4")) for beam in ("gt1l", "gt1r", "gt2l")}
    return Seed(packed(sea_ice.write_granule(folder / sea_ice.NAME, beams)), [160, -80, 180, -70])


def _atl07(folder):
    names = ("height_segment_surface_error_est", "height_segment_ssh_flag")
    columns = dict(zip(names, (np.full(12, 0.02, "f4"), np.zeros(12, "i1")), strict=True))
    beams = {beam: _ice(height_segment_height=np.full(12, 0.2, "f4"), **columns) for beam in ("gt1l", "gt1r", "gt2l")}
    path = folder / sea_ice.NAME.replace("ATL10", "ATL07")
    made = sea_ice.write_granule(path, beams, product="ATL07", value="height_segment_height")
    return Seed(packed(made), [160, -80, 180, -70])


def _ice(**columns):
    return sea_ice.segments(12, longitude=np.full(12, 170.0), **columns)


def _photons(folder):
    made = replace(world("austfonna", "tiny"), settings={"atl03_segments": 40})
    beams = ("gt1l", "gt1r")
    (path,), (partner,) = (module.write(made, folder, cycles=[3]) for module in (atl03, atl08))
    for each in (path, partner):
        with h5py.File(each, "r+") as file:
            for beam in [name for name in file if name.startswith("gt") and name not in beams]:
                del file[beam]
    return packed(path), packed(partner)


def _atl03(folder):
    return Seed(_photons(folder)[0], [15, 78, 35, 82])


def _atl08(folder):
    photons, classes = _photons(folder)
    return Seed(classes, [15, 78, 35, 82], (photons,))


def _atl14(folder):
    surface = studies.surface(lambda x, y: 500 + (x - 1.03e6) / 100, on=studies.grid(12, 14, 100.0))
    return Seed(packed(studies.write_atl14(folder / "ATL14_SV_0325_100m_005_01.nc", surface)), [10, 78, 40, 82])


def _atl15(folder):
    change = studies.height_change(-1.0, on=studies.grid(6, 8))
    path = studies.write_atl15(folder / "ATL15_SV_0325_01km_005_01.nc", change, lags=(1, 4))
    return Seed(packed(path), [10, 78, 40, 82])


def _pair(folder, first, second, shift=0):
    path, rng = folder / _PAIR.format(first, second), np.random.default_rng(int(first))
    with h5py.File(path, "w", libver="latest") as file:
        file["x"] = -1603447.5 + 120.0 * np.arange(48)
        file["y"] = -293932.5 - 120.0 * np.arange(48)
        fields = {name: base + shift + rng.integers(-20, 20, (48, 48)) for name, base in (("vx", 800), ("vy", -600))}
        fields["v"] = np.rint(np.hypot(fields["vx"], fields["vy"]))
        fields["v_error"] = 30 + rng.integers(0, 20, (48, 48))
        for name, values in fields.items():
            values = values.astype("i2")
            values[:2] = FILL
            made = file.create_dataset(
                name, data=values, chunks=(24, 48), compression="gzip", shuffle=True, fillvalue=FILL
            )
            made.attrs["_FillValue"], made.attrs["units"] = np.int16(FILL), np.bytes_("meter/year")
        for name in ("vx", "vy"):
            error = {"error": 20.0, "stable_shift": 1.5, "stable_shift_flag": 1, "error_modeled": 40.0}
            file[name].attrs.update(error)
        info = file.create_dataset("img_pair_info", data=np.bytes_(b""))
        for n, date in ((1, first), (2, second)):
            info.attrs[f"acquisition_date_img{n}"] = np.bytes_(f"{date}T14:19:27")
            info.attrs[f"mission_img{n}"], info.attrs[f"satellite_img{n}"] = np.bytes_("L"), np.bytes_("8")
        span = np.datetime64(f"{second[:4]}-{second[4:6]}-{second[6:]}") - np.datetime64(
            f"{first[:4]}-{first[4:6]}-{first[6:]}"
        )
        info.attrs["date_dt"], info.attrs["roi_valid_percentage"] = float(span.astype(int)), 96.8
        grid = file.create_dataset("mapping", data=np.bytes_(b""))
        grid.attrs["spatial_epsg"], grid.attrs["grid_mapping_name"] = 3031, np.bytes_("polar_stereographic")
    return path


def _itslive(folder):
    path = _pair(folder, "20131218", "20140119")
    others = _pair(folder, "20141205", "20150106", 10), _pair(folder, "20151208", "20160109", 20)
    return Seed(path, [-100.59, -75.14, -100.45, -75.11], others)


def _cube(folder):
    rng, start = np.random.default_rng(1), 15000.0 + 10 * np.arange(6)
    dims, path = ("mid_date", "y", "x"), folder / "cube.zarr"
    layers = {
        name: (dims, rng.integers(-100, 100, (6, 4, 5)).astype("i2"), {"missing_value": -32767})
        for name in ("vx", "vy", "v")
    }
    said = {
        "acquisition_date_img1": start,
        "acquisition_date_img2": start + 16,
        "date_dt": np.full(6, 16.0, "f4"),
        "mission_img1": np.full(6, "L"),
        "mission_img2": np.full(6, "L"),
        "satellite_img1": np.full(6, "8"),
        "satellite_img2": np.full(6, "8"),
        "vx_error": np.full(6, 4.0, "f4"),
        "vy_error": np.full(6, 4.0, "f4"),
        "granule_url": np.array([f"https://a.b/c/granule{i}.nc" for i in range(6)]),
    }
    axes = {"mid_date": start + 8.0001, "y": 1000.0 - 120 * np.arange(4), "x": 120.0 * np.arange(5)}
    store = xr.Dataset(layers, axes, {"projection": "3031"}).assign({k: ("mid_date", v) for k, v in said.items()})
    store.to_zarr(path, zarr_format=2)
    return Seed(path)


MAKERS: dict[str, Callable[[Path], Seed]] = {
    "atl03": _atl03,
    "atl06": _atl06,
    "atl07": _atl07,
    "atl08": _atl08,
    "atl10": _atl10,
    "atl11": _atl11,
    "atl14": _atl14,
    "atl15": _atl15,
    "itslive": _itslive,
    "cube": _cube,
}


def copied(seed, folder):
    """A copy of a seed in an empty folder, that a mutation may break."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    path = folder / seed.path.name
    (shutil.copytree if seed.path.is_dir() else shutil.copyfile)(seed.path, path)
    return path
