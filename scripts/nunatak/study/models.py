"""The study itself: everything its file says, checked and ready to use."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

import numpy as np
from pydantic import (
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema

from nunatak import granules
from nunatak.geometry import polygons, region
from nunatak.geometry.region import Region
from nunatak.granules.products import granules_of, product_row, products_with
from nunatak.parameters.archives import ARCHIVES
from nunatak.results.figures import known_names, possible_names
from nunatak.study.areas import check_places
from nunatak.study.base import FileWord, Model, Point, UserPath, Word, key
from nunatak.study.dynamics import Dynamics, check_dynamics
from nunatak.study.features import Features
from nunatak.study.lines import Flowline, Gate, Transect
from nunatak.study.period import Period, refuse_safe_hold
from nunatak.study.products import Products
from nunatak.study.sections import (
    Composite,
    Crs,
    Figures,
    Focus,
    Freeboard,
    Invert,
    Mass,
    RegionSpec,
)
from nunatak.study.simulated_world import check_rasters_made, check_world
from nunatak.study.tracks import PassBiases, SurfaceRates, check_sections
from nunatak.times import cycle_at

# Cycle 01 began on this day (ATL06 granules); safe holds moved later cycles by a few days against the nominal calendar.
_FIRST_DAY = np.datetime64("2018-10-13")
_CYCLE_MARGIN = np.timedelta64(10, "D")

if TYPE_CHECKING:
    ArchiveName = str
else:
    ArchiveName = Literal[tuple(ARCHIVES)]


def _region(value, info: ValidationInfo):
    if isinstance(value, Region):
        return value
    if isinstance(value, dict) and "wkt" in value:
        return Region.from_dict(value)
    try:
        return region.load(value, folder=(info.context or {}).get("folder", "."))
    except polygons.RegionError as error:
        raise ValueError(str(error)) from error


Outline = Annotated[
    Any,
    BeforeValidator(_region),
    PlainSerializer(Region.as_dict, return_type=dict),
    WithJsonSchema({"title": "RegionSpec"}),  # put in full by reference.schema,
]


class Connections(Model):
    """How many requests may run against a service at one time."""

    cmr: int = key(2, "catalogue of NASA's Earth data", ge=1, le=64)
    nsidc: int = key(4, "downloads from NSIDC", ge=1, le=64)
    harmony: int = key(2, "server-side subsets", ge=1, le=64)
    itslive: int = key(8, "ITS_LIVE catalogue and downloads", ge=1, le=64)
    sliderule: int = key(2, "SlideRule service", ge=1, le=64)


_SECRET = ("login", "harmony", "s3_credentials")  # services that are shown a login


class Endpoints(Model):
    """Where the services are."""

    cmr: str = key("https://cmr.earthdata.nasa.gov", "catalogue of NASA's Earth data")
    login: str = key("https://urs.earthdata.nasa.gov", "Earthdata login; also the machine's name in ~/.netrc")
    harmony: str = key("https://harmony.earthdata.nasa.gov", "server-side subsets")
    s3_credentials: str = key(
        "https://data.nsidc.earthdatacloud.nasa.gov/s3credentials", "keys for an hour to NSIDC's storage in the cloud"
    )
    s3: str | None = key(None, "storage in the cloud by bucket and key; Amazon's own in us-west-2 where not given")
    stac: str = key("https://stac.itslive.cloud", "ITS_LIVE catalogue")
    itslive_parquet: str = key(
        "https://its-live-data.s3.amazonaws.com/test-space/stac/catalog/warehouse", "ITS_LIVE catalogue as geoparquet"
    )
    itslive_cubes: str = key(
        "https://its-live-data.s3.amazonaws.com/datacubes/catalog_v02.json", "list of ITS_LIVE's datacubes (GeoJSON)"
    )
    sliderule: str = key("https://sliderule.slideruleearth.io", "SlideRule service")

    @field_validator("*")
    @classmethod
    def _is_an_address(cls, value, info: ValidationInfo):
        """Check that each is an address, and that a login or token is sent in the clear to this machine alone."""
        if value is None:
            return value
        scheme, host = value.partition("://")[0], urlsplit(value).hostname
        if scheme not in ("https", "http") or not host:
            raise ValueError(f"got {value!r}; write an address such as https://host")
        if scheme == "http" and info.field_name in _SECRET and host not in ("localhost", "127.0.0.1", "::1"):
            raise ValueError(f"got {value!r}; a login goes there: write https://{host}")
        return value


class Settings(Model):
    """What is the machine's or the user's (config/config.yaml). A study's own key wins over it."""

    results: UserPath = key("results", "folder of the results")
    resources: UserPath = key("resources", "folder of the originals, shared by all studies")
    directory: UserPath | None = key(None, "folder tree that holds the granules of archive `directory`")
    published: UserPath | None = key(
        None, "folder or bundle of results that `verify_<study>` compares with", exclude=True
    )
    scheduler: str | None = key(
        None,
        "Dask scheduler that grids granules, stacks image pairs and makes annual velocities: threads, processes, "
        "or an address such as tcp://host:8786; threads of the job itself where not given",
    )
    transfer: Literal["https", "s3", "auto"] = key(
        "https", "how granules of NSIDC come: https; s3, inside AWS us-west-2 alone; auto: s3 where it answers"
    )
    connections: Connections = key(Connections(), "requests at one time, by service")
    endpoints: Endpoints = key(Endpoints(), "addresses of the services")


class StudyFile(Settings):
    """All keys of a study file."""

    title: str = key(..., "one line for figures and reports", min_length=1)
    archive: ArchiveName = key("earthdata", "where granules come from")
    world: Literal["austfonna", "pine_island", "ross_sea", "ross_sea_year", "generic"] | None = key(
        None,
        "made-up world of archive simulated; generic: an ice cap, or sea ice, fitted to the region; the study's "
        "own world, if it has one in the region, else generic where not given",
    )
    region: Outline = key(..., "the area: name, bbox, lonlat or polygon")
    altimetry_region: Outline | None = key(None, "the area of the altimetry, where it is another one")
    regions: dict[Word, Outline] = key({}, "further areas with rows and series of their own, by name")
    crosses_antimeridian: bool = key(False, "the region is meant to cross longitude 180")
    crs: Crs | None = key(None, "coordinate system of points and their maps; EPSG:3413, EPSG:3031 or UTM by default")
    focus: Focus | None = key(None, "what maps zoom in on")
    period: Period = key(..., "[first day, last day], or {years: [a, b], months: [..]}", unit="UTC")
    products: Products = key(..., "what to read")
    transects: dict[FileWord, Transect] = key({}, "lines over the ice, by name")
    points: dict[Word, Point] = key({}, "points for series, [longitude, latitude] by name", unit="degrees")
    flowlines: dict[Word, Flowline] = key({}, "flowlines, by name")
    gates: dict[Word, Gate] = key({}, "flux gates, by name")
    features: Features | None = key(None, "many points or outlines with a series and a rate each; none where not given")
    geopackage: bool = key(False, "write points, flowlines and gates as a GeoPackage too (velocity/flow.gpkg)")
    freeboard: Freeboard | None = key(None, "sea-ice freeboard on a grid")
    composite: Composite | None = key(None, "annual velocities")
    surface_rates: SurfaceRates | None = key(
        None, "rates of height change around regular centres, without reference points (atl06); none where not given"
    )
    pass_biases: PassBiases | None = key(
        None, "the error that each pass shares, from crossovers (atl06, atl11); none where not given"
    )
    invert: Invert | None = key(None, "a regular series of velocities beside the annual ones; none where not given")
    dynamics: Dynamics | None = key(None, "flux, dynamic thinning and budgets; none where not given")
    mass: Mass | None = key(None, "how volume becomes mass; volume only where not given")
    figures: Figures = key(Figures(), "how figures look, and which")
    checks: Literal["fail", "warn"] = key("fail", "what a failed check does to the run")
    max_failed: int | None = key(0, "granules that may fail; null: any number, always counted", ge=0)
    lock: UserPath | None = key(None, "granule lock to use instead of asking the archive")
    size: Literal["full", "tiny"] = key("full", "tiny: the same study, small enough for a test")
    tiny: dict[str, Any] | None = key(None, "keys that replace others where size is tiny", exclude=True)
    simulated: dict[str, Any] | None = key(None, "keys that replace others where archive is simulated", exclude=True)

    @model_validator(mode="before")
    @classmethod
    def _crossing(cls, given):
        """Move `crosses_antimeridian` from beside `region` into it."""
        if (
            isinstance(given, dict)
            and given.get("crosses_antimeridian") is True
            and "wkt" not in given.get("region", ())
        ):
            try:
                given = {**given, "region": {**region.normal_form(given.get("region")), "crosses_antimeridian": True}}
            except polygons.RegionError as error:
                raise ValueError(f"region: {error}") from error
        return given

    @field_validator("title")
    @classmethod
    def _one_line(cls, value):
        if not value.isprintable():
            raise ValueError(f"got {value!r}; write one line of text")
        return value

    @field_validator("regions")
    @classmethod
    def _names_of_their_own(cls, value):
        taken = sorted({"region", "altimetry_region"} & set(value))
        if taken:
            raise ValueError(f"{taken[0]} is the name of another key's area; choose another name")
        return value

    @model_validator(mode="after")
    def _consistent(self):
        if not len(self.products):
            raise ValueError("products: none asked for; add one such as atl15")
        if "atl07" in self.products and "atl10" in self.products:
            raise ValueError("products: atl07 and atl10 are gridded one at a time; leave out one of them")
        for name in self.products:
            if not self.chunks(name):
                raise ValueError(
                    f"products.{name}: the period {self.period} holds none of its cycles; widen the period or cycles"
                )
        refuse_safe_hold(self.period, self.products)
        for name in (*(self.figures.names or ()), *self.figures.composed):
            self._check_figure(name)
        self._check_tracks()
        check_sections(self)
        check_places(self)
        check_dynamics(self)
        check_world(self)
        check_rasters_made(self)
        return self

    def _check_tracks(self):
        """Check that tracks chosen by the focus have one, and floating ice and the margin of ice an outline."""
        for name, asked in self.products.items():
            if getattr(asked, "rgt", None) == "auto" and self.focus is None:
                raise ValueError(f"products.{name}.rgt: auto takes the tracks that cross the focus; add focus: {{..}}")
        heights = sorted(name for name in products_with(land_ice=True) if name in self.products)
        for name, what in (*((name, "floating") for name in heights), ("itslive", "ice")):
            outline = getattr(self.products[name], what) if name in self.products else None
            if outline is not None and outline not in self.regions and (what, outline) != ("ice", "region"):
                known = f"there are {', '.join(self.regions)}" if self.regions else "the study has none"
                raise ValueError(f"products.{name}.{what}: {outline!r} is not one of regions; {known}")

        self._check_corrections(heights)

    def _check_corrections(self, names):
        """Check that heights that are compared with each other are corrected alike."""
        for other in names[1:]:
            one, two = (self.products[name] for name in (names[0], other))
            if one.floating != two.floating:
                raise ValueError(
                    f"products.{other}.floating: {two.floating!r} is not {one.floating!r} as in {names[0]}; their "
                    "heights are compared, write the same in both"
                )
            if (one.datum == "EGM08") != (two.datum == "EGM08"):
                raise ValueError(
                    f"products.{other}.datum: {two.datum} is not {one.datum} as in {names[0]}; their heights are "
                    "compared, write the same in both"
                )

    @property
    def sea_ice(self) -> str | None:
        """Return the product whose values are gridded, atl10 or atl07, or None where the study asks for neither."""
        return next((name for name in products_with(kept="sums") if name in self.products), None)

    @property
    def gridded_freeboard(self) -> Freeboard:
        """Return how sea-ice values are gridded, with defaults where the study does not say."""
        return self.freeboard or Freeboard.model_validate({})

    @property
    def annual_velocity(self) -> Composite:
        """Return how image pairs become annual velocities, with defaults where the study does not say."""
        return self.composite or Composite.model_validate({})

    def _check_figure(self, name):
        known = known_names(self)
        if name not in known:
            near = get_close_matches(name, known, 1, 0.5)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
            raise ValueError(f"figures.names: no figure {name!r}; {hint}")

    def chunks(self, product: str) -> list[str]:
        """
        List the chunks of a product, known from the period alone: buckets of time, each in `splits` shares.

        Parameters
        ----------
        product : one of the study's products
        """
        asked = self.products[product]
        splits = asked.splits
        names = self._buckets(product)
        if splits == 1:
            return names
        return [f"{name}-{share}of{splits}" for name in names for share in range(1, splits + 1)]

    def _buckets(self, product):
        bucket = product_row(granules_of(product, getattr(self.products[product], "source", None))).bucket
        if bucket == "cycle":
            wanted = self.products[product].cycles
            return [f"cycle{cycle:02d}" for cycle in self._cycles() if wanted is None or cycle in wanted]
        if bucket == "month":
            return [str(month) for month in self.period.calendar_months()]
        if bucket == "year":
            return [str(year) for year in self.period.years]
        return ["all"]

    def _cycles(self):
        cycles: set[int] = set()
        for start, end in self.period.spans():
            if end > _FIRST_DAY:
                first, last = cycle_at(np.array([start - _CYCLE_MARGIN, end + _CYCLE_MARGIN]))
                cycles.update(range(int(first), int(last) + 1))
        return sorted(cycles)

    def chunk_of(self, product: str, granule: granules.GranuleName) -> str | None:
        """Return the chunk of a granule, or None where the study does not ask for its cycle, month or year."""
        return granules.chunk_of(granule, self.products[product].splits, chunks=self.chunks(product))


class Study(StudyFile):
    """A study file with its name, ready to use."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = key(..., "the file's name without .yaml")
    path: SkipJsonSchema[str] = key(..., "the file")
    label: str = key(..., "the folder of results: the name, and the archive where another one was asked for")

    @property
    def folder(self) -> Path:
        """Return the folder of this study's results."""
        return Path(self.results) / self.label

    @property
    def figure_names(self) -> tuple[str, ...]:
        """List the figures to draw: those chosen, or all that the products allow."""
        return self.figures.names if self.figures.names is not None else tuple(possible_names(self))


__all__ = ["RegionSpec", "Settings", "Study", "StudyFile"]
