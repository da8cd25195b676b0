"""The datasets of ATL06 release 005 to 007 as read off granules: one line each, and the constants of its algorithm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

# path, type, units, content type (first letters), fill (yes or blank), long name
_SEGMENTS = """
atl06_quality_summary|i1|1|q||ATL06_Quality_Summary
delta_time|f8|seconds since 2018-01-01|r||Elapsed GPS seconds
h_li|f4|meters|p|y|Land Ice height
h_li_sigma|f4|meters|q|y|Expected RMS segment misfit
latitude|f8|degrees_north|p||Latitude
longitude|f8|degrees_east|p||Longitude
segment_id|i4|1|r|0|Reference Point, m
sigma_geo_h|f4|meters|q|y|Vertical Geolocation Error
bias_correction/fpb_mean_corr|f4|meters|q|y|first photon bias mean correction
bias_correction/fpb_mean_corr_sigma|f4|meters|q|y|fpb mean corr sigma
bias_correction/fpb_med_corr|f4|meters|q|y|fpb median corr
bias_correction/fpb_med_corr_sigma|f4|meters|q|y|fpb median corr sigma
bias_correction/fpb_n_corr|f4|counts|q|y|fpb number photons corr
bias_correction/med_r_fit|f4|meters|q|y|mean median residual
bias_correction/tx_mean_corr|f4|meters|q|y|tx shape mean correction
bias_correction/tx_med_corr|f4|meters|q|y|tx shape median correction
dem/dem_flag|i1|1|r||DEM Source Flag
dem/dem_h|f4|meters|r|y|DEM Height
dem/geoid_free2mean|f4|meters|m|y|Geoid Free-to-Mean conversion
dem/geoid_h|f4|meters|r|y|Geoid Height
fit_statistics/dh_fit_dx|f4|meters/meters|p|y|Along Track Slope
fit_statistics/dh_fit_dx_sigma|f4|meters/meters|q|y|Sigma of Along Track Slope
fit_statistics/dh_fit_dy|f4|meters/meters|p|y|Across Track Slope
fit_statistics/h_expected_rms|f4|meters|q|y|Expected RMS misfit
fit_statistics/h_mean|f4|meters|m|y|Height Mean
fit_statistics/h_rms_misfit|f4|meters|q|y|RMS Misfit
fit_statistics/h_robust_sprd|f4|meters|r|y|Robust Spread
fit_statistics/n_fit_photons|i4|1|p|y|Number of Photons in Fit
fit_statistics/n_seg_pulses|f4|counts|r|y|Number potential segment pulses
fit_statistics/sigma_h_mean|f4|meters|q|y|Height Error
fit_statistics/signal_selection_source|i1|1|q||Signal Selection Source
fit_statistics/signal_selection_source_status|i1|1|q||Signal Selection Source Status
fit_statistics/snr|f4|1|p|y|SNR
fit_statistics/snr_significance|f4|1|p|y|SNR Significance
fit_statistics/w_surface_window_final|f4|meters|p|y|Surface Window Width
geophysical/bckgrd|f4|hz|r|y|Background count rate
geophysical/bsnow_conf|i1|1|r|y|Blowing Snow confidence
geophysical/bsnow_h|f4|meters|r|y|Blowing Snow Layer Top Height
geophysical/bsnow_od|f4|1|m|y|Blowing snow OD
geophysical/cloud_flg_asr|i1|1|r|y|Cloud Flag ASR
geophysical/cloud_flg_atm|i1|1|r|y|Cloud Flag ATM
geophysical/dac|f4|meters|r|y|Dynamic Atmosphere Correction
geophysical/e_bckgrd|f4|hz|r|y|Expected background count rate
geophysical/layer_flag|i1|1|r|y|Consolidated cloud flag
geophysical/msw_flag|i1|1|r|y|Multiple Scattering Warning Flag
geophysical/neutat_delay_total|f4|meters|r|y|Total Neutral Atmospheric Delay
geophysical/r_eff|f4|1|r|y|Effective uncorrected reflectance
geophysical/solar_azimuth|f4|degrees_east|r|y|solar azimuth
geophysical/solar_elevation|f4|degrees|r|y|solar elevation
geophysical/tide_earth|f4|meters|r|y|Earth Tide
geophysical/tide_earth_free2mean|f4|meters|r|y|Earth Tide Free-to-Mean conversion
geophysical/tide_equilibrium|f4|meters|r|y|Equilibrium Tide
geophysical/tide_load|f4|meters|r|y|Load Tide
geophysical/tide_ocean|f4|meters|r|y|Ocean Tide
geophysical/tide_pole|f4|meters|r|y|Solid Earth Pole Tide
ground_track/ref_azimuth|f4|radians|r|y|Azimuth
ground_track/ref_coelv|f4|radians|r|y|Co-elevation
ground_track/seg_azimuth|f4|degrees|r|y|Segment Azimuth
ground_track/sigma_geo_at|f4|meters|q|y|Along Track Geolocation Error
ground_track/sigma_geo_r|f4|meters|q|y|Radial Orbit Error
ground_track/sigma_geo_xt|f4|meters|q|y|Across Track Geolocation Error
ground_track/x_atc|f8|meters|r|y|X Along Track
ground_track/y_atc|f4|meters|r|y|Y Along Track
"""

_QUALITY = """
delta_time|f8|seconds since 2018-01-01|r||Elapsed GPS seconds
record_number|i4|1|r||Land Ice Height Index
reference_pt_lat|f8|degrees_north|r||Latitude
reference_pt_lon|f8|degrees_east|r||Longitude
segment_id|i4|1|r||Reference Point, m
signal_selection_source|i1|1|q||Signal Selection Source
signal_selection_status/signal_selection_status_all|i1|1|q||Signal Selection Status Flag
signal_selection_status/signal_selection_status_backup|i1|1|q||Signal Selection Backup Flag
signal_selection_status/signal_selection_status_confident|i1|1|q||Signal Selection Confident Flag
"""

_HISTOGRAM = """
bckgrd_per_m|f4|1|p||Expected background PEs
bin_top_h|f4|meters|p||Bin Top Height
count|i4|counts|p|y|Bin Counts
delta_time|f8|seconds since 2018-01-01|r||Elapsed GPS seconds
ds_segment_id|i1|1|a||Segment ID Index
lat_mean|f8|degrees_north|p||Latitude Mean
lon_mean|f8|degrees_east|p||Longitude Mean
pulse_count|f4|counts|p||Number of Histogram Segment Pulses
segment_id_list|i4|1|r|y|Segment ID List
x_atc_mean|f8|1|p||Along Track Coordinate Mean
"""

_CONTENT = {
    "a": "auxiliaryInformation",
    "m": "modelResult",
    "p": "physicalMeasurement",
    "q": "qualityInformation",
    "r": "referenceInformation",
}
_STATUS = "succeeded failed_20 failed_10 failed_both"

# flag: values, meanings
FLAGS = {
    "atl06_quality_summary": ((0, 1), "best_quality potential_problem"),
    "dem_flag": ((0, 1, 2, 3, 4), "none arctic global mss antarctic"),
    "signal_selection_source": (
        (0, 1, 2, 3),
        "succeeded_using_pe succeeded_using_flagged_pe succeeded_using_backup failed",
    ),
    "cloud_flg_asr": (
        (0, 1, 2, 3, 4, 5),
        "clear_with_high_confidence clear_with_medium_confidence clear_with_low_confidence cloudy_with_low_confidence "
        "cloudy_with_medium_confidence cloudy_with_high_confidence",
    ),
    "layer_flag": ((0, 1), "likely_clear likely_cloudy"),
    "msw_flag": (
        (-1, 0, 1, 2, 3, 4, 5),
        "cannot_determine no_layers layer_gt_3km layer_between_1_and_3_km layer_lt_1km blow_snow_od_lt_0.5 "
        "blow_snow_od_gt_0.5",
    ),
    "signal_selection_status_all": ((0, 1, 2, 3), _STATUS),
    "signal_selection_status_backup": ((0, 1, 2, 3, 4), "succeeded failed_widen failed_20 failed_10 failed_both"),
    "signal_selection_status_confident": ((0, 1, 2, 3), _STATUS),
}

# ancillary_data/land_ice: name, type, unit, value (ATL06 005 granule of RGT 0338; sigma_tx and t_dead per spot)
CONSTANTS = (
    ("dt_hist", "f8", "seconds", 2.5e-11),
    ("fit_maxiter", "i4", "1", 25),
    ("fpb_maxiter", "i4", "1", 20),
    ("max_res_ids", "i4", "1", 10),
    ("min_dist", "f4", "meters", 20.0),
    ("min_gain_th", "f4", "1", 0.0),
    ("min_n_pe", "i4", "1", 10),
    ("min_n_sel", "i4", "1", 10),
    ("min_signal_conf", "i4", "1", 2),
    ("n_hist", "i4", "1", 0),
    ("n_sigmas", "f4", "1", 6.0),
    ("nhist_bins", "i4", "1", 0),
    ("proc_interval", "i4", "seconds", 10001),
    ("qs_lim_bsc", "i4", "1", 3),
    ("qs_lim_hrs", "f4", "meters", 1.0),
    ("qs_lim_hsigma", "f4", "1", 1.0),
    ("qs_lim_msw", "i4", "1", 3),
    ("qs_lim_snr", "f4", "1", 0.02),
    ("qs_lim_sss", "i4", "1", 1),
    ("rbin_width", "f4", "meters", 0.0),
    ("sigma_beam", "f4", "meters", 4.25),
    ("sigma_tx", "f4", "seconds", (6.8e-10,) * 6),
    ("t_dead", "f4", "seconds", (3.0e-9,) * 6),
    ("txp_maxiter", "i4", "counts", 50),
)


@dataclass(frozen=True)
class Field:
    """One dataset: path below its group, type, and the attributes it carries."""

    path: str
    dtype: str
    units: str
    content: str
    fill: str
    """"y" for the type's own fill, "0" for zero, "" for none"""
    long_name: str

    @property
    def name(self) -> str:
        """Name without its group."""
        return self.path.rpartition("/")[2]

    def attributes(self) -> dict[str, Any]:
        """Return text and flags of the real dataset. The writer adds `coordinates` and the fill."""
        found: dict[str, Any] = {"units": self.units, "contentType": self.content, "long_name": self.long_name}
        if self.name in FLAGS:
            values, meanings = FLAGS[self.name]
            found["flag_values"] = np.array(values, dtype=self.dtype)
            found["flag_meanings"] = meanings
        return found


def _fields(table):
    rows = [line.split("|") for line in table.strip().splitlines()]
    return tuple(Field(p, dtype, units, _CONTENT[kind], fill, text) for p, dtype, units, kind, fill, text in rows)


SEGMENTS = _fields(_SEGMENTS)
QUALITY = _fields(_QUALITY)
HISTOGRAM = _fields(_HISTOGRAM)
