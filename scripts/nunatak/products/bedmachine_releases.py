"""The versions of BedMachine that are known: what the codes of their masks mean, and which one a file is of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nunatak.files import remote
from nunatak.products import GranuleError, hdf5

if TYPE_CHECKING:
    import h5py

_MASK = {0: "ocean", 1: "ice-free land", 2: "grounded ice", 3: "floating ice"}
_GREENLAND_SOURCES = {
    0: "none",
    1: "GIMP",
    2: "mass conservation",
    3: "synthetic",
    4: "interpolation",
    5: "hydrostatic",
    6: "kriging",
    7: "RTopo-2",
    8: "gravity",
    9: "IceBoost",
    10: "bathymetry",
}
_ANTARCTIC_SOURCES = {
    1: "REMA/IBCSO",
    2: "mass conservation",
    3: "interpolation",
    4: "hydrostatic",
    5: "flow perturbation",
    6: "gravity",
    7: "seismic",
    8: "IceBoost",
    10: "multibeam",
}
GROUNDED, FLOATING = 2, 3
MASS_CONSERVATION = 2
"""code of `source`, of both sheets"""
INTERPOLATED = {"greenland": (3, 4, 6), "antarctica": (3, 5)}
"""codes of `source` where thickness is guessed between measurements, and not found by mass conservation"""


@dataclass(frozen=True)
class Release:
    """What one version of a sheet's BedMachine means by its numbers."""

    year: float
    """nominal year of the surface"""
    mask: dict[int, str]
    ice: tuple[int, ...]
    """codes of `mask` where there is ice"""
    source: dict[int, str]
    from_ten: bool
    """whether all codes of `source` from 10 on are bathymetry"""


def _greenland(mask):
    return Release(2007.0, mask, (GROUNDED, FLOATING), _GREENLAND_SOURCES, True)


def _antarctica():
    mask = {**_MASK, 4: "Lake Vostok"}
    return Release(2015.0, mask, (GROUNDED, FLOATING, 4), _ANTARCTIC_SOURCES, False)


RELEASES = {
    ("greenland", "5"): _greenland({**_MASK, 4: "land outside of Greenland"}),
    ("greenland", "6"): _greenland({**_MASK, 4: "land outside of Greenland"}),
    ("antarctica", "3"): _antarctica(),
    ("antarctica", "4"): _antarctica(),
}


def version_of(file: h5py.File, sheet: str) -> str:
    """
    Return the version of an open file, by its name, else by its attribute.

    Parameters
    ----------
    file : h5py.File
    sheet : greenland or antarctica

    Raises
    ------
    GranuleError : it says none, or one that is not known here
    """
    name = remote.location(file.filename).name
    named = re.search(r"[-_]v0?(\d+)(?:\.\d+)?\.nc", name, re.IGNORECASE)
    stated = re.search(r"\bv0?(\d+)", hdf5.attribute(file, "version", ""))
    found = named or stated
    known = ", ".join(version for other, version in RELEASES if other == sheet)
    if found is None or (sheet, found[1]) not in RELEASES:
        said = f"is version {found[1]}" if found else "says no version, neither in its name nor as an attribute"
        raise GranuleError(
            f"{file.filename}: {said}; of BedMachine {sheet.capitalize()} the masks of versions {known} are known: "
            "fetch one of them"
        )
    return found[1]
