"""The datasets of ATL11 as read off a granule of release 004: one line each."""

from __future__ import annotations

from dataclasses import dataclass

# path, type, units, fill (yes or blank); c: one value per point and cycle, else one per point
_PAIR = """
h_corr|f4|meters|y|c
h_corr_sigma|f4|meters|y|c
h_corr_sigma_systematic|f4|meters|y|c
delta_time|f8|seconds since 2018-01-01|y|c
quality_summary|i1|1|y|c
latitude|f8|degrees North|y|
longitude|f8|degrees East|y|
cycle_stats/atl06_summary_zero_count|i1|counts|y|c
cycle_stats/bsnow_conf|i1|1|y|c
cycle_stats/bsnow_h|f4|meters|y|c
cycle_stats/cloud_flg_asr|i1|1|y|c
cycle_stats/cloud_flg_atm|i1|1|y|c
cycle_stats/dac|f4|meters|y|c
cycle_stats/h_mean|f4|meters|y|c
cycle_stats/h_rms_misfit|f4|meters|y|c
cycle_stats/min_signal_selection_source|i1|1|y|c
cycle_stats/min_snr_significance|f4|1|y|c
cycle_stats/r_eff|f4|1|y|c
cycle_stats/seg_count|i4|counts|y|c
cycle_stats/sigma_geo_at|f4|meters|y|c
cycle_stats/sigma_geo_h|f4|meters|y|c
cycle_stats/sigma_geo_xt|f4|meters|y|c
cycle_stats/tide_ocean|f4|meters|y|c
cycle_stats/x_atc|f8|meters|y|c
cycle_stats/y_atc|f8|meters|y|c
ref_surf/at_slope|f4|1|y|
ref_surf/complex_surface_flag|i1|1|y|
ref_surf/curvature|f4|1|y|
ref_surf/deg_x|i1|counts|y|
ref_surf/deg_y|i1|counts|y|
ref_surf/dem_h|f4|meters|y|
ref_surf/e_slope|f4|1|y|
ref_surf/fit_quality|i1|1|y|
ref_surf/geoid_h|f4|meters|y|
ref_surf/misfit_RMS|f4|meters|y|
ref_surf/misfit_chi2r|f4|meters|y|
ref_surf/n_slope|f4|1|y|
ref_surf/rgt_azimuth|f4|degrees|y|
ref_surf/slope_change_rate_x|f4|years^-1|y|
ref_surf/slope_change_rate_x_sigma|f4|years^-1|y|
ref_surf/slope_change_rate_y|f4|years^-1|y|
ref_surf/slope_change_rate_y_sigma|f4|years^-1|y|
ref_surf/x_atc|f8|meters|y|
ref_surf/xt_slope|f4|1|y|
ref_surf/y_atc|f8|meters|y|
"""

_CROSSING = """
along_track_rss|f4|meters|y|
atl06_quality_summary|i1|1|y|
cycle_number|i1|counts|y|
dac|f4|meters|y|
delta_time|f8|seconds since 2018-01-01|y|
h_corr|f4|meters|y|
h_corr_sigma|f4|meters|y|
h_corr_sigma_systematic|f4|meters|y|
latitude|f8|Degrees North|y|
longitude|f8|Degrees East|y|
rgt|i4|counts|y|
spot_crossing|i1|counts|y|
tide_ocean|f4|meters|y|
"""

POLY_EXPONENTS = ((1, 0, 2, 1, 0, 3, 2, 1), (0, 1, 0, 1, 2, 0, 1, 2))
# Attributes of a beam pair: the constants of the algorithm.
PAIR_ATTRIBUTES = {
    "L_search_AT": 60,
    "L_search_XT": 65,
    "N_coeffs": 8,
    "N_poly_coeffs": 8,
    "N_search": 3.0,
    "beam_spacing": 90,
    "equatorial_radius": 6378137,
    "max_fit_iterations": 20,
    "pair_yatc_ctr_tol": 1000,
    "polar_radius": 6356752.3,
    "poly_max_degree_AT": 3,
    "poly_max_degree_XT": 2,
    "seg_atc_spacing": 100,
    "seg_number_skip": 3.0,
    "seg_sigma_threshold_min": 0.05,
    "t_scale": 31557600.0,
    "xy_scale": 100.0,
}


@dataclass(frozen=True)
class Field:
    """One dataset: path below its group, type, units, whether it has a fill, and whether it has a value per cycle."""

    path: str
    dtype: str
    units: str
    fill: bool
    per_cycle: bool

    @property
    def name(self) -> str:
        """Return the dataset's own name."""
        return self.path.rpartition("/")[2]


def _fields(table):
    rows = [line.split("|") for line in table.strip().splitlines()]
    return tuple(Field(path, dtype, units, fill == "y", per == "c") for path, dtype, units, fill, per in rows)


PAIR, CROSSING = _fields(_PAIR), _fields(_CROSSING)
