"""The figures of heights fitted from photons by name, from a study's results in memory."""

from __future__ import annotations

from nunatak.figures import photon_layouts
from nunatak.parameters.photons import Extents


def fit(look, subject, data):
    said = data["photon_segments"].attrs.get("attributes", {})
    first = data["photon_segments"].iloc[0]
    return photon_layouts.photons_fit(
        look,
        title=f"{subject.title}: RGT {int(first['rgt']):04d}, cycle {int(first['cycle']):02d}, photons and fit",
        cloud=data["photon_cloud"],
        segments=data["photon_segments"],
        length=float(said.get("extent_length_m", Extents.len)),
        step=float(said.get("extent_step_m", Extents.res)),
    )


def compared(look, subject, data):
    return photon_layouts.atl06sr_vs_atl06(
        look, title=f"{subject.title}: ATL06-SR beside ATL06", table=data["heights_compared"]
    )
