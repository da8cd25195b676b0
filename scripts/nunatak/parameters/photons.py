"""Choices of the photon fit under SlideRule's names: which photons make which extents, and how heights are fitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from nunatak.parameters.choices import Range, Unit

Preset = Literal["atl06_like", "fewer_false_positives", "yapc_fine"]


@dataclass(frozen=True)
class YapcParameters:
    """Photon weights by the density of their neighbours (YAPC)."""

    score: Annotated[int, Range(0, 65535), "photons with a lower score are left out"] = 0
    version: Annotated[int, Range(0, 3), "0 as in the file, 1 and 2 by segments, 3 by distance"] = 0
    knn: Annotated[int, Range(0, 1000), "neighbours that count (versions 1, 2); 0: from their number"] = 0
    min_knn: Annotated[int, Range(1, 1000), "fewest neighbours (version 3); min_ph in older releases"] = 5
    win_h: Annotated[
        float, Range(0, 1000), Unit("m"), "height of the window; 0 in versions 1 and 2: from the heights"
    ] = 6.0
    win_x: Annotated[float, Range(0.1, 1000), Unit("m"), "length of the window along track"] = 15.0


@dataclass(frozen=True)
class Percentiles:
    """Percentile surfaces."""

    max_top_of_surface_percentile: Annotated[float, Range(0, 1), "percentile of the top of the canopy"] = 0.98
    median_ground_percentile: Annotated[float, Range(0, 1), "percentile of the ground"] = 0.5


@dataclass(frozen=True)
class Extents:
    """Which photons make which extents."""

    preset: Annotated[Preset | None, "SlideRule's documented sets; further keys win over it"] = None
    # SlideRule's own, and that of direct calls, is legacy; a study's extents are the same in every cycle
    profile: Annotated[
        Literal["legacy", "xseries", "anchored"],
        "how extents follow each other: from segment ids, or as in SlideRule's two interfaces",
    ] = "anchored"
    compat: Annotated[bool, "reproduce the reference's known defects, for comparison only"] = False
    columns: Annotated[Literal["standard", "classic"], "classic: lat, lon, distance, delta_time"] = "standard"
    spots: Annotated[tuple[int, ...], "the physical beams, 1 to 6; all where not given"] = ()
    srt: Annotated[
        int, "surface type: -1 dynamic, 0 land, 1 ocean, 2 sea ice, 3 land ice, 4 inland water; or names"
    ] = -1
    cnf: Annotated[tuple[int, ...], "signal confidence, -2 to 4 or names; one value means that and above"] = (2, 3, 4)
    quality_ph: Annotated[tuple[int, ...], "photon quality kept, 0 to 25 or names"] = (0,)
    podppd: Annotated[int, Range(0, 255), "bit mask of podppd_flag values kept (xseries, anchored); 0 keeps all"] = 1
    atl08_class: Annotated[
        tuple[int, ...], "ATL08 photon classes kept, 0 to 4 or names; brings the ATL08 granules along"
    ] = ()
    yapc: Annotated[YapcParameters | None, "weights by neighbours; off where not given"] = None
    len: Annotated[float, Range(above=0, most=1e6), Unit("m"), "length of an extent"] = 40.0
    res: Annotated[float, Range(0.1, 1e6), Unit("m"), "step from one extent to the next"] = 20.0
    dist_in_seg: Annotated[bool, "len and res count ATL03 segments instead of metres"] = False
    ats: Annotated[float, Range(0, 1e6), Unit("m"), "least spread of an extent's photons along track"] = 20.0
    cnt: Annotated[int, Range(1, 10**9), "fewest photons of an extent"] = 10
    pass_invalid: Annotated[bool, "keep extents that fail ats or cnt"] = False
    datum: Annotated[
        Literal["unspecified", "ITRF2014", "ITRF2020", "EGM08"],
        "EGM08: heights above the granule's geoid; the others must be the granule's own",
    ] = "unspecified"


@dataclass(frozen=True)
class FittedHeights:
    """How a line is fitted to each extent, and what its row holds."""

    compact: Annotated[bool, "keep only delta_time, lat, lon, h_mean"] = False
    maxi: Annotated[int, Range(1, 1000), "most iterations of the fit"] = 5
    H_min_win: Annotated[float, Range(0, 1e4), Unit("m"), "least height of the window of the fit"] = 3.0
    sigma_r_max: Annotated[float, Range(above=0, most=1e4), Unit("m"), "largest robust spread used for the window"] = (
        5.0
    )
    atl03_ph_fields: Annotated[tuple[str, ...], "datasets of ATL03's heights carried through the fit"] = ()
    atl03_geo_fields: Annotated[tuple[str, ...], "datasets of ATL03's geolocation carried through the fit"] = ()
    atl03_corr_fields: Annotated[tuple[str, ...], "datasets of ATL03's geophys_corr carried through the fit"] = ()
    atl03_bckgrd_fields: Annotated[tuple[str, ...], "datasets of ATL03's bckgrd_atlas carried through the fit"] = ()
    atl08_fields: Annotated[tuple[str, ...], "datasets of ATL08's land_segments carried through the fit"] = ()
    als: Annotated[Percentiles | None, "percentile surfaces instead of a fitted line"] = None
