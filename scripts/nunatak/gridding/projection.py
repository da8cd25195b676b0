"""
Project longitude and latitude to polar grids inside kernels, in closed form where that agrees with PROJ.

Polar stereographic and polar Lambert azimuthal equal-area (EASE-Grid 2.0) take a dozen operations each (Snyder 1987,
USGS Professional Paper 1395, equations 21-33, 21-34, 3-12 and 24-23), while calling PROJ for millions of points costs
more than accumulating them. Before a closed form is used, it is compared with PROJ at points over its whole range.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyproj

from nunatak.compute.kernels import kernel
from nunatak.runtime import NunatakError

NO_CLOSED_FORM, STEREOGRAPHIC, EQUAL_AREA = 0, 1, 2
HIGHEST_LATITUDE = 88.2  # degrees. Nearer the pole q_p - q cancels, and ICESat-2 turns at 88
TOLERANCE = 1e-6  # metres from PROJ
_RADIANS = math.pi / 180


@dataclass(frozen=True)
class Projection:
    """The projection of one coordinate system, from `projection`."""

    crs: str
    parameters: tuple[float, ...]
    """kind, hemisphere (1 north, -1 south), scale (m), e2, central meridian (rad), false easting, northing (m), q_p"""

    @property
    def kind(self) -> int:
        """Return NO_CLOSED_FORM, STEREOGRAPHIC or EQUAL_AREA."""
        return int(self.parameters[0])

    def needs_proj(self, lat: np.ndarray) -> np.ndarray:
        """
        Return which points need PROJ, because they are too near the pole or beyond the equator.

        Parameters
        ----------
        lat : (n,) degrees

        Returns
        -------
        (n,) bool
        """
        if self.kind == NO_CLOSED_FORM:
            return np.ones(np.shape(lat), dtype=bool)
        poleward = np.asarray(lat) * self.parameters[1]
        with np.errstate(invalid="ignore"):
            return (poleward > HIGHEST_LATITUDE) | (poleward < 0)

    def forward(self, lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """
        Project points with PROJ, which defines what the kernels compute.

        Parameters
        ----------
        lon, lat : (n,) degrees

        Returns
        -------
        x, y : (n,) m
        """
        return _transformer(self.crs).transform(lon, lat)

    def project(self, lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """
        Project points as the kernels do: by the closed form where it holds, elsewhere with PROJ.

        Parameters
        ----------
        lon, lat : (n,) degrees

        Returns
        -------
        x, y : (n,) m
        """
        lon, lat = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
        beyond = self.needs_proj(lat)
        x, y = np.empty(lon.shape), np.empty(lon.shape)
        if self.kind != NO_CLOSED_FORM:
            _project_all(lon, lat, np.array(self.parameters), x, y)
        if beyond.any():
            x[beyond], y[beyond] = self.forward(lon[beyond], lat[beyond])
        return x, y


@lru_cache(maxsize=32)
def projection(crs: str) -> Projection:
    """
    Return the Projection of a coordinate system.

    It has a closed form if the system is polar, on an ellipsoid, and agrees with PROJ.

    Parameters
    ----------
    crs : coordinate system, such as EPSG:6932

    Raises
    ------
    NunatakError : PROJ does not know the coordinate system
    """
    try:
        system = pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError as error:
        raise NunatakError(f"crs: {crs!r} is unknown to PROJ; write an EPSG code such as EPSG:6932") from error
    parameters = _closed_form(system)
    if parameters is not None and _agrees(Projection(crs, parameters)):
        return Projection(crs, parameters)
    return Projection(crs, (float(NO_CLOSED_FORM),) + (0.0,) * 7)


@lru_cache(maxsize=32)
def _transformer(crs):
    """Return the transformer from longitude and latitude to a coordinate system."""
    return pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)


def _closed_form(system):
    """Return the kernel's parameters for a polar projection, or None for any other."""
    operation = system.coordinate_operation
    if operation is None or not system.axis_info or system.axis_info[0].unit_name != "metre":
        return None
    given = {p.name: p.value for p in operation.params}
    a, e2 = system.ellipsoid.semi_major_metre, _eccentricity_squared(system.ellipsoid)
    shift = given.get("False easting", 0.0), given.get("False northing", 0.0)
    if operation.method_name == "Polar Stereographic (variant B)":
        parallel = given["Latitude of standard parallel"]
        scale = a * _stereographic_scale(abs(parallel) * _RADIANS, e2)
        meridian = given["Longitude of origin"] * _RADIANS
        return float(STEREOGRAPHIC), math.copysign(1.0, parallel), scale, e2, meridian, *shift, 0.0
    if operation.method_name == "Lambert Azimuthal Equal Area" and abs(given["Latitude of natural origin"]) == 90:
        e = math.sqrt(e2)
        q_pole = 1 + (1 - e2) * math.atanh(e) / e
        meridian = given["Longitude of natural origin"] * _RADIANS
        hemisphere = math.copysign(1.0, given["Latitude of natural origin"])
        return float(EQUAL_AREA), hemisphere, a, e2, meridian, *shift, q_pole
    return None


def _eccentricity_squared(ellipsoid):
    """Return the squared eccentricity of an ellipsoid."""
    a, b = ellipsoid.semi_major_metre, ellipsoid.semi_minor_metre
    return (a - b) * (a + b) / a**2


def _stereographic_scale(parallel, e2):
    """Return m_c / t_c of Snyder's 21-34, with rho = a * scale * t."""
    e, s = math.sqrt(e2), math.sin(parallel)
    m = math.cos(parallel) / math.sqrt(1 - e2 * s * s)
    return m / (math.cos(parallel) / (1 + s) * math.exp(e * math.atanh(e * s)))


def _agrees(candidate):
    """Return whether the closed form stays within TOLERANCE of PROJ over its hemisphere."""
    lat, lon = np.meshgrid(np.linspace(0.5, HIGHEST_LATITUDE, 45), np.linspace(-180.0, 180.0, 17))
    lat = lat.ravel() * candidate.parameters[1]
    x, y = candidate.project(lon.ravel(), lat)
    exact = candidate.forward(lon.ravel(), lat)
    return max(np.abs(x - exact[0]).max(), np.abs(y - exact[1]).max()) < TOLERANCE


@kernel
def project_point(lon: float, lat: float, p: np.ndarray) -> tuple[float, float]:
    """
    Return x, y of one point by the closed form, for |lat| <= HIGHEST_LATITUDE.

    Parameters
    ----------
    lon, lat : degrees
    p : (8,) parameters of the closed form
    """
    s = math.sin(lat * p[1] * 0.017453292519943295)
    z = p[3] * s * s
    # Series of atanh(e s) / e, whose next term is below 1e-16 for any ellipsoid of the Earth.
    arc = s * (1.0 + z * (1 / 3 + z * (1 / 5 + z * (1 / 7 + z * (1 / 9 + z / 11)))))
    if p[0] == 1.0:
        rho = p[2] * math.sqrt((1.0 - s) / (1.0 + s)) * math.exp(p[3] * arc)
    else:
        rho = p[2] * math.sqrt(p[7] - (1.0 - p[3]) * (s / (1.0 - z) + arc))
    angle = lon * 0.017453292519943295 - p[4]
    return p[5] + rho * math.sin(angle), p[6] - p[1] * rho * math.cos(angle)


@kernel
def _project_all(lon, lat, p, x, y):
    """Project all points by the closed form."""
    for i in range(lon.size):
        x[i], y[i] = project_point(lon[i], lat[i], p)
