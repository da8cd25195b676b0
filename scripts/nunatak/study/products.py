"""The products a study can ask for, one model each."""

from __future__ import annotations

import re
from typing import Any, Literal, get_args

from pydantic import field_validator, model_validator
from pydantic_core import PydanticCustomError

from nunatak.granules import PRODUCTS, about_other, unknown_platform
from nunatak.parameters.elevation import HeightChange, HeightRecord, RateOptions
from nunatak.parameters.freeboard import FREEBOARD_LIMITS, Bin, Segments
from nunatak.parameters.tracks import RepeatPairs
from nunatak.parameters.velocity import CubeForm, PairSelection, VelocitySource
from nunatak.study.base import Listed, Model, Month, key
from nunatak.study.orbit_products import InPlace, LandIceHeights, OrbitProduct, Product, TrackProduct, known_names
from nunatak.study.photon_products import Atl03, Atl06sr
from nunatak.study.sections import Crs

Filter = Literal["strict", "standard", "rough", "none"]


class Atl06(TrackProduct, LandIceHeights, InPlace, RepeatPairs):
    """Land-ice heights, a segment every 20 m."""

    filter: Filter = key(
        "standard", "which heights to keep: strict (flag 0 and 2 m to the neighbours), standard (flag 0), rough, none"
    )
    variables: Listed[str] = key(("h_li", "h_li_sigma"), "variables to keep, by the product's own names")

    @field_validator("variables")
    @classmethod
    def _known_variables(cls, value, info):
        return tuple(dict.fromkeys(known_names("atl06", info.data.get("version"), value).values()))


class Atl08(TrackProduct, InPlace):
    """Land and vegetation heights, and their photon classes."""


class Atl11(OrbitProduct, LandIceHeights, InPlace, RateOptions):
    """Land-ice heights corrected to a reference track, by cycle."""

    pairs: Listed[Literal["pt1", "pt2", "pt3"]] = key(("pt1", "pt2", "pt3"), "beam pairs")
    filter: Literal["standard", "none"] = key("standard", "which heights to keep: standard (quality_summary 0) or none")
    variables: Listed[str] = key((), "further variables of the product to keep, by its own names")

    @field_validator("variables")
    @classmethod
    def _known_variables(cls, value, info):
        return tuple(dict.fromkeys(known_names("atl11", info.data.get("version"), value).values()))


class Atl14(Product, InPlace):
    """Surface height at 100 m, epoch 2020.0."""


class Atl15(Product, InPlace, HeightChange):
    """Height change since 2020.0, by quarter."""

    @field_validator("resolutions")
    @classmethod
    def _finest_first(cls, value):
        return tuple(sorted(set(value), key=lambda name: int(name.removesuffix("km"))))


class SeaIceProduct(TrackProduct, InPlace, Segments):
    """What both sea-ice products have."""

    hemisphere: Literal["north", "south"] | None = key(None, "which granules; that of the region where not given")
    beams: Listed[str] = key(("strong",), "all, strong, weak, or a list of gt1l .. gt3r")
    flags: dict[str, Listed[int]] = key({}, "values kept of further flags, by the product's own names")
    limits: dict[str, tuple[float | None, float | None]] = key(
        {},
        "lowest and highest value kept of further variables (null: no limit), such as ice_conc_amsr2: [50, null]; "
        "up to release 005 the name is ice_conc",
    )
    minimum_segments: int | dict[Bin, int] = key(
        1, "fewest segments of a cell that counts; one number, or one for each bin such as {day: 1, month: 100}"
    )

    @field_validator("minimum_segments")
    @classmethod
    def _positive(cls, value):
        if min(value.values(), default=1) < 1 if isinstance(value, dict) else value < 1:
            raise ValueError(f"got {value}; write at least 1")
        return value

    @field_validator("flags", "limits")
    @classmethod
    def _known_variables(cls, value, info):
        named = known_names(cls.__name__.lower(), info.data.get("version"), value)
        if len(set(named.values())) < len(named):
            raise ValueError(f"{', '.join(named)} name one variable twice; leave out one of them")
        return {named[name]: kept for name, kept in value.items()}


class Atl07(SeaIceProduct):
    """Sea-ice heights."""


class Atl10(SeaIceProduct):
    """Sea-ice freeboard."""

    limits: dict[str, tuple[float | None, float | None]] = key(
        FREEBOARD_LIMITS,
        "lowest and highest value kept of variables (null: no limit); negative freeboards are noise and stay",
    )


class ItsLive(Product, VelocitySource, PairSelection, CubeForm):
    """Glacier velocity from pairs of images."""

    version: Literal["01", "02", "02.0", "02.1"] | None = key(
        None, "version of the granules, 02.0 and 02.1 of mosaics; any where not given"
    )
    catalogue: Literal["stac", "geoparquet"] = key(
        "stac", "where archive earthdata looks for pairs: ITS_LIVE's search service, or its catalogue files"
    )
    months: Listed[Month] | None
    crs: Crs | None

    @property
    def has_cube(self):
        """Return whether the layers are kept as a cube of the study's own."""
        return self.source == "pairs" or self.keep_cube

    @field_validator("max_separation")
    @classmethod
    def _separations(cls, value, info):
        if value < info.data.get("min_separation", 0):
            raise ValueError(f"{value:g} is below min_separation {info.data['min_separation']:g}; exchange them")
        return value

    @field_validator("platforms")
    @classmethod
    def _known_platforms(cls, value):
        wrong = [hint for word in value if word != "all" and (hint := unknown_platform(word))]
        if wrong:
            raise ValueError(wrong[0])
        return value

    @model_validator(mode="after")
    def _what_the_source_can(self):
        asked = {
            "ice": (self.ice is not None, ("pairs",)),
            "percent_valid_in_region": (self.percent_valid_in_region > 0, ("pairs",)),
            "keep_cube": (self.keep_cube, ("datacubes",)),
            f"cells: {self.cells}": (self.cells != "region", ("datacubes",)),
            "crs": (self.crs is not None, ("pairs", "datacubes")),
        }
        for name, (given, sources) in asked.items():
            if given and self.source not in sources:
                needed = " or ".join(sources)
                raise ValueError(f"{name} needs source: {needed}, not {self.source}; leave one of them out")
        return self

    @model_validator(mode="after")
    def _grid_of_its_own(self):
        if (self.crs is None) != (self.cell is None):
            raise ValueError("crs and cell go together; give both, or neither and get the grid most pairs have")
        return self


class ItsLiveMosaic(Product):
    """Annual velocities of ITS_LIVE's mosaics, which those of itslive are compared with."""

    version: Literal["02", "02.0", "02.1"] | None = key(None, "version of the mosaics; any where not given")


class ItsLiveElevation(Product, InPlace, HeightRecord):
    """Height change of an ice sheet from all altimeters, by month: Greenland or grounded Antarctica."""

    @field_validator("periods")
    @classmethod
    def _in_order(cls, value):
        for start, end in value:
            if end - start < 2:
                raise ValueError(f"[{start:g}, {end:g}] is no span of two years or more; write [first year, last year]")
        return value


class BedMachine(Product, InPlace):
    """Thickness, bed and surface of an ice sheet: Greenland or Antarctica."""


def _sections(field):
    """List the models among the types of a key."""
    return [part for part in get_args(field.annotation) if part is not type(None)]


class Products(Model):
    """The products of a study, used like a dictionary of those that were asked for."""

    atl15: Atl15 | None = key(None, PRODUCTS["atl15"].title)
    atl14: Atl14 | None = key(None, PRODUCTS["atl14"].title)
    atl11: Atl11 | None = key(None, PRODUCTS["atl11"].title)
    atl06: Atl06 | None = key(None, PRODUCTS["atl06"].title)
    atl06sr: Atl06sr | None = key(None, PRODUCTS["atl06sr"].title)
    atl03: Atl03 | None = key(None, PRODUCTS["atl03"].title)
    atl08: Atl08 | None = key(None, PRODUCTS["atl08"].title)
    atl10: Atl10 | None = key(None, PRODUCTS["atl10"].title)
    atl07: Atl07 | None = key(None, PRODUCTS["atl07"].title)
    itslive: ItsLive | None = key(None, PRODUCTS["itslive"].title)
    itslive_elevation: ItsLiveElevation | None = key(None, PRODUCTS["itslive_elevation"].title)
    bedmachine: BedMachine | None = key(None, PRODUCTS["bedmachine"].title)
    itslive_mosaic: ItsLiveMosaic | None = key(None, PRODUCTS["itslive_mosaic"].title)

    @model_validator(mode="before")
    @classmethod
    def _known_products(cls, given: Any) -> Any:
        """Refuse products that exist and are not read, saying so. Names may be in capitals by mistake."""
        for name in given if isinstance(given, dict) else ():
            final = re.sub(r"[-_]?(ql|quick[-_]?look)$", "", str(name).lower())
            said = about_other(final)
            if said:
                more = "; freeboard.atl20 compares with files of it" if final == "atl20" else ""
                hint = f"{said}{more}; those it reads are {', '.join(cls.model_fields)}"
            elif final != str(name).lower() and final in cls.model_fields:
                quick = any("quick_look" in part.model_fields for part in _sections(cls.model_fields[final]))
                told = "quick-look granules are asked for with quick_look: true in" if quick else "did you mean"
                hint = f"unknown key; {told} {final}{'' if quick else '?'}"
            elif name not in cls.model_fields and str(name).lower() in cls.model_fields:
                hint = f"unknown key; did you mean {str(name).lower()}?"
            else:
                continue
            raise PydanticCustomError("unknown_key", "{hint}", {"key": str(name), "hint": hint})
        return given

    @model_validator(mode="after")
    def _two_sources(self):
        if self.itslive_mosaic is not None and (self.itslive is None or self.itslive.source == "mosaics"):
            raise ValueError(
                "itslive_mosaic is compared with velocities of pairs or datacubes; add itslive: {..}, or take it out "
                "(itslive: {source: mosaics} gives the mosaics alone)"
            )
        return self

    @model_validator(mode="after")
    def _classes_come_along(self):
        """Add ATL08 where photon classes are needed: its granules of the same passes are asked for too."""
        by = next((asked for asked in (self.atl06sr, self.atl03) if asked is not None and asked.joins_atl08), None)
        if by is not None and self.atl08 is None:
            same = {
                name: getattr(by, name)
                for name in ("version", "splits", "rgt", "cycles", "region_numbers", "quick_look")
            }
            object.__setattr__(self, "atl08", Atl08(**same))  # frozen, and made here
        return self

    def keys(self):
        """List the products asked for, in the order of this page."""
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
