"""The figures of elevation and velocity together by name, from a study's results in memory."""

from __future__ import annotations

import json

import numpy as np
import pyproj

from nunatak.figures import budget_layouts, gate_layouts, record_layouts, thinning_layouts, together_layouts
from nunatak.figures.layouts import NothingToDraw


def gate_section(look, subject, data):
    sections = data["gate_sections"]
    return gate_layouts.gate_section(look, title=f"{subject.title}: speed and thickness at gates", sections=sections)


def gates_series(look, subject, data):
    return gate_layouts.gates_series(look, title=f"{subject.title}: ice discharge", gates=data["discharge"])


def flux_divergence(look, subject, data):
    return thinning_layouts.flux_divergence(
        look,
        title=f"{subject.title}: flux divergence",
        mapped=_with_values(subject, data, "flux_divergence"),
        lines=_gate_lines(data),
    )


def dynamic_thinning(look, subject, data):
    return thinning_layouts.dynamic_thinning(
        look,
        title=f"{subject.title}: height change and its parts",
        mapped=_with_values(subject, data, "thinning"),
        lines=_gate_lines(data),
    )


def budget(look, subject, data):
    return budget_layouts.budget(look, title=f"{subject.title}: mass budget", table=data["budget"])


def flowline_together(look, subject, data):
    table = data["flowline_years"]
    names = list(dict.fromkeys(table["flowline"]))
    first = names[0]
    return together_layouts.flowline_together(
        look,
        title=f"{subject.title}: flowline {first.replace('_', ' ')}",
        line=table[table["flowline"] == first],
        about=table.attrs["attributes"],
        name=first,
        others=len(names) - 1,
    )


def speed_vs_thinning(look, subject, data):
    return together_layouts.speed_vs_thinning(
        look, title=f"{subject.title}: speed and height change", regions=data["basin_years"], lags=data.get("lags")
    )


def record_series(look, subject, data):
    return record_layouts.record_series(
        look,
        title=f"{subject.title}: the long record of height change",
        series=data["record_series"],
        change=data["record_change"],
    )


def _with_values(subject, data, name):
    """Return the maps of dynamics.nc, in memory, if one of them has a value somewhere."""
    mapped = data["dynamics"]
    if not np.isfinite(mapped[name].values).any():
        raise NothingToDraw(
            f"figures: {subject.name}: no cell has a {name.replace('_', ' ')}: where velocity, thickness and height "
            "change lie together is no ice"
        )
    return mapped.load()


def _gate_lines(data):
    """Return x and y of every gate on the map of dynamics.nc."""
    if "discharge" not in data:
        return []
    crs = data["discharge"].attrs["attributes"].get("crs")
    same = crs and pyproj.CRS.from_user_input(crs) == pyproj.CRS.from_user_input(data["dynamics"].attrs["crs"])
    vertices = data["discharge"].drop_duplicates("gate")["vertices"] if same else []
    return [tuple(np.transpose(json.loads(line))) for line in vertices]
