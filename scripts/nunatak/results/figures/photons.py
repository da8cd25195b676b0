"""Rows of the figures of heights fitted from photons."""

from __future__ import annotations

from nunatak.results.figures.row import Figure

ROWS = (
    Figure(
        name="photons_fit",
        topic="photons",
        inputs=("photon_cloud", "photon_segments"),
        draw="figures.study_photons:fit",
        shows="photons of a stretch of one beam and the segments fitted to them (atl06sr)",
    ),
    Figure(
        name="atl06sr_vs_atl06",
        topic="photons",
        inputs=("heights_compared",),
        draw="figures.study_photons:compared",
        shows="fitted heights beside those of the product (atl06sr, atl06)",
    ),
)
