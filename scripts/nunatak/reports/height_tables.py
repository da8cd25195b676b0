"""Tables of the front page: change of regions and medians of repeat pairs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nunatak.checks.elevation import RESOLVED_CELLS
from nunatak.elevation import summarise_pairs
from nunatak.reports import words
from nunatak.reports.page import Table


def last_epochs(table):
    """Return the last epoch of every region and resolution of region_change.csv, finest resolution first."""
    changes = table[table["volume_change"].notna() & (table["years"] != 0)]
    last = changes.sort_values("time").groupby(["region", "resolution"], sort=False).tail(1)
    first_seen = {name: i for i, name in enumerate(table["region"].unique())}
    return last.sort_values(["resolution"]).sort_values("region", key=lambda r: r.map(first_seen), kind="stable")


def region_table(table):
    """Format region numbers with the error triple in words."""
    last = last_epochs(table)
    rows, with_mass = [], "mass_change" in table and table["mass_change"].notna().any()
    for row in last.to_dict("records"):
        share = row.get("interpolated_share", np.nan)
        cells = [
            row["region"].replace("_", " "),
            f"{row['resolution'] / 1000:g} km",
            f"{row['ice_area']:,.0f}",
            words.plus_minus(row["volume_change"], row["volume_sigma"]),
            f"{words.number(row['volume_sigma_independent'], 2)} to "
            f"{words.number(row['volume_sigma_fully_correlated'], 2)}",
            words.plus_minus(row["mean_dh"], row["mean_dh_sigma"]),
            words.plus_minus(row["mean_rate"], row["mean_rate_sigma"]),
            "unknown" if pd.isna(share) else f"{100 * share:.0f} %",
        ]
        if with_mass:
            cells.append(words.plus_minus(row["mass_change"], row["mass_sigma"]))
        rows.append(cells)
    heads = ["region", "cells", "ice area (km²)", "volume (km³)", "error between", "mean change (m)", "rate (m/yr)"]
    heads += ["interpolated", "mass (Gt)"] if with_mass else ["interpolated"]
    reach = table["correlation_range"].iloc[0] / 1000 if "correlation_range" in table else 10
    span = f"From {words.epoch(last['since'].iloc[0])} to {words.epoch(last['time'].iloc[0])}."
    notes = [
        f"{span} Errors are one standard error, correlated over {reach:g} km; “between” gives the bounds for errors "
        "that are independent from cell to cell and fully correlated.",
        "The change of surfaces that are ice at both epochs: retreat and advance of the front are not in ATL15.",
    ]
    if not with_mass:
        notes.append("A volume, not a mass: firn and uplift of the bed are not taken out.")
    coarse = last[last["n_cells"] < RESOLVED_CELLS]
    if len(coarse):
        notes.append(f"Fewer than {RESOLVED_CELLS} cells do not resolve a region; take its finest cells instead.")
    return Table("Height and volume change", tuple(heads), rows, tuple(notes))


def pair_table(pairs, counts=None):
    """Return the medians of repeat pairs by beam, with a note on the passes that `counts` says are no pairs."""
    rows = []
    for (rgt, first, last), part in pairs.groupby(["rgt", "cycle_first", "cycle_second"], observed=True):
        errors = part.groupby("beam", observed=True)["dh_sigma"].median()
        for row in summarise_pairs(part).to_dict("records"):
            rows.append(
                [
                    f"RGT {int(rgt):04d}, cycles {int(first):02d} and {int(last):02d}",
                    row["beam"],
                    str(row["n"]),
                    f"{words.number(row['median_dh_uncorrected'])} m",
                    words.plus_minus(row["median_dh"], errors[row["beam"]], "m"),
                    f"{words.number(row['nmad_dh'], 2)} m",
                    f"{words.number(row['median_dy'], 2)} m",
                    f"{words.number(row['median_dhdt'])} m/yr",
                ]
            )
    heads = ("track", "beam", "pairs", "uncorrected", "dh", "spread (NMAD)", "apart across track", "dh/dt")
    notes = (
        "Medians of the height differences of segments joined on segment_id that pass the study's filter; dh "
        "is corrected for the slope of the surface across the track, its error that of a single pair of segments, "
        "because those of one pass may err together.",
    )
    left_out = words.pairs_left_out(counts) if counts is not None else ""
    return Table("Repeat pairs", heads, rows, (*notes, left_out) if left_out else notes)
