"""What products along the orbit share: release, tracks, cycles, beams."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator, model_validator

from nunatak.constants import BEAMS
from nunatak.granules import variables
from nunatak.runtime import NunatakError
from nunatak.study.base import Cycle, Listed, Model, RegionNumber, Release, Track, key

_BEAM_WORDS = ("all", "strong", "weak")


class Product(Model):
    """What every product has."""

    version: Release | None = key(
        None,
        'release, three digits in quotes such as "006"; where not given the newest, in a folder that of each granule; '
        "any: the same, and releases are meant to be mixed",
    )
    splits: int = key(1, "shares a bucket of time is cut into, by a hash of the granule id", ge=1, le=1000)


class InPlace(Model):
    """A product that can be read where it lies."""

    fetch: Literal["download", "stream"] = key(
        "download", "of archive earthdata: download brings whole granules here; stream reads in place what is needed"
    )

    @model_validator(mode="after")
    def _one_way(self):
        cut = getattr(self, "subset", "local")
        if self.fetch == "stream" and cut != "local":
            raise ValueError(f"fetch: stream reads in place, subset: {cut} orders files; choose one of them")
        return self


def known_names(product, release, given):
    """
    Return {name as given: name as the reader takes it} and refuse one that the product or its release does not have.
    """
    try:
        release = None if release == "any" else release
        return {name: variables.canonical(product, name, release) for name in given}
    except NunatakError as error:
        raise ValueError(str(error)) from error


class OrbitProduct(Product):
    """A product that comes in granules of one pass over a part of the orbit."""

    rgt: Listed[Track] | Literal["auto"] | None = key(
        None, "reference ground tracks; auto: those that cross the focus; all that cross the region where not given"
    )
    cycles: Listed[Cycle] | None = key(None, "91-day repeats; all of the period where not given")
    region_numbers: Listed[RegionNumber] | None = key(None, "parts of the orbit, 1 to 14; all where not given")


class TrackProduct(OrbitProduct):
    """A product that keeps the beams apart."""

    beams: Listed[str] = key(("all",), "all, strong, weak, or a list of gt1l .. gt3r")
    subset: Literal["local", "harmony", "icepyx"] = key(
        "local",
        "who cuts granules of archive earthdata: local fetches whole ones; harmony orders subsets of the box; "
        "icepyx places the same order through icepyx, as its users do",
    )

    quick_look: bool = key(False, "take quick-look granules (such as ATL07QL) where the final ones have not come")

    @field_validator("beams")
    @classmethod
    def _known_beams(cls, value):
        for beam in value:
            if beam not in BEAMS and (beam not in _BEAM_WORDS or len(value) > 1):
                raise ValueError(f"no beam {beam!r}; write all, strong, weak or some of {', '.join(BEAMS)}")
        return value


FLOATING = "one of `regions`, whose ice floats: ocean tide and dynamic atmosphere are taken off its heights"


class LandIceHeights(Model):
    """What heights of land ice are corrected for."""

    floating: str | None = key(None, FLOATING)
    datum: Literal["ellipsoid", "EGM08"] = key(
        "ellipsoid", "heights above the WGS84 ellipsoid, or above the geoid that the product itself gives (EGM08)"
    )
