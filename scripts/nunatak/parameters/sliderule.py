"""
What is asked of the photons, under the names that SlideRule's users type, checked once.

`FIELDS` is the one table of names: the reference's key, our field, what it means, its range. Defaults are those of
SlideRule 5.5, where documentation, releases and code disagree; every value goes into the provenance of a run.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from nunatak.constants import BEAMS, GT_CODES, SEGMENT_LENGTH
from nunatak.parameters.choices import ParameterError, choices_of
from nunatak.parameters.photons import Extents, FittedHeights, Percentiles, YapcParameters
from nunatak.parameters.values import (
    ATL08_CLASSES,
    CONFIDENCES,
    QUALITIES,
    SURFACES,
    declared,
    members,
    number,
    one_of,
    rings,
    several,
    whole,
)
from nunatak.times import YEARS, check_year, gps_to_utc, nanoseconds

PROJECTIONS = ("auto", "north_polar", "south_polar", "plate_carree")


@dataclass(frozen=True)
class FitParameters:
    """
    Which photons make which extents, and how a line is fitted to each.

    Each field names the reference's key in its description. Lengths are metres unless `dist_in_seg`.
    """

    profile: str = "legacy"
    """the extents' walk: legacy (from the first photon's segment), xseries (from the first selected photon) or
    anchored (from segment ids, the same extents whatever the area)"""
    compat: bool = Extents.compat
    """reproduce the reference's known defects, for comparison only"""
    columns: str = Extents.columns
    """standard names, or classic: lat, lon, distance, delta_time"""
    compact: bool = FittedHeights.compact
    """only delta_time, lat, lon, h_mean"""
    surface_type: int = Extents.srt
    """srt: -1 the highest confidence of all five, 0 land, 1 ocean, 2 sea ice, 3 land ice, 4 inland water"""
    confidence: tuple = Extents.cnf
    """cnf: signal confidences kept, -2 .. 4; given as one value: that and above"""
    quality: tuple = Extents.quality_ph
    """quality_ph: values kept, 0 .. 25"""
    podppd: int = Extents.podppd
    """bit mask of podppd_flag values kept (bit 0 nominal); 0 keeps all; the legacy walk does not look at it"""
    classes: tuple = Extents.atl08_class
    """atl08_class: ATL08 classes kept, 0 .. 4; none: ATL08 is not joined"""
    yapc: YapcParameters | None = None
    length: float = Extents.len
    """len: of an extent"""
    step: float = Extents.res
    """res: from extent to extent"""
    dist_in_seg: bool = Extents.dist_in_seg
    """len and res count ATL03 segments of 20 m; the x-series walk does not look at it"""
    spread: float = Extents.ats
    """ats: least distance along the track between first and last photon, m"""
    count: int = Extents.cnt
    """cnt: least number of photons"""
    pass_invalid: bool = Extents.pass_invalid
    """keep extents that fail ats or cnt"""
    max_iterations: int = FittedHeights.maxi
    """maxi: fits at most"""
    min_window: float = FittedHeights.H_min_win
    """H_min_win: least height of the window about the line, m"""
    max_dispersion: float = FittedHeights.sigma_r_max
    """sigma_r_max: most that the robust dispersion may be, m"""
    beams: tuple = BEAMS
    """track (1, 2, 3 as pairs), beams, or spots choose among the six"""
    spots: tuple = ()
    """1 .. 6, the physical beams; none: all"""
    rgt: int | None = None
    cycle: int | None = None
    region: int | None = None
    release: int | None = None
    """of the granule; another granule gives an empty result"""
    t0: np.datetime64 | None = None
    t1: np.datetime64 | None = None
    """a granule that lies outside these times (UTC) gives an empty result"""
    poly: tuple = ()
    """rings of (lon, lat); a point inside an odd number of them is in the area"""
    projection: str = "auto"
    """proj: the plane in which edges of poly are straight"""
    mask: Mapping | None = None
    """region_mask: {geojson, cellsize}, the area as cells of so many degrees"""
    datum: str = Extents.datum
    """EGM08 subtracts the granule's geoid; ITRF2014 and ITRF2020 must be the granule's own"""
    fields: tuple = field(default=())
    """atl03_ph_fields, atl03_geo_fields, atl03_corr_fields, atl03_bckgrd_fields: carried through the fit"""
    atl08_fields: tuple = ()
    """of ATL08's land_segments, carried through the fit"""
    als: Mapping | None = None
    """percentile surfaces: max_top_of_surface_percentile, median_ground_percentile"""

    @classmethod
    def of(cls, parameters: Any = None) -> FitParameters:
        """
        Return the parameters from a mapping with the reference's names, or ready-made ones unchanged.

        Raises
        ------
        ParameterError : a key is unknown or a value out of range. The message names the key, the value and what is
            allowed
        """
        if isinstance(parameters, cls):
            return parameters
        return parse(parameters or {})

    @property
    def length_m(self) -> float:
        """Return the length of an extent in metres, which is nominal if it is counted in segments."""
        return self.length * SEGMENT_LENGTH if self.by_segment else self.length

    @property
    def by_segment(self) -> bool:
        """Return whether len and res count segments in this profile."""
        return self.dist_in_seg and self.profile != "xseries"

    @property
    def joins_atl08(self) -> bool:
        """Return whether ATL08's classes are needed."""
        return bool(self.classes)

    def provenance(self) -> dict[str, Any]:
        """Return every value as plain data, for the record of a run."""
        record = asdict(self)
        record.update({name: str(record[name]) for name in ("t0", "t1") if record[name] is not None})
        return record


def _of_yapc(value):
    """Read the settings of YAPC."""
    given = _mapping("yapc", value)
    if "min_ph" in given:  # the reference's older releases
        given.setdefault("min_knn", given.pop("min_ph"))
    _refuse_unknown("yapc", given, choices_of(YapcParameters))
    choices = choices_of(YapcParameters)
    yapc = YapcParameters(**{name: declared(f"yapc.{name}", choices[name], value) for name, value in given.items()})
    if yapc.version == 3 and yapc.win_h == 0:
        raise ParameterError("yapc.win_h: 0 with version 3; it must be above 0 (0 means automatic in versions 1 and 2)")
    return yapc


def _of_fields(key):
    """Return a reader for the names of ancillary fields of a group."""
    group = {
        "atl03_ph_fields": "heights",
        "atl03_geo_fields": "geolocation",
        "atl03_corr_fields": "geophys_corr",
        "atl03_bckgrd_fields": "bckgrd_atlas",
    }[key]
    return lambda value: tuple(f"{group}/{name}" for name in several(key, value))


def _of_als(value):
    """Read the percentiles of surfaces."""
    given = _mapping("als", {} if value is True else value)
    choices = choices_of(Percentiles)
    _refuse_unknown("als", given, choices)
    return {name: declared(f"als.{name}", choice, given.get(name, choice.default)) for name, choice in choices.items()}


def _of_time(key):
    """Return a reader for a time."""

    def parse_time(value):
        try:
            if isinstance(value, int | float) and not isinstance(value, bool):
                if not abs(value) < _MOST_SECONDS:
                    raise ValueError("beyond any date")
                return nanoseconds(check_year(gps_to_utc(float(value))[()]))
            return nanoseconds(check_year(np.datetime64(str(value).removesuffix("Z"))))
        except (ValueError, OverflowError):
            raise ParameterError(
                f"{key}: {str(value)[:40]!r} is not a time between the years {YEARS[0]} and {YEARS[1]}; write "
                "2019-04-20T09:31:06 (UTC) or GPS seconds"
            ) from None

    return parse_time


def _of_mask(value):
    """Read a rasterised area."""
    given = _mapping("region_mask", value)
    _refuse_unknown("region_mask", given, ["geojson", "cellsize", "length"])
    if "geojson" not in given or "cellsize" not in given:
        raise ParameterError("region_mask: needs geojson (a mapping, or its text) and cellsize (degrees)")
    return {"geojson": given["geojson"], "cellsize": number("region_mask.cellsize", given["cellsize"], 1e-6, 90)}


_MOST_SECONDS = 9e9  # what nanoseconds can count

_DECLARED = choices_of(Extents) | choices_of(FittedHeights)


def _plain(key, name=None):
    """Return the row of a key whose values are read as it is declared."""
    return name or key, lambda value: declared(key, _DECLARED[key], value)


def _of_profile(value):
    """Read the profile of the walk."""
    return declared("profile", _DECLARED["profile"], value.replace("x-s", "xs") if isinstance(value, str) else value)


_NAMES = {code: beam for beam, code in GT_CODES.items()}

# reference's key: (our field, how a value is read and checked)
FIELDS: dict[str, tuple] = {
    "profile": ("profile", _of_profile),
    "compat": _plain("compat"),
    "columns": _plain("columns"),
    "compact": _plain("compact"),
    "srt": ("surface_type", lambda v: members("srt", v, SURFACES, single="exact")[0]),
    "cnf": ("confidence", lambda v: members("cnf", v, CONFIDENCES, single="above")),
    "quality_ph": ("quality", lambda v: members("quality_ph", v, QUALITIES, single="exact")),
    "podppd": _plain("podppd"),
    "atl08_class": ("classes", lambda v: members("atl08_class", v, ATL08_CLASSES, single="exact", empty=True)),
    "yapc": ("yapc", _of_yapc),
    "len": _plain("len", "length"),
    "res": _plain("res", "step"),
    "dist_in_seg": _plain("dist_in_seg"),
    "ats": _plain("ats", "spread"),
    "cnt": _plain("cnt", "count"),
    "pass_invalid": _plain("pass_invalid"),
    "maxi": _plain("maxi", "max_iterations"),
    "H_min_win": _plain("H_min_win", "min_window"),
    "sigma_r_max": _plain("sigma_r_max", "max_dispersion"),
    "beams": ("beams", lambda v: tuple(one_of("beams", _NAMES.get(b, b), BEAMS) for b in several("beams", v))),
    "spots": ("spots", lambda v: tuple(whole("spots", s, 1, 6) for s in several("spots", v))),
    "rgt": ("rgt", lambda v: whole("rgt", v, 1, 1387)),
    "cycle": ("cycle", lambda v: whole("cycle", v, 1, 99)),
    "region": ("region", lambda v: whole("region", v, 1, 14)),
    "version": ("release", lambda v: whole("version", int(v) if str(v).isdigit() else v, 1, 999)),
    "t0": ("t0", _of_time("t0")),
    "t1": ("t1", _of_time("t1")),
    "poly": ("poly", rings),
    "proj": ("projection", lambda v: one_of("proj", v, PROJECTIONS)),
    "region_mask": ("mask", _of_mask),
    "raster": ("mask", _of_mask),
    "datum": _plain("datum"),
    "atl03_ph_fields": ("fields", _of_fields("atl03_ph_fields")),
    "atl03_geo_fields": ("fields", _of_fields("atl03_geo_fields")),
    "atl03_corr_fields": ("fields", _of_fields("atl03_corr_fields")),
    "atl03_bckgrd_fields": ("fields", _of_fields("atl03_bckgrd_fields")),
    "atl08_fields": ("atl08_fields", lambda v: tuple(several("atl08_fields", v))),
    "als": ("als", _of_als),
}
_FIT_KEYS = ("maxi", "H_min_win", "sigma_r_max")
_NESTED = ("fit", "granule", "track")
# what the service has beyond a fit of heights, and this engine does not
_ELSEWHERE = ("phoreal", "samples", "output", "atl09_fields", "atl24", "atl03_signal_class")

# The reference documentation's example sets.
PRESETS: dict[str, dict[str, Any]] = {
    "atl06_like": {"srt": 3, "cnf": 1, "ats": 20.0, "cnt": 10, "len": 40.0, "res": 20.0, "maxi": 6},
    "fewer_false_positives": {"srt": 3, "cnf": 4, "ats": 20.0, "cnt": 10, "len": 40.0, "res": 20.0, "maxi": 6},
    "yapc_fine": {
        "srt": 3,
        "cnf": 0,
        "yapc": {"score": 0, "version": 3, "knn": 4},
        "ats": 10.0,
        "cnt": 5,
        "len": 20.0,
        "res": 20.0,
        "maxi": 1,
    },
}


def parse(parameters: Any) -> FitParameters:
    """Return the `FitParameters` of a mapping with the reference's names, see `FitParameters.of`."""
    given = {key: value for key, value in _mapping("parameters", parameters).items() if value is not None}
    preset = given.pop("preset", None)
    if preset is not None:
        given = {**PRESETS[one_of("preset", preset, tuple(PRESETS))], **given}
    refused = [key for key in given if key in _ELSEWHERE]
    if refused:
        raise ParameterError(f"{refused[0]}: not part of the fit of heights; leave it out (the service offers it)")
    if "fit" in given:
        fit = _mapping("fit", given.pop("fit"))
        _refuse_unknown("fit", fit, _FIT_KEYS)
        given = {**given, **fit}
        given.setdefault("profile", "xseries")
    given.update(_checked_granule(given.pop("granule", {})))
    track = given.pop("track", 0)
    _refuse_unknown("parameters", given, (*FIELDS, *_NESTED, "preset"))
    values: dict[str, Any] = {}
    for key, value in given.items():
        name, read = FIELDS[key]
        values[name] = values.get("fields", ()) + read(value) if name == "fields" else read(value)
    track = whole("track", track, 0, 3)
    if track:  # overrides beams, as the reference's code does, not as its documentation says
        values["beams"] = BEAMS[2 * track - 2 : 2 * track]
    return _consistent(FitParameters(**values))


def _checked_granule(value):
    """Read the conditions on the granule."""
    granule = _mapping("granule", value)
    _refuse_unknown("granule", granule, ("rgt", "cycle", "region", "version"))
    return granule


def _consistent(parameters):
    """Apply the effects of one parameter on another, and refuse combinations that are impossible."""
    p = parameters
    if p.by_segment and (p.step < 1 or p.length < 1):
        raise ParameterError(f"res: {p.step:g} with dist_in_seg; len and res count segments there: at least 1 each")
    if p.t0 is not None and p.t1 is not None and p.t1 < p.t0:
        raise ParameterError(f"t1: {p.t1} lies before t0 {p.t0}; write the earlier time first")
    if p.als is not None:
        p = replace(p, classes=tuple(sorted({*p.classes, 1, 2, 3})))
    elif p.atl08_fields and not p.classes:
        p = replace(p, classes=(0, 1, 2, 3))
    return replace(p, beams=tuple(b for b in BEAMS if b in p.beams))


def _mapping(key, value):
    """Return a mapping as a dict."""
    if not isinstance(value, Mapping):
        raise ParameterError(f"{key}: {value!r} is not a mapping of names to values")
    return dict(value)


def _refuse_unknown(where, given, known):
    """Refuse unknown keys, and suggest a similar one."""
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ParameterError(f"{where}: {key!r} is not known{hint} (known: {', '.join(known)})")
