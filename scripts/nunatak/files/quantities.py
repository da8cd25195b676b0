"""
Read the user's thickness, firn, mass balance and melt on a grid, each in one unit.

The CF attributes of a file define its content: `units` and, if there is one, `standard_name`. Units are converted.
Ambiguous units, such as metres a year without ice or water, are refused with the spelling to write.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from nunatak.constants import DAYS_PER_YEAR, ICE_DENSITY, METRES, SECONDS_PER_DAY, THICKNESS
from nunatak.files import user_rasters
from nunatak.files.raster_reading import read_on_grid
from nunatak.runtime import NunatakError

MONTHS_PER_YEAR = 12
# Units of time per year. A month is a twelfth of a year unless its length follows from times.
_PER_YEAR = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), DAYS_PER_YEAR * SECONDS_PER_DAY),
    **dict.fromkeys(("d", "day", "days"), DAYS_PER_YEAR),
    **dict.fromkeys(("mon", "month", "months"), MONTHS_PER_YEAR),
    **dict.fromkeys(("a", "y", "yr", "year", "years", "annum"), 1),
}
# kg m-2 of one unit of an amount. A metre alone is ambiguous.
_AMOUNTS = {
    **dict.fromkeys(("kg m-2", "mm we", "mm weq"), 1.0),
    "g cm-2": 10.0,
    "cm we": 10.0,
    **dict.fromkeys(("m we", "m weq"), 1000.0),
    **dict.fromkeys(("m ice", "m ie"), ICE_DENSITY),
    **dict.fromkeys(("mm ice", "mm ie"), ICE_DENSITY / 1000),
}
_LENGTHS = {
    **METRES,
    **dict.fromkeys(("m air", "m of air", "m ice", "m ie"), 1.0),
    "cm": 0.01,
    **dict.fromkeys(("mm", "millimetre", "millimeter", "mm air"), 0.001),
}
_THIN = 6.0  # m. A file without thicker ice may be in kilometres, so its units must be stated


@dataclass(frozen=True)
class Quantity:
    """The name of a quantity, its unit in this library, and its valid range."""

    words: str
    unit: str
    valid: tuple[float, float]
    """smallest and largest possible value, in its unit"""
    names: tuple[str, ...] = ()
    """CF standard names"""
    variables: tuple[str, ...] = ()
    """names of variables by which it is found among several"""
    negative: tuple[str, ...] = field(default=())
    """standard names whose positive values are a gain, while here they are a loss"""
    is_rate: bool = False
    of_air: bool = False
    """whether a rate is of metres of air, not of ice"""


QUANTITIES = {
    "thickness": Quantity(
        "ice thickness", "m", THICKNESS, ("land_ice_thickness",), ("thickness", "lithk", "thk", "land_ice_thickness")
    ),
    "thickness_sigma": Quantity("error of the ice thickness", "m", THICKNESS, (), ("thickness_sigma", "errbed")),
    "firn": Quantity("firn air content", "m", (-100.0, 150.0), (), ("fac", "firn_air_content", "dfac", "firn")),
    "firn_rate": Quantity(
        "change of firn air content",
        "m/yr",
        (-10.0, 10.0),
        (),
        ("dfac_dt", "firn_rate", "fac", "firn"),
        is_rate=True,
        of_air=True,
    ),
    "smb": Quantity(
        "surface mass balance",
        "m/yr",
        (-40.0, 40.0),
        ("land_ice_surface_specific_mass_balance_flux", "land_ice_surface_specific_mass_balance"),
        ("smb", "acabf", "SMB", "smb_rec"),
        is_rate=True,
    ),
    "basal_melt": Quantity(
        "basal melt",
        "m/yr",
        (-50.0, 300.0),
        ("land_ice_basal_melt_rate", "land_ice_basal_specific_mass_balance_flux"),
        ("basal_melt", "melt", "libmassbfgr", "libmassbffl"),
        negative=("land_ice_basal_specific_mass_balance_flux",),
        is_rate=True,
    ),
}


def read_quantity(
    given: str | float,
    grid: Any,
    *,
    quantity: str,
    variable: str | int | None = None,
    years: tuple[int, int] | None = None,
) -> xr.DataArray:
    """
    Read a quantity on the cells of a grid by bilinear interpolation, in this library's unit.

    Parameters
    ----------
    given : GeoTIFF or NetCDF, netcdf:FILE:VARIABLE, or a number, in m, for smb and basal_melt in m of ice per year
    grid : nunatak.geometry.grid.Grid
    quantity : key of `QUANTITIES`
    variable : name of a variable or number of a band. Default: the only one, else the one with the quantity's CF name
    years : (first, last) calendar years of a series to keep. Default: all

    Returns
    -------
    DataArray (y, x), or (time, y, x) for a series, NaN where the file has no value. thickness and firn are in m, smb in
        m of ice per year, basal_melt in m of ice per year and positive for melting. attrs: units, given_units, source,
        missing_share (0 to 1)

    Raises
    ------
    NunatakError : units are missing, unknown or ambiguous, the standard name is that of another quantity, values are
        impossible, or place or years are not those of the study

    Examples
    --------
    >>> from nunatak.geometry.grid import Grid
    >>> read_quantity(900.0, Grid("EPSG:3031", 0, 0, 100, 100, 2, 2), quantity="thickness").values[0, 0]
    np.float64(900.0)
    """
    about = QUANTITIES[quantity]
    if not isinstance(given, str):
        return _constant(float(given), grid, about, quantity)
    path, name = user_rasters.source_of(given, variable)
    name, attributes = _chosen(path, name, about)
    factor, monthly = _factor(attributes, about, path)
    if attributes.get("standard_name") in about.negative:
        factor = -factor
    low, high = sorted(limit / factor for limit in about.valid)
    field_ = read_on_grid(str(path), grid, variable=name, valid=(low, high))
    field_ = _in_years(field_, years, path)
    if monthly and "time" in field_.dims:
        field_ = field_ * _month_lengths(field_["time"])
    if quantity == "thickness" and not attributes.get("units"):
        _refuse_kilometres(field_, path)
    return _finished(field_.astype("f8") * factor, about, attributes.get("units", ""), str(given))


def read_firn(given: float | str, grid: Any, *, variable: Any = None) -> xr.DataArray:
    """
    Read the air content of the firn along time, or the rate of its change, of the user's on a grid.

    Parameters
    ----------
    given : NetCDF with air content along time (m) or a raster of a rate (m yr-1), or a number, m of air per year
    grid : nunatak.geometry.grid.Grid
    variable : as of `read_quantity`

    Returns
    -------
    DataArray (time, y, x) of air content, m, or (y, x) of a rate, m of air per year, as `read_quantity` returns them

    Raises
    ------
    NunatakError : air content without times, a rate along time, and what `read_quantity` refuses
    """
    if not isinstance(given, str):
        return read_quantity(given, grid, quantity="firn_rate")
    path, name = user_rasters.source_of(given, variable)
    units = str(_chosen(path, name, QUANTITIES["firn"])[1].get("units", ""))
    is_rate = _parts(units)[1] is not None
    found = read_quantity(given, grid, quantity="firn_rate" if is_rate else "firn", variable=variable)
    if is_rate == ("time" in found.dims):
        has = "a rate along time" if is_rate else "air content without times"
        raise NunatakError(f"{path}: firn: {has}; give air content along time (units m), or one rate (units m yr-1)")
    return found


def _constant(value, grid, about, quantity):
    """Return a number as a constant field."""
    low, high = about.valid
    if not low <= value <= high:
        raise NunatakError(
            f"{quantity}: {value:g} {about.unit} is not between {low:g} and {high:g}; write {about.unit}"
        )
    made = xr.DataArray(np.full(grid.shape, value), coords={"y": grid.y, "x": grid.x}, dims=("y", "x"))
    return _finished(made, about, about.unit, f"{value:g} {about.unit}")


def _finished(values, about, units, source):
    """Add units, name, source and the share of missing cells as attributes."""
    missing = float(np.isnan(values).mean()) if values.size else 1.0
    return values.assign_attrs(
        units=about.unit, long_name=about.words, given_units=units, source=source, missing_share=missing
    )


def _chosen(path, variable, about):
    """Return the name and the attributes of the variable to read."""
    fields = user_rasters.fields_of(path)
    if variable is None and len(fields) > 1:
        fits = [name for name, held in fields.items() if held.get("standard_name") in about.names]
        fits = fits or [name for name in fields if name in about.variables]
        variable = fits[0] if len(fits) == 1 else None
    held = fields.get(variable if variable is not None else next(iter(fields)), {})
    stated = held.get("standard_name", "")
    if any(word in stated for word in ("altitude", "height_above")):
        raise NunatakError(
            f"{path}: its standard_name {stated} says a height above a datum, not {about.words}; name another variable"
        )
    other = next((q.words for q in QUANTITIES.values() if stated in q.names and q is not about), None)
    if other:
        raise NunatakError(f"{path}: its standard_name {stated} says {other}, not {about.words}; name another variable")
    return variable, held


def _factor(attributes, about, path):
    """Return the factor that converts a value, and whether the value is the sum of a month."""
    units = str(attributes.get("units", ""))
    if about.is_rate:
        return _rate(units, attributes, about, path)
    if not units:
        return 1.0, False
    factor = _LENGTHS.get(" ".join(units.strip().lower().split()))
    if factor is None:
        raise NunatakError(
            f"{path}: {about.words} in {units!r}, which is not a known length; write units m or km into the file"
        )
    return factor, False


def _rate(units, attributes, about, path):
    """Return the factor that converts a rate to m of ice per year, and whether the rate is per month."""
    remedy = (
        "write the attribute units, such as kg m-2 s-1, mm w.e. yr-1 or m ice yr-1 (a GeoTIFF: .venv/bin/rio edit-info "
        "--bidx 1 --units 'mm w.e. yr-1' FILE)"
    )
    if not units:
        raise NunatakError(f"{path}: {about.words} without units; {remedy}")
    amount, time = _parts(units)
    if time is None:
        raise NunatakError(f"{path}: {about.words} in {units!r}, which states no time; {remedy}")
    if about.of_air:
        if amount not in _LENGTHS:
            raise NunatakError(f"{path}: {about.words} in {units!r}, which is no length a year; write metres of air")
        return _LENGTHS[amount] * _PER_YEAR[time], False
    of = _AMOUNTS.get(amount)
    if of is None and amount == "m" and attributes.get("density"):
        of = float(attributes["density"])
    if of is None:
        why = "is of ice or of water" if amount in ("m", "mm", "cm") else "is not a known amount"
        raise NunatakError(f"{path}: {about.words} in {units!r}, which {why}; {remedy}")
    return of * _PER_YEAR[time] / ICE_DENSITY, _PER_YEAR[time] == MONTHS_PER_YEAR


def _parts(units):
    """
    Return the amount and the time of a rate's unit.

    The time is None unless the unit names exactly one.

    >>> _parts("mm w.e. per month"), _parts("kg/m2/yr"), _parts("kg m**-2 s^-1"), _parts("m of ice a-1")
    (('mm we', 'month'), ('kg m-2', 'yr'), ('kg m-2', 's'), ('m ice', 'a'))
    """
    text = units.lower().replace("w.e.", "we").replace("w. e.", "we").replace("i.e.", "ie")
    text = re.sub(r"water[ -]equivalent|w\.?eq\.?", "we", text).replace("ice equivalent", "ice").replace(" of ", " ")
    text = re.sub(r"mmwe\b", "mm we", text.replace("**", "").replace("^", "").replace(" per ", "/"))
    first, *divided = re.split(r"\s*/\s*", text.replace("*", " ").strip())
    words = [*first.split(), *(f"{word}-1" for part in divided for word in part.split())]
    times = [word[:-2] for word in words if word.endswith("-1") and word[:-2] in _PER_YEAR]
    rest = [
        re.sub(r"^m2-1$", "m-2", word) for word in words if word.removesuffix("-1") not in _PER_YEAR or "-1" not in word
    ]
    return " ".join(rest), times[0] if len(times) == 1 else None


def _in_years(values, years, path):
    """Keep the times of a series that lie in some years."""
    if years is None or "time" not in values.dims:
        return values
    year = values["time"].dt.year
    kept = values.isel(time=np.flatnonzero((year >= years[0]) & (year <= years[1])))
    if not kept.sizes["time"]:
        raise NunatakError(
            f"{path}: its times, {int(year.min())} to {int(year.max())}, have none in the years {years[0]} to "
            f"{years[1]}; give a series of these years, or a field without time"
        )
    return kept


def _month_lengths(time):
    """Return the mean length of a month divided by the length of each month."""
    return DAYS_PER_YEAR / MONTHS_PER_YEAR / time.dt.days_in_month


def _refuse_kilometres(values, path):
    """Refuse a thickness without units whose values look like kilometres."""
    most = float(values.max()) if np.isfinite(values).any() else np.inf
    if most < _THIN:
        raise NunatakError(
            f"{path}: thickness without units, at most {most:g}: is it in km? write units (m or km) into the file (a "
            "GeoTIFF: .venv/bin/rio edit-info --bidx 1 --units km FILE)"
        )
