"""Which image pairs the simulated archive holds: platforms, dates, frames, projections, layouts and their quirks."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

# Position error of a match, m: sets the noise of a pair, and what it states as its error, e0 / date_dt * 365.25.
MATCH_ERROR = {"LT05": 6.0, "LE07": 3.0, "LC08": 1.5, "LC09": 1.5, "S2A": 1.2, "S2B": 1.2, "S1A": 0.5, "S1B": 0.5}
_SENTINEL1_ORBIT = 65
# platform: first year, last year, pairs of a year in the full archive
_FLEET = {
    "LT05": (1985, 2011, 2),
    "LE07": (1999, 2021, 3),
    "LC08": (2013, 2024, 6),
    "S2": (2016, 2024, 4),
    "S1": (2015, 2021, 6),
}


@dataclass(frozen=True)
class Pair:
    """One pair as it will be written."""

    id_img1: str
    id_img2: str
    """the earlier and the later image"""
    time1: np.datetime64
    time2: np.datetime64
    epsg: int
    layout: str
    """v1, v2 or v2a"""
    centre: tuple[float, float]
    """of the footprint less the site's, m in its projection (of the stray pair in its own)"""
    quirks: frozenset = field(default_factory=frozenset)
    """swapped, no_shift, wrong_shift, stripes, locked, empty, old_names, bad_date, pad_bug, stray, ..."""

    @property
    def platform(self):
        """Return the platform of the earlier image."""
        return self.id_img1.split("_")[0]

    @property
    def dt_days(self):
        """Return the days between the images."""
        return float((self.time2 - self.time1) / np.timedelta64(1, "D"))

    @property
    def key(self):
        """Return what all noise of the pair depends on."""
        return f"{self.id_img1}|{self.id_img2}"


@dataclass(frozen=True)
class Site:
    """
    Where image pairs lie, and when.

    Attributes
    ----------
    epsg : projection of most pairs
    centre : of the area, m in it
    half : half lengths of a footprint in x and y, m, for each size of a world
    jitter : m by which the middle of a footprint departs from the centre, for each size
    utm : EPSG code of the UTM zone in which some Sentinel-2 pairs lie
    frames, tiles : path and row of Landsat's images, tiles of Sentinel-2's
    summer : days from New Year to the middle of the season of optical pairs
    years : of the pairs; all that the satellites flew, in a tiny world every other one since 2012, where not given
    """

    epsg: int = 3031
    centre: tuple[float, float] = (-1.6e6, -3.06e5)
    half: dict = field(default_factory=lambda: {"full": (30e3, 40e3), "tiny": (14e3, 14e3)})
    jitter: dict = field(default_factory=lambda: {"full": 15e3, "tiny": 4e3})
    utm: int | None = None
    frames: tuple = ("001113", "232113", "002113")
    tiles: tuple = ("T13CES", "T14CMB", "T14CMC")
    summer: int = 0
    years: tuple | None = None

    @classmethod
    def of(cls, epsg, centre, half, lonlat, years):
        """Return the site of any place, its images named after its longitude and latitude."""
        lon, lat = lonlat
        zone = int(((lon + 180) % 360) // 6) + 1
        path = int((lon + 180) % 360 / 360 * 232) + 1
        row = int(np.clip(round((90 - lat) / 180 * 247), 1, 247))
        band = "CDEFGHJKLMNPQRSTUVWX"[int(np.clip((lat + 80) // 8, 0, 19))]
        aside = 0.15 * min(half)
        return cls(
            epsg,
            centre,
            dict.fromkeys(("tiny", "full"), half),
            dict.fromkeys(("tiny", "full"), aside),
            (32600 if lat >= 0 else 32700) + zone,
            tuple(f"{(path + i) % 233 or 1:03d}{row:03d}" for i in range(3)),
            tuple(f"T{zone:02d}{band}{name}" for name in ("ES", "MB", "MC")),
            182 if lat >= 0 else 0,
            tuple(years),
        )

    def covers(self, year, tiny):
        """Return whether pairs of a year are made."""
        if self.years is not None:
            # a pair that ends in the first month of a year began in the one before
            return year in self.years and (not tiny or len(self.years) < 8 or year % 2 == self.years[-1] % 2)
        return not tiny or (year >= 2012 and year % 2 == 0)


PINE_ISLAND = Site()


def site_of(world):
    """Return the site of a world's image pairs."""
    return world.settings.get("site", PINE_ISLAND)


def schedule(world):
    """
    List the pairs of a world in order of mid-date.

    Mostly austral summer, as optical pairs are; Sentinel-1 all year. Every trap that real granules have set before is
    among them (formats of the three layouts; see `itslive_files`).
    """
    tiny, site = world.size == "tiny", site_of(world)
    flown = [
        (name, year, per_year)
        for name, (first, last, per_year) in _FLEET.items()
        for year in range(first, last + 1)
        if site.covers(year, tiny)
    ]
    more = _more(site, sum(per_year for _, _, per_year in flown), tiny)
    pairs = []
    for name, year, per_year in flown:
        for i in range(more * (max(1, per_year // 2) if tiny else per_year)):
            pairs.append(_pair(world, name, year, i))
    pairs += _specials(world, pairs)
    return sorted(pairs, key=lambda pair: (pair.time1 + (pair.time2 - pair.time1) // 2, pair.id_img1, pair.id_img2))


def _more(site, flown, tiny):
    """Return how many times as many pairs a study of few years needs, so that its cells hold enough for a fit."""
    if site.years is None or not flown:
        return 1
    return max(1, round((160 if tiny else 240) / flown))


def _pair(world, name, year, i):
    site = site_of(world)
    rng = world.rng("itslive", "schedule", name, year, i)
    day = site.summer + rng.integers(-60, 45) if name != "S1" else int(365 * (i % 6 + rng.random()) / 6)
    time1 = np.datetime64(f"{year}-01-01", "s") + np.timedelta64(int(day), "D")
    jitter = site.jitter[world.size]
    centre = tuple(float(v) for v in rng.uniform(-jitter, jitter, 2))
    if name == "S2":
        return _sentinel2(rng, site, time1, centre, year, i)
    if name == "S1":
        return _sentinel1(rng, site, time1, centre)
    return _landsat(rng, site, name, time1, centre, year, i)


def _landsat(rng, site, name, time1, centre, year, i):
    frame = str(rng.choice(site.frames))
    cross = rng.random() < 0.2
    days = int(rng.choice([7, 9, 14, 23])) if cross else 16 * int(rng.choice([1, 2, 2, 3, 4, 6, 7, 12]))
    other = str(rng.choice([f for f in site.frames if f != frame])) if cross else frame
    second = "LC09" if name == "LC08" and year >= 2022 and cross else name
    layout = "v1" if year < 2013 and (name == "LE07" or i % 2 == 0) else "v2a" if name == "LC08" and i % 2 else "v2"
    quirks = {"stripes"} if name == "LE07" and time1 > np.datetime64("2003-05-31") else set()
    if layout == "v1" and rng.random() < 0.5:
        quirks.add("swapped")
    quirks |= _errors_of(rng, name)
    # Landsat passes Pine Island at about the same time of day
    time1 = time1 + np.timedelta64(int(rng.integers(14 * 3600, 15 * 3600)), "s")
    time2 = time1 + np.timedelta64(days * 86400 + int(rng.integers(-30, 30)), "s")
    collection = "01" if layout == "v1" else "02"
    ids = [_landsat_id(p, f, t, collection) for p, f, t in ((name, frame, time1), (second, other, time2))]
    return Pair(ids[0], ids[1], time1, time2, site.epsg, layout, centre, frozenset(quirks))


def _landsat_id(platform, frame, time, collection, processed=None):
    processed = processed or ("20161127" if collection == "01" else "20200908")
    return f"{platform}_L1GT_{frame}_{_digits(time)[:8]}_{processed}_{collection}_T2"


def _sentinel2(rng, site, time1, centre, year, i):
    tile = str(rng.choice(site.tiles))
    days = int(rng.choice([5, 10, 15, 30, 60, 120, 150]))
    time1 = time1 + np.timedelta64(15 * 3600 + 1261, "s")
    time2 = time1 + np.timedelta64(days * 86400, "s")
    ids = [_sentinel2_id(p, t, tile) for p, t in (("S2A", time1), ("S2B" if days % 10 else "S2A", time2))]
    epsg = (site.utm or 32700 + int(tile[1:3])) if i % 4 == 3 else site.epsg
    quirks = _errors_of(rng, "S2A") | ({"pad_bug"} if year < 2021 else set()) | ({"locked"} if days >= 120 else set())
    return Pair(ids[0], ids[1], time1, time2, epsg, "v2a", centre, frozenset(quirks))


def _sentinel2_id(platform, time, tile):
    return f"{platform}_MSIL1C_{_digits(time)}_N0209_R053_{tile}_{_digits(time + np.timedelta64(9000, 's'))}"


def _sentinel1(rng, site, time1, centre):
    days = int(rng.choice([6, 12, 12, 24]))
    time1 = time1 + np.timedelta64(4 * 3600 + 42, "s")
    time2 = time1 + np.timedelta64(days * 86400, "s")
    ids = []
    for platform, time in (("S1A", time1), ("S1B" if days == 6 else "S1A", time2)):
        first = 27 if platform == "S1B" else 73
        repeats = int((time - np.datetime64("2015-01-01")) / np.timedelta64(12, "D"))
        orbit = first + _SENTINEL1_ORBIT - 1 + 175 * (repeats + 20)
        end = time + np.timedelta64(28, "s")
        ids.append(f"{platform}_IW_SLC__1SSH_{_digits(time)}_{_digits(end)}_{orbit:06d}_{orbit * 7 % 1048576:06X}_3C9A")
    return Pair(ids[0], ids[1], time1, time2, site.epsg, "v2", centre, frozenset(_errors_of(rng, "S1A")))


def _errors_of(rng, name):
    """Draw the error of co-registration of a pair: none, no correction at all, or a wrong one."""
    quirks = set()
    draw = rng.random()
    if draw < 0.15:
        quirks.add("no_shift")
    elif draw < 0.40:
        quirks.add("slow_shift")
    if name in ("LC08", "S2A", "S1A") and rng.random() < 0.05:
        quirks.add("wrong_shift")
    return quirks


def _specials(world, pairs):
    """
    Return pairs of special kinds.

    These are a twin with the same mid-date, a reprocessed pair, an empty one, a stray, and odd metadata.
    """
    optical = [p for p in pairs if p.platform == "LC08" and p.layout == "v2"]
    site = site_of(world)
    tiles = [p for p in pairs if p.platform == "S2A" and p.epsg == site.epsg]
    if not optical or not tiles:
        return []  # of years before these satellites
    twin, bad, old, model = tiles[0], tiles[-1], optical[-1], optical[0]
    other = next(t for t in site.tiles if t not in twin.id_img1)
    own = next(t for t in site.tiles if t in twin.id_img1)
    stray = (3031, (-1.6e6, -3.06e5)) if site.epsg == 3413 else (3413, (-205000.0, -2250000.0))
    changes = [
        # the neighbouring tile of one pass: another pair with the same mid-date
        {"like": twin, "id_img1": twin.id_img1.replace(own, other), "id_img2": twin.id_img2.replace(own, other)},
        # the same two images, processed again
        {
            "like": model,
            "id_img1": model.id_img1.replace("20200908", "20230412"),
            "id_img2": model.id_img2.replace("20200908", "20230412"),
        },
        {"like": bad, "shift_days": 1, "quirks": {"bad_date"}},
        {"like": old, "shift_days": 2, "quirks": {"old_names"}},
        {"like": model, "shift_days": 3, "quirks": {"empty"}},
        {"like": model, "shift_days": 4, "quirks": {"stray"}, "epsg": stray[0], "centre": stray[1]},
    ]
    return [_changed(**change) for change in changes]


def _changed(like, shift_days=0, **change):
    """Return the pair with some fields changed, moved by whole days with its images' names."""
    move = np.timedelta64(shift_days * 86400, "s")
    times = like.time1 + move, like.time2 + move
    ids = [
        change.pop(f"id_img{n}", None) or _moved(getattr(like, f"id_img{n}"), old, new)
        for n, old, new in ((1, like.time1, times[0]), (2, like.time2, times[1]))
    ]
    quirks = frozenset(change.pop("quirks", like.quirks))
    fields = {"epsg": like.epsg, "layout": like.layout, "centre": like.centre, **change}
    return Pair(ids[0], ids[1], times[0], times[1], quirks=quirks, **fields)


def _moved(image_id, old, new):
    return image_id.replace(_digits(old)[:8], _digits(new)[:8])


def _digits(time):
    """Format a time as YYYYMMDDTHHMMSS."""
    return str(time.astype("datetime64[s]")).translate(str.maketrans("", "", "-:"))
