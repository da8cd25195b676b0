"""Small made-up results of elevation and velocity together, of which every number is plain."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import xarray as xr

from nunatak.dynamics.lag import lags_of_years

CRS = "EPSG:3031"
X, Y = -1.6e6 + 120.0 * np.arange(50), -3.0e5 - 120.0 * np.arange(40)
VERTICES = [[X[5], Y[35]], [X[5], Y[5]]]


def sections(names=("front", "upper"), years=(2019, 2020, 2021)):
    """Segments of gates 4 km wide, 800 m thick, at 1000 m/yr and 10 m/yr more a year, a tenth of them not observed."""
    distance = np.arange(30.0, 4000.0, 60.0)
    parts = [
        pd.DataFrame(
            {
                "gate": name,
                "year": year,
                "distance": distance,
                "width": 60.0,
                "v_across": 1000.0 + 10 * (year - 2019),
                "observed": distance < 3600,
                "measured": distance > 400,
                "thickness": 800.0 - 2.0 * (year - 2019),
                "thickness_sigma": 40.0,
            }
        )
        for name in names
        for year in years
    ]
    return (
        pd.concat(parts, ignore_index=True)
        if parts
        else pd.DataFrame(columns=["gate", "year", "v_across", "thickness"])
    )


def gates(names=("front", "upper"), years=(2019, 2020, 2021)):
    """Discharge of gates: 3 Gt/yr and 0.03 more a year, half of it by interpolated thickness."""
    rows = [
        {
            "gate": name,
            "kind": "drawn",
            "year": year,
            "discharge": 3.0 + 0.03 * (year - 2019),
            "discharge_sigma": 0.15,
            "sigma_thickness": 0.149,
            "sigma_velocity": 0.01,
            "observed_share": 0.9 if year > 2019 else 0.4,
            "thickness_share": 1.0,
            "share_mass_conservation": 0.5,
            "share_interpolated": 0.5,
            "share_floating": 0.0,
            "angle": 88.0,
            "width": 4000.0,
            "vertices": json.dumps(VERTICES),
        }
        for name in names
        for year in years
    ]
    table = pd.DataFrame(rows, columns=list(rows[0]) if rows else ["gate", "kind", "year", "discharge", "vertices"])
    table.attrs["attributes"] = {"crs": CRS}
    return table


def budget(boxes=("trunk",), years=(2019, 2020, 2021), smb=0.5):
    """
    Return budgets of boxes that lose 0.45 Gt/yr, with a residual of 0.05 Gt/yr.

    Smb NaN leaves them open.
    """
    rows = []
    for box in boxes:
        for year in (*years, 0):
            terms = {"discharge_out": 3.0, "discharge_in": 2.1, "sides": 0.1, "smb": smb, "basal": np.nan}
            terms |= {"storage": -0.45, "residual": -0.45 - (smb + 2.1 - 3.0 - 0.1)}
            row = {"box": box, "year": year, "since": 2019.0, "until": 2022.0, "area": 90.0}
            for name, value in terms.items():
                row |= {name: value, f"{name}_sigma": 0.05 if np.isfinite(value) else np.nan, f"{name}_share": 0.95}
            rows.append(row)
    return pd.DataFrame(rows) if rows else pd.DataFrame({"box": [], "year": []})


def mapped(smb=True, firn=False):
    """Maps of dynamics.nc: thinning of 1 m/yr in the west, 0 in the east, and a divergence that explains it."""
    west = np.broadcast_to(np.linspace(-1.0, 0.0, X.size), (Y.size, X.size))
    fields = {
        "flux_divergence": 0.5 - west,
        "flux_divergence_sigma": np.full(west.shape, 0.2),
        "smoothing_length": np.full(west.shape, 3200.0),
        "thinning": west,
        "surface_part": np.full(west.shape, 0.5 if smb else np.nan),
        "dynamic_part": west - 0.5 if smb else west * np.nan,
        "residual": 0 * west if smb else west * np.nan,
    }
    if firn:
        fields |= {"smb_part": np.full(west.shape, 0.4), "firn_part": np.full(west.shape, 0.1)}
    for name in [name for name in fields if not name.startswith(("flux", "smoothing"))]:
        fields[f"{name}_sigma"] = np.full(west.shape, 0.1)
    about = {"crs": CRS, "since": "2019.0000", "until": "2022.0000"}
    return xr.Dataset({name: (("y", "x"), value) for name, value in fields.items()}, {"y": Y, "x": X}, about)


def flowline_years(years=(2018, 2019, 2020, 2021), surface=True):
    """A flowline of 12 km over a bed at -800 m that sinks by 1 m and is faster by 20 m/yr every year."""
    distance = np.arange(-2000.0, 10000.0, 120.0)
    parts = []
    for year in years:
        k, held = year - years[0], 0.0 if year > 2018 or len(years) == 1 else np.nan
        values = {
            "v": 1000 + 0.05 * distance + 20 * k,
            "v_error": 8.0,
            "v_change": 20.0 * k,
            "v_change_error": 10.0 * (k > 0),
            "strain": np.where(abs(distance - 4000) < 5000, 1e-3, np.nan),
            "strain_sigma": 4e-3,
            "surface": 700 - 0.02 * distance - k if surface else np.nan,
            "thickness": 1500.0 - 0.02 * distance - k,
            "thickness_sigma": 60.0,
            "dh": -1.0 * (k - 1) + held,
            "dh_sigma": 0.1 + held,
            "dhdt": -1.0 + held,
            "dhdt_sigma": 0.1 + held,
        }
        parts.append(pd.DataFrame({"flowline": "main", "year": year, "distance": distance, **values}))
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"flowline": [], "year": []})
    about = {"main_half_length": "1500.0", "main_v_since": "2018", "main_dh_since": "2019.5", "surface_is": "ATL14"}
    table.attrs["attributes"] = about | {"crs": CRS}
    return table


def basin_years(years=range(2005, 2021), regions=("basin", "rest")):
    """Regions whose surface sinks the faster the faster they flowed in the year before, which varies by chance."""
    rng = np.random.default_rng(11)
    tables = []
    for number, name in enumerate(regions):
        speed = 300.0 * (number + 1) + 40 * rng.standard_normal(len(years))
        rate = -1.0 - 0.01 * (np.concatenate([[speed.mean()], speed[:-1]]) - speed.mean())
        values = {"speed": speed, "speed_sigma": 9.0, "speed_share": 0.9, "dhdt": rate, "dhdt_sigma": 0.05}
        when = {"year": list(years), "since": np.array(years, float), "until": np.array(years, float) + 1}
        tables.append(pd.DataFrame({"region": name, **when, "area": 500.0, **values, "dhdt_share": 1.0}))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame({"region": [], "speed": [], "dhdt": []})


def lags(table=None):
    """The lags of `basin_years`."""
    tables = [
        lags_of_years(own["year"], own["speed"], own["dhdt"]).assign(place="region", name=name, distance=np.nan)
        for name, own in (basin_years() if table is None else table).groupby("region", sort=False)
    ]
    return pd.concat(tables, ignore_index=True)
