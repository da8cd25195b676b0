"""The products a study can ask for, one model each."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator

from nunatak.constants import BEAMS
from nunatak.study.base import Cycle, Listed, Model, Month, RegionNumber, Release, Track, key

Resolution = Literal["1km", "10km", "20km", "40km"]
Filter = Literal["strict", "standard", "rough", "none"]

_BEAM_WORDS = ("all", "strong", "weak")


class Product(Model):
    """What every product has."""

    version: Release | None = key(None, 'release, three digits in quotes such as "006"; the newest where not given')
    splits: int = key(1, "shares a bucket of time is cut into, by a hash of the granule id", ge=1, le=1000)


class OrbitProduct(Product):
    """A product that comes in granules of one pass over a part of the orbit."""

    rgt: Listed[Track] | None = key(None, "reference ground tracks; all that cross the region where not given")
    cycles: Listed[Cycle] | None = key(None, "91-day repeats; all of the period where not given")
    region_numbers: Listed[RegionNumber] | None = key(None, "parts of the orbit, 1 to 14; all where not given")
    variables: Listed[str] = key((), "further variables of the product to keep, by its own names")


class TrackProduct(OrbitProduct):
    """A product that keeps the beams apart."""

    beams: Listed[str] = key(("all",), "all, strong, weak, or a list of gt1l .. gt3r")

    @field_validator("beams")
    @classmethod
    def _known_beams(cls, value):
        for beam in value:
            if beam not in BEAMS and (beam not in _BEAM_WORDS or len(value) > 1):
                raise ValueError(f"no beam {beam!r}; write all, strong, weak or some of {', '.join(BEAMS)}")
        return value


class Atl03(TrackProduct):
    """Photons."""

    extents: bool = key(False, "also write the photon extents that the heights are fitted to")


class Atl06(TrackProduct):
    """Land-ice heights, a segment every 20 m."""

    filter: Filter = key(
        "standard", "which heights to keep: strict (flag 0 and 2 m to the neighbours), standard (flag 0), rough, none"
    )
    variables: Listed[str] = key(("h_li", "h_li_sigma"), "variables to keep, by the product's own names")


class Atl08(TrackProduct):
    """Land and vegetation heights; their photon classes."""


class Atl11(OrbitProduct):
    """Land-ice heights corrected to a reference track, by cycle."""

    pairs: Listed[Literal["pt1", "pt2", "pt3"]] = key(("pt1", "pt2", "pt3"), "beam pairs")
    filter: Literal["standard", "none"] = key("standard", "which heights to keep: standard (quality_summary 0) or none")
    min_cycles: int = key(4, "cycles a reference point must have been seen in, for a rate", ge=2, le=99)


class Atl14(Product):
    """Surface height at 100 m, epoch 2020.0."""


class Atl15(Product):
    """Height change since 2020.0, by quarter."""

    resolutions: Listed[Resolution] = key(
        ("1km",), "cell sizes; the finest carries the maps, the coarser ones check it", min_length=1
    )
    correlation_range: float = key(
        10.0, "distance over which errors of neighbouring cells are correlated", unit="km", gt=0, le=1000
    )
    band: float = key(100.0, "height of the elevation bands of the hypsometric curve", unit="m", gt=0, le=5000)

    @field_validator("resolutions")
    @classmethod
    def _finest_first(cls, value):
        return tuple(sorted(set(value), key=lambda name: int(name.removesuffix("km"))))


class Yapc(Model):
    """Photon weights by their neighbours."""

    score: int = key(0, "photons with a lower score are left out", ge=0, le=255)
    version: int = key(3, "version of the algorithm", ge=0, le=3)
    knn: int = key(0, "neighbours that count; 0: from the density", ge=0, le=1000)
    min_knn: int = key(5, "fewest neighbours", ge=1, le=1000)
    win_h: float = key(6.0, "height of the window", unit="m", gt=0, le=1000)
    win_x: float = key(15.0, "length of the window along track", unit="m", gt=0, le=1000)


class Atl06sr(TrackProduct):
    """Heights fitted from ATL03 photons; the keys are SlideRule's."""

    profile: Literal["legacy", "x-series"] = key("legacy", "which of SlideRule's two walks along the track")
    srt: int = key(3, "surface type: -1 dynamic, 0 land, 1 ocean, 2 sea ice, 3 land ice, 4 inland water", ge=-1, le=4)
    cnf: int | tuple[int, ...] = key(1, "signal confidence: one value means that and above, a list exactly those")
    quality_ph: int | tuple[int, ...] = key(0, "photon quality kept")
    atl08_class: Listed[str] = key((), "ATL08 photon classes kept; needs ATL08 granules")
    yapc: Yapc | None = key(None, "weights by neighbours; off where not given")
    ats: float = key(20.0, "least spread of an extent's photons along track", unit="m", ge=0, le=1000)
    cnt: int = key(10, "fewest photons of an extent", ge=1, le=100000)
    len: float = key(40.0, "length of an extent", unit="m", gt=0, le=10000)
    res: float = key(20.0, "step from one extent to the next", unit="m", gt=0, le=10000)
    dist_in_seg: bool = key(False, "len and res count ATL03 segments instead of metres")
    pass_invalid: bool = key(False, "keep extents that fail ats or cnt")
    maxi: int = key(6, "most iterations of the fit", ge=1, le=100)
    H_min_win: float = key(3.0, "least height of the window of the fit", unit="m", gt=0, le=100)
    sigma_r_max: float = key(5.0, "largest robust spread used for the window", unit="m", gt=0, le=100)


class Atl07(TrackProduct):
    """Sea-ice heights."""

    hemisphere: Literal["north", "south"] | None = key(None, "which granules; that of the region where not given")
    beams: Listed[str] = key(("strong",), "all, strong, weak, or a list of gt1l .. gt3r")


class Atl10(Atl07):
    """Sea-ice freeboard."""

    minimum_segments: int = key(1, "fewest segments of a cell that counts", ge=1, le=100000)


class ItsLive(Product):
    """Glacier velocity from pairs of images."""

    version: Literal["01", "02"] | None = key(None, "version of the granules; any where not given")
    percent_valid_pixels: float = key(1, "least share of valid cells", unit="%", ge=0, le=100)
    min_separation: float = key(1, "least time between the images", unit="days", ge=0, le=3650)
    max_separation: float = key(546, "most time between the images", unit="days", gt=0, le=3650)
    months: Listed[Month] | None = key(None, "only pairs with mid-dates in these months")
    max_per_year: int | None = key(None, "most pairs of a year; all where not given", ge=1)
    policy: Literal["spread", "best", "first"] = key(
        "spread", "which of a year's pairs: even in time, most valid cells, or the first"
    )
    platforms: Listed[str] = key(("all",), "all, or satellites such as LC08, S1A, S2B")
    geometry: Literal["same", "cross", "all"] = key("same", "pairs of one path and row, of different ones, or both")
    projections: Literal["all", "main"] = key(
        "all", "bring pairs of other projections to the main one, or leave them out"
    )
    variables: Listed[str] = key(("vx", "vy", "v", "v_error"), "variables of the cube")

    @field_validator("max_separation")
    @classmethod
    def _separations(cls, value, info):
        if value < info.data.get("min_separation", 0):
            raise ValueError(f"{value:g} is below min_separation {info.data['min_separation']:g}; exchange them")
        return value


class Products(Model):
    """The products of a study; used like a dictionary of those that were asked for."""

    atl15: Atl15 | None = key(None, "height change, gridded")
    atl14: Atl14 | None = key(None, "surface height, gridded")
    atl11: Atl11 | None = key(None, "heights by reference point and cycle")
    atl06: Atl06 | None = key(None, "heights along track")
    atl06sr: Atl06sr | None = key(None, "heights along track, fitted from photons")
    atl03: Atl03 | None = key(None, "photons")
    atl08: Atl08 | None = key(None, "photon classes")
    atl10: Atl10 | None = key(None, "sea-ice freeboard")
    atl07: Atl07 | None = key(None, "sea-ice heights")
    itslive: ItsLive | None = key(None, "image-pair velocities")

    def keys(self):
        """Names of the products asked for, in the order of this page."""
        return [name for name in type(self).model_fields if getattr(self, name) is not None]

    def items(self):
        """Name and model of each product asked for."""
        return [(name, getattr(self, name)) for name in self.keys()]

    def __iter__(self):
        return iter(self.keys())

    def __len__(self):
        return len(self.keys())

    def __contains__(self, name):
        return name in self.keys()

    def __getitem__(self, name):
        if name not in self.keys():
            raise KeyError(name)
        return getattr(self, name)
