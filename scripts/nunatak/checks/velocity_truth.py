"""Velocities from simulated pairs against the truth: annual means, seasonal cycle, speed-up, each by its own errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyproj
import xarray as xr

from nunatak.checks.check import at_least, not_applicable, within
from nunatak.checks.years import at_cells, years_seen
from nunatak.constants import DAYS_PER_YEAR, MAD_TO_SIGMA
from nunatak.velocity.annual_fields import line_through
from nunatak.velocity.mosaic_years import METHOD

TRUTH_SHARE = 0.92  # that must lie within _SIGMAS of the truth; 0.954 of a normal distribution do
_SIGMAS = 2.0
# A factor between what was found and the truth: pairs share offsets, which a handful of pairs a year does not average,
# and pairs of one season leave the mean of the year to a cycle that they hardly tell (full Pine Island: 0.978, 1.004).
TRUTH_SCALE = (0.96, 1.04)
# Errors that all cells share move the factor by the error over the component: below this ratio by more than the limit
_LEAST_SIGNAL = 1 / (TRUTH_SCALE[1] - 1)
_FEWEST = 50  # cells; neighbours share their errors, and of fewer one pair's decide
_CELLS = 4000  # of the region that are held against the truth, evenly over it
_LEAST_AMPLITUDE = 5.0  # m/yr; a smaller cycle has no day of its maximum
_MONTHS = 12
# In words, and the least spread (1.4826 median |z|) of standardised differences. Errors are too wide on simulated
# pairs, by 1.2 to 2: the fit adds 5, 20 or 100 m/yr to the stated error, as ITS_LIVE's composites do, and simulated
# pairs state the whole of theirs. The line of a trend takes up what pairs share, and a cycle that is chance has any
# day of the year for its maximum, so that these are wider still.
_NAMES = {
    "velocity_vx_against_truth": ("annual velocities along x", 0.4),
    "velocity_vy_against_truth": ("annual velocities along y", 0.4),
    "velocity_against_truth": ("annual speeds", 0.4),
    "velocity_trend_against_truth": ("trends of the speed", 0.2),
    "velocity_amplitude_against_truth": ("seasonal amplitudes", 0.3),
    "velocity_phase_against_truth": ("days of the maximum", 0.1),
}
_CYCLE = ("velocity_amplitude_against_truth", "velocity_phase_against_truth")


def against_truth(annual, world):
    """
    Hold annual velocities by component, speeds, trends, seasonal amplitudes and phases against the truth's.

    Each by its own errors, either way: enough lie within two of them, and they are not many times too wide. The
    components by a factor as well.

    Parameters
    ----------
    annual : Dataset of `velocity.composite`
    world : mapping of what `simulation.world` takes

    Returns
    -------
    list of Check
    """
    from nunatak.simulation import world as known

    if annual.attrs["method"] not in ("lsq", METHOD):
        reason = "a mean of pairs follows their dates; only least squares gives means of years"
        return [not_applicable(name, reason) for name in _NAMES]
    rows, columns = np.nonzero(years_seen(annual))
    if not rows.size:
        return [not_applicable(name, "no cell has an annual velocity") for name in _NAMES]
    if rows.size < _FEWEST:
        return [not_applicable(name, f"{rows.size} cells are too few to judge a share of them") for name in _NAMES]
    some = np.unique(np.linspace(0, rows.size - 1, min(_CELLS, rows.size)).astype(int))
    cells = Cells(annual, rows[some], columns[some])
    monthly = cells.monthly(known(**world).truth)
    z = dict(zip(_NAMES, (*cells.components(monthly), cells.speeds(monthly), cells.trends(monthly)), strict=False))
    if "v_amp" in annual:
        z |= dict(zip(_CYCLE, cells.cycles(monthly), strict=True))
    found = [check for name in _NAMES for check in _share(name, z.get(name))]
    return [*found, *cells.scales(monthly)]


def _share(name, z):
    """Check how many standardised differences are within the bound, and that their errors are not far too wide."""
    words, least = _NAMES[name]
    if z is None:
        return [not_applicable(name, "no seasonal cycle was fitted")]
    z = z[np.isfinite(z)]
    if not z.size:
        return [not_applicable(name, f"the composite has no {words} with an error")]
    text = f"share of {z.size:,} {words} within {_SIGMAS:g} standard errors of the truth"
    spread = f"1.4826 median |difference from the truth / error| of {z.size:,} {words}: errors are not far too wide"
    return [
        at_least(name, (np.abs(z) <= _SIGMAS).mean(), TRUTH_SHARE, "", text),
        at_least(f"{name}/spread", MAD_TO_SIGMA * np.median(np.abs(z)), least, "", spread),
    ]


@dataclass(frozen=True)
class Cells:
    """Some cells of a composite. The methods give (found - true) / error of each, NaN where nothing was found."""

    annual: xr.Dataset
    rows: np.ndarray
    columns: np.ndarray

    def of(self, name):
        """Return the values of a variable, (..., n_cell)."""
        return at_cells(self.annual, name, self.rows, self.columns)

    def monthly(self, truth):
        """
        Compute components of the truth in the middle of months, (12 (K + 1), 2, n_cell), half a year more at both ends.
        """
        x, y = self.annual["x"].values[self.columns], self.annual["y"].values[self.rows]
        own = self.annual.attrs.get("crs", truth.crs)
        if own == truth.crs:
            return np.stack([truth.velocity(x, y, t) for t in self._times])
        to_truth = pyproj.Transformer.from_crs(own, truth.crs, always_xy=True)
        px, py = to_truth.transform(x, y)
        qx, qy = to_truth.transform(x + 1.0, y)
        # both systems keep angles: components turn by that between their x axes
        turn = np.exp(-1j * np.arctan2(qy - py, qx - px))
        turned = [np.dot([1, 1j], truth.velocity(px, py, t)) * turn for t in self._times]
        return np.stack([[v.real, v.imag] for v in turned])

    @property
    def _times(self):
        n = self.annual.sizes["year"] + 1
        return float(self.annual["year_start"][0]) - 0.5 + (np.arange(_MONTHS * n) + 0.5) / _MONTHS

    def _means(self, monthly):
        """Compute the means of the years, (K, 2, n_cell)."""
        inside = monthly[_MONTHS // 2 : -_MONTHS // 2]
        return inside.reshape(-1, _MONTHS, *inside.shape[1:]).mean(axis=1)

    def components(self, monthly):
        """Compare the annual velocities along x and along y, (K, n_cell) each."""
        means = self._means(monthly)
        return [(self.of(name) - means[:, c]) / self.of(f"{name}_error") for c, name in enumerate(("vx", "vy"))]

    def scales(self, monthly):
        """Check the factor between each component and the truth's, by weighted least squares through 0."""
        means, found = self._means(monthly), []
        for c, name in enumerate(("vx", "vy")):
            own, true = self.of(name), means[:, c]
            weight = self.of(f"{name}_error") ** -2.0
            seen = np.isfinite(own * weight)
            key, text = f"velocity_{name}_scale_against_truth", f"of {int(seen.sum()):,} annual velocities"
            signal = np.sqrt((weight * true**2)[seen].mean()) if seen.any() else 0.0
            if not signal > _LEAST_SIGNAL:
                found.append(not_applicable(key, f"{name} is {signal:.0f} times its error, {text}: too slow to tell"))
                continue
            factor = (weight * own * true)[seen].sum() / (weight * true**2)[seen].sum()
            found.append(within(key, factor, *TRUTH_SCALE, "", f"{name} over the truth's, {text}"))
        return found

    def speeds(self, monthly):
        """Compare the annual speeds, (K, n_cell)."""
        return (self.of("v") - np.hypot(*np.moveaxis(self._means(monthly), 1, 0))) / self.of("v_error")

    def trends(self, monthly):
        """Compare fitted trends with trends fitted to the true annual speeds, using the same weights."""
        about = self.annual.attrs
        years = self.annual["year"].values
        inside = (years >= about["v0_first_year"]) & (years <= about["v0_last_year"])
        middle = (self.annual["year_start"].values + self.annual["year_end"].values)[inside] / 2
        slopes = [
            line_through(
                middle - float(about["reference_year"]),
                self._means(monthly)[inside, c].T,
                self.of(f"{name}_error")[inside].T,
            )[2]
            for c, name in enumerate(("vx", "vy"))
        ]
        ux, uy = self._flow()
        return (self.of("dv_dt") - (slopes[0] * ux + slopes[1] * uy)) / self.of("dv_dt_error")

    def cycles(self, monthly):
        """
        Compare the amplitude and the phase of the cycle along the mean flow.

        The truth's cycle is what is left of a moving mean over twelve months; years count as many times as pairs touch
        them, as they do in the fit.
        """
        ux, uy = self._flow()
        speed = monthly[:, 0] * ux + monthly[:, 1] * uy
        total = np.cumsum(np.concatenate([np.zeros((1, speed.shape[1])), speed]), axis=0)
        whole = total[_MONTHS:] - total[:-_MONTHS]
        cycle = speed[_MONTHS // 2 : -_MONTHS // 2] - (whole[:-1] + whole[1:]) / (2 * _MONTHS)
        angle = 2 * np.pi * self._times[_MONTHS // 2 : -_MONTHS // 2]
        count = self.of("count").astype(float)
        weight = np.repeat(count / np.maximum(count.sum(axis=0), 1), _MONTHS, axis=0) / _MONTHS
        a, b = (2 * (weight * cycle * wave(angle)[:, None]).sum(axis=0) for wave in (np.sin, np.cos))
        amplitude, phase = np.hypot(a, b), np.arctan2(a, b) / (2 * np.pi) * DAYS_PER_YEAR
        days = (self.of("v_phase") - phase + DAYS_PER_YEAR / 2) % DAYS_PER_YEAR - DAYS_PER_YEAR / 2
        days[amplitude < _LEAST_AMPLITUDE] = np.nan
        return (self.of("v_amp") - amplitude) / self.of("v_amp_error"), days / self.of("v_phase_error")

    def _flow(self):
        """Return the unit vector of the mean flow."""
        vx, vy = self.of("vx0"), self.of("vy0")
        v = np.hypot(vx, vy)
        return vx / v, vy / v
