"""What a notebook says of heights fitted from photons: against a reference, preset by preset, choice by choice."""

from __future__ import annotations

from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from nunatak import photons
from nunatak.checks import photons as checks
from nunatak.checks import truth
from nunatak.compute.robust import nmad
from nunatak.constants import BEAMS
from nunatak.parameters.sliderule import PRESETS
from nunatak.photons import comparison
from nunatak.reports import words
from nunatak.study.photon_products import fit_parameters

FALSE = 1.0  # m from the surface: a height that is none of it
SWEEP = {"len": (20.0, 40.0, 80.0), "cnf": (0, 2, 4), "ats": (5.0, 10.0, 20.0)}
_KEYS = ["rgt", "cycle", "beam", "segment_id"]


class Reference(NamedTuple):
    """What heights are held against: its name in words, and a function of a table that gives (n,) the height there."""

    name: str
    height: Any


def reference(study, compared=None):
    """
    Return the truth where the study's granules are simulated, else ATL06 at the same segments, else None.

    Parameters
    ----------
    study : the study as plain values, with `simulated_world`: what `simulation.world` takes, None for real granules
    compared : table of heights joined with ATL06
    """
    if study.get("simulated_world"):
        glacier = truth.glacier(**study["simulated_world"])
        return Reference("the true surface", lambda table: checks.surface_at(glacier, table))
    return None if compared is None else Reference("ATL06", lambda table: _atl06_at(table, compared))


def _atl06_at(table, compared):
    """Return ATL06's height at each row, moved to its place, NaN where ATL06 has no good segment."""
    known = compared[_KEYS].assign(beam=compared["beam"].astype(str), h=compared["h_mean"] - compared["difference"])
    asked = table[_KEYS].assign(beam=table["beam"].astype(str))
    return asked.merge(known, on=_KEYS, how="left")["h"].to_numpy()


def quality(table, against):
    """
    Measure how good the heights of a table are: counts and errors against a reference.

    Parameters
    ----------
    table : heights with standard names
    against : Reference; the median over the table is taken off first, because a pass has a bias of its own

    Returns
    -------
    mapping : `segments`, `good` (pflags 0), `compared` of these with a reference, `nmad` (m), `false` share of those
        compared that lie more than `FALSE` m off; NaN without any
    """
    good = table[table["pflags"] == 0].reset_index(drop=True)
    error = good["h_mean"].to_numpy() - against.height(good) if len(good) else np.empty(0)
    error = error[np.isfinite(error)]
    found = {"segments": len(table), "good": len(good), "compared": error.size, "nmad": np.nan, "false": np.nan}
    if error.size:
        found["nmad"] = nmad(error)
        found["false"] = float(np.mean(np.abs(error - np.median(error)) > FALSE))
    return found


def presets(granule, against, *, region=None, settings=None):
    """
    Fit one granule by the documented presets and a study's own parameters, one row each with `quality`.

    Parameters
    ----------
    granule : atl03.Granule
    settings : the study's `atl06sr` as plain values; must not ask for ATL08 classes
    """
    asked = {name: photons.FitParameters.of({"preset": name}) for name in PRESETS}
    if settings is not None:
        asked = {"this study": _of_study(settings), **asked}
    rows = []
    for name, parameters in asked.items():
        table, _ = photons.granule_heights(granule, parameters, region=region)
        rows.append({"parameters": name, **quality(table, against)})
    return pd.DataFrame(rows)


def preset_rows(found):
    """Return heads and rows in words of the table of `presets`."""
    heads = ("parameters", "segments", "good (pflags 0)", "spread (NMAD)", f"more than {FALSE:g} m off")
    rows = [
        (
            row.parameters.replace("_", " "),
            str(row.segments),
            str(row.good),
            f"{words.number(row.nmad, 2)} m",
            "unknown" if np.isnan(row.false) else f"{100 * row.false:.2f} %",
        )
        for row in found.itertuples()
    ]
    return heads, rows


def slope_rows(slope, difference):
    """Return heads and rows in words of differences by class of slope."""
    rows = [
        (
            comparison.in_words(row.slope_from, row.slope_to),
            f"{int(row.n):,}",
            f"{words.number(row.median, 2)} m",
            f"{words.number(row.nmad, 2)} m",
            f"{100 * row.beyond_1m:.2f} %",
        )
        for row in photons.differences_by_slope(slope, difference).itertuples()
    ]
    return ("slope", "segments", "median", "spread (NMAD)", "more than 1 m off"), rows


def sweep(granule, settings, against, *, beam, region=None, choices=None):
    """
    Fit one beam with every combination of some parameters, the others as in the study.

    Parameters
    ----------
    choices : mapping of the parameter's name to its values, default `SWEEP`

    Returns
    -------
    DataFrame : a column for each parameter, and those of `quality`
    """
    choices = SWEEP if choices is None else choices
    own = {**_asked(settings), "beams": [beam]}
    rows = []
    for values in product(*choices.values()):
        chosen = dict(zip(choices, values, strict=True))
        table, _ = photons.granule_heights(granule, {**own, **chosen}, region=region, threads=1)
        rows.append({**chosen, **quality(table, against)})
    return pd.DataFrame(rows)


def beam_rows(ledger):
    """Return heads and rows in words of the outcome of each beam of each granule."""
    rows = [
        (
            row["granule_id"],
            *(str(row.get(beam, "")) for beam in BEAMS),
            f"{int(row.get('n_photons') or 0):,}",
            f"{int(row.get('n_points') or 0):,}",
        )
        for row in ledger.fillna({"n_photons": 0, "n_points": 0}).to_dict("records")
    ]
    return ("granule", *BEAMS, "photons in the area", "heights"), rows


def parameter_rows(settings):
    """Return heads and rows of every parameter that the heights were fitted with."""
    record = _of_study(settings).provenance()
    shown = {name: value for name, value in record.items() if value not in (None, (), {}, [])}
    return ("parameter", "value"), [(name.replace("_", " "), _plain(value)) for name, value in shown.items()]


def _plain(value):
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(v)}" for name, v in value.items())
    return ", ".join(map(_plain, value)) if isinstance(value, tuple | list) else str(value)


def _asked(settings):
    """Return a study's parameters without ATL08, which a notebook does not open."""
    left_out = ("atl08_class", "atl08_fields", "als", "columns")
    return {name: value for name, value in fit_parameters(settings).items() if name not in left_out}


def _of_study(settings):
    return photons.FitParameters.of(_asked(settings))
