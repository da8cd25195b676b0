"""The values of the datasets of simulated ATL06 segments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from nunatak.simulation.atl06_segments import Segments
    from nunatak.simulation.worlds import World


def segment_values(world: World, s: Segments) -> dict[str, np.ndarray]:
    """
    Return every dataset of land_ice_segments by name, with NaN where a fit failed or a quantity is unknown.

    Parameters
    ----------
    world : World, the simulated world
    s : Segments, what the beam saw
    """
    failed = np.isnan(s.h_li)
    spike = (s.flag == 1) & ~failed & (s.h_li_sigma > 1.0)
    surroundings = {name: np.broadcast_to(value, s.flag.size) for name, value in _surroundings(world, s, spike).items()}
    fit = {name: np.where(failed, np.nan, column) for name, column in _fit(s, failed, spike).items()}
    return {**surroundings, **fit, **_heights(s)}


def _surroundings(world, s, spike):
    """Return corrections, weather, geometry and the other values that do not come from the fit."""
    return {
        # a bound as in the product, far above the error that passes share
        "sigma_geo_h": np.sqrt(0.17**2 + 25.0 * (s.dh_fit_dx**2 + s.dh_fit_dy**2)),
        "fpb_mean_corr": -0.004,
        "fpb_mean_corr_sigma": 0.01,
        "fpb_med_corr": -0.006,
        "fpb_med_corr_sigma": 0.012,
        "med_r_fit": -0.01,
        "tx_mean_corr": -0.0004,
        "tx_med_corr": -0.001,
        "dem_flag": 4 if world.crs.endswith("3031") else 1,
        "geoid_free2mean": -0.2,
        "geoid_h": world.truth.geoid,
        "n_seg_pulses": 56.3,
        "signal_selection_source": np.where(spike, 2, 0),
        "signal_selection_source_status": 0,
        "bckgrd": 5.0e5,
        "e_bckgrd": 6.0e5,
        "bsnow_conf": -2,
        "bsnow_h": 29.98,
        "bsnow_od": np.nan,
        "cloud_flg_asr": np.clip(np.round(2.0 + 2.0 * s.cloud), 0, 5),
        "cloud_flg_atm": 0,
        "dac": 0.0,
        "layer_flag": s.cloud > 0.6,
        "msw_flag": 0,
        "neutat_delay_total": 2.3,
        "solar_azimuth": 180.0,
        "solar_elevation": 10.0,
        "tide_earth": -0.1,
        "tide_earth_free2mean": -0.09,
        "tide_equilibrium": np.nan,
        "tide_load": -0.005,
        "tide_ocean": np.nan,
        "tide_pole": -0.001,
        "ref_azimuth": np.deg2rad(s.track.azimuth),
        "ref_coelv": 0.005,
        "seg_azimuth": s.track.azimuth,
        "sigma_geo_at": 5.0,
        "sigma_geo_r": 0.17,
        "sigma_geo_xt": 5.0,
    }


def _fit(s, failed, spike):
    """Return what a fit tells of its photons."""
    photons = np.where(s.strong, 90.0, 24.0) * np.exp(-0.8 * np.maximum(s.cloud, 0.0))
    spread = np.where(failed, np.nan, 0.12 + 4.0 * np.abs(s.dh_fit_dx) + np.where(spike, 2.0, 0.0))
    return {
        "h_mean": s.h_li - 0.002,
        "h_rms_misfit": spread,
        "h_robust_sprd": spread,
        "h_expected_rms": spread,
        "n_fit_photons": np.where(failed, np.nan, np.round(photons)),
        "fpb_n_corr": photons * 1.02,
        "sigma_h_mean": 0.8 * s.h_li_sigma,
        "snr": np.where(spike, 0.4, 80.0),
        "dh_fit_dx": s.dh_fit_dx,
        "dh_fit_dy": s.dh_fit_dy,
        "dh_fit_dx_sigma": s.h_li_sigma / 11.5,
        "r_eff": photons / 100.0,
        "snr_significance": np.where(spike, 0.05, 0.0),
        "w_surface_window_final": np.maximum(3.0, 6.0 * spread),
    }


def _heights(s):
    """Return heights, quality and place of segments."""
    return {
        "atl06_quality_summary": s.flag,
        "delta_time": s.track.delta_time,
        "latitude": s.track.latitude,
        "longitude": s.track.longitude,
        "segment_id": s.track.segment_id,
        "x_atc": s.track.x_atc,
        "y_atc": s.track.y_atc,
        "h_li": s.h_li,
        "h_li_sigma": s.h_li_sigma,
        "dem_h": s.h_true + 0.5,
    }
