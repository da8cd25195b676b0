"""The figures of heights fitted from photons by name, from a study's results in memory."""

from __future__ import annotations

from nunatak.figures import photon_layouts


def _fit(look, request, name):
    said = request.photon_segments.attrs.get("attributes", {})
    first = request.photon_segments.iloc[0]
    return photon_layouts.photons_fit(
        look,
        title=f"{request.title}: RGT {int(first['rgt']):04d}, cycle {int(first['cycle']):02d}, photons and fit",
        cloud=request.photon_cloud,
        segments=request.photon_segments,
        length=float(said.get("extent_length_m", 40)),
        step=float(said.get("extent_step_m", 20)),
    )


def _compared(look, request, name):
    return photon_layouts.atl06sr_vs_atl06(
        look, title=f"{request.title}: ATL06-SR beside ATL06", table=request.heights_compared
    )


# name: function that draws it, and what of the request it cannot do without
FIGURES = {"photons_fit": (_fit, "photon_cloud"), "atl06sr_vs_atl06": (_compared, "heights_compared")}
