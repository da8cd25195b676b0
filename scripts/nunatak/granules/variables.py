"""
The variables of the along-track products: their names, where they lie below a beam, and how a user may write them.

Read off granules and off the lists of variables that NSIDC publishes with each product. A path of several words is
joined from group and name. Where releases differ, the paths are in the order of releases, newest first.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from nunatak.constants import BEAMS
from nunatak.runtime import NunatakError

_PAIRS = ("pt1", "pt2", "pt3")
# group of segments, by product; the layouts of ATL10 are those from release 006 on and before
ROOTS: dict[str, tuple[str, ...]] = {
    "atl06": ("land_ice_segments",),
    "atl07": ("sea_ice_segments",),
    "atl08": ("land_segments",),
    "atl10": ("freeboard_segment", "freeboard_beam_segment"),
    "atl11": ("",),
}

# product: group below the root: names
_ATL06 = {
    "": "delta_time latitude longitude segment_id h_li h_li_sigma atl06_quality_summary sigma_geo_h fpb_warning_flag",
    "bias_correction": "fpb_mean_corr fpb_mean_corr_sigma fpb_med_corr fpb_med_corr_sigma fpb_n_corr med_r_fit "
                       "tx_mean_corr tx_med_corr",
    "dem": "dem_flag dem_h geoid_free2mean geoid_h",
    "fit_statistics": "dh_fit_dx dh_fit_dx_sigma dh_fit_dy h_expected_rms h_mean h_rms_misfit h_robust_sprd "
                      "n_fit_photons n_seg_pulses sigma_h_mean signal_selection_source "
                      "signal_selection_source_status snr snr_significance w_surface_window_final",
    "geophysical": "bckgrd bsnow_conf bsnow_h bsnow_od cloud_flg_asr cloud_flg_atm dac e_bckgrd layer_flag msw_flag "
                   "neutat_delay_total r_eff solar_azimuth solar_elevation tide_earth tide_earth_free2mean "
                   "tide_equilibrium tide_load tide_ocean tide_pole",
    "ground_track": "ref_azimuth ref_coelv seg_azimuth sigma_geo_at sigma_geo_r sigma_geo_xt x_atc y_atc",
}  # fmt: skip
_ATL07 = {
    "": "delta_time latitude longitude seg_dist_x height_segment_id geoseg_beg geoseg_end",
    "geolocation": "beam_azimuth beam_coelev height_segment_podppd_flag ref_atm_delay ref_atm_delay_derivative rgt "
                   "sigma_h sigma_lat sigma_lon solar_azimuth solar_elevation",
    "geophysical": "height_segment_dac height_segment_dynib height_segment_earth height_segment_earth_free2mean "
                   "height_segment_geoid height_segment_geoid_free2mean height_segment_ib height_segment_load "
                   "height_segment_lpe height_segment_mss height_segment_mss_interp_flag height_segment_ocean "
                   "height_segment_pole height_segment_ps height_segment_t2m height_segment_tide_interp_flag "
                   "height_segment_u2m height_segment_v2m",
    "heights": "across_track_distance height_segment_asr_calc height_segment_confidence height_segment_contrast_ratio "
               "height_segment_fit_quality_flag height_segment_height height_segment_height_uncorr "
               "height_segment_htcorr_skew height_segment_length_seg height_segment_n_pulse_seg "
               "height_segment_n_pulse_seg_used height_segment_quality height_segment_rms height_segment_ssh_flag "
               "height_segment_surface_error_est height_segment_type height_segment_w_gaussian",
    "stats": "asr_25 backgr_calc backgr_r_200 backgr_r_25 background_int_height background_r_norm bsnow_con bsnow_h "
             "cloud_flag_asr cloud_flag_atm dist2land exmax_mean_1 exmax_mean_2 exmax_mix exmax_stdev_1 "
             "exmax_stdev_2 fpb_avg_dt fpb_corr fpb_corr_width fpb_strength height_coarse_mn height_coarse_stdev "
             "height_filter_05 height_filter_min hist_mean_h hist_median_h hist_photon_bin_size hist_photon_bottom "
             "hist_photon_top hist_w ice_conc ice_conc_amsr2 ice_conc_ssmi layer_flag msw_flag n_photons_actual "
             "n_photons_define n_photons_used oc_depth photon_rate trim_height_bottom trim_height_top yapc_knn_mean "
             "yapc_weight_ph_cts_n yapc_weight_ph_mean_actual yapc_weight_ph_mean_used",
}  # fmt: skip
_ATL10 = {
    "": "delta_time latitude longitude seg_dist_x geoseg_beg geoseg_end height_segment_id beam_fb_height beam_fb_unc "
        "beam_fb_sigma beam_fb_confidence beam_fb_quality_flag beam_refsurf_ndx",
    "geophysical": "height_segment_dac height_segment_dynib height_segment_earth height_segment_earth_free2mean "
                   "height_segment_geoid height_segment_geoid_free2mean height_segment_ib height_segment_load "
                   "height_segment_lpe height_segment_mss height_segment_ocean height_segment_tide_pole",
    "heights": "asr_25 backgr_calc backgr_r_200 backgr_r_25 background_r_norm bsnow_con bsnow_h cloud_flag_asr "
               "cloud_flag_atm height_segment_confidence height_segment_dist2land height_segment_height "
               "height_segment_length_seg height_segment_ocdepth height_segment_rms "
               "height_segment_sigma height_segment_ssh_flag height_segment_surf_sigma height_segment_type "
               "height_segment_w_gaussian ice_conc ice_conc_amsr2 ice_conc_ssmi layer_flag msw_flag photon_rate "
               "podppd_flag",
}  # fmt: skip
_ATL11 = {
    "": "cycle_number delta_time h_corr h_corr_sigma h_corr_sigma_systematic latitude longitude quality_summary ref_pt",
    "cycle_stats": "atl06_summary_zero_count bsnow_conf bsnow_h cloud_flg_asr cloud_flg_atm dac dh_geoloc h_mean "
                   "h_rms_misfit min_signal_selection_source min_snr_significance r_eff seg_count sigma_geo_at "
                   "sigma_geo_h sigma_geo_xt tide_ocean",
    "ref_surf": "at_slope complex_surface_flag curvature deg_x deg_y dem_h e_slope fit_quality geoid_h misfit_chi2r "
                "misfit_rms n_slope rgt_azimuth slope_change_rate_x slope_change_rate_x_sigma slope_change_rate_y "
                "slope_change_rate_y_sigma x_atc xt_slope y_atc",
}  # fmt: skip
_GROUPS: dict[str, Mapping[str, str]] = {
    "atl06": _ATL06, "atl07": _ATL07, "atl10": _ATL10, "atl11": _ATL11,
}  # fmt: skip
# Groups of the older layout of ATL10, by those of the newer
_OLD_ATL10 = {"": "beam_freeboard", "heights": "height_segments", "geophysical": "geophysical"}
# (first, last) release of a name; a name that is not here is taken as one of every release
_RELEASES: dict[str, dict[str, tuple[str, str]]] = {
    "atl07": {"ice_conc": ("001", "005"), "ice_conc_amsr2": ("006", ""), "ice_conc_ssmi": ("006", "")},
    "atl10": {
        "ice_conc": ("001", "005"), "ice_conc_amsr2": ("006", ""), "ice_conc_ssmi": ("006", ""),
        "beam_fb_sigma": ("001", "005"), "beam_fb_unc": ("006", ""),
    },
}  # fmt: skip


def names(product, release=None):
    """
    Return the names of a product's variables, all releases' or those of one.

    >>> [name for name in names("atl10", "007") if name.startswith("ice_conc")]
    ['ice_conc_amsr2', 'ice_conc_ssmi']
    """
    every = [name for text in _GROUPS[product].values() for name in text.split()]
    return [name for name in every if _held(product, name, release)]


def _held(product, name, release):
    first, last = _RELEASES.get(product, {}).get(name, ("", ""))
    return release is None or (first <= release and (not last or release <= last))


def others(product, name):
    """
    Return the names that other releases have in place of a name.

    >>> others("atl07", "ice_conc")
    ['ice_conc_amsr2', 'ice_conc_ssmi']
    """
    changed = _RELEASES.get(product, {})
    if name not in changed:
        return []
    kind = name.split("_")[0]
    return [other for other in changed if other.split("_")[0] == kind and changed[other] != changed[name]]


def group_of(product, name):
    """Return the group below the root that holds a variable, None where the product has no such name."""
    return next((group for group, text in _GROUPS[product].items() if name in text.split()), None)


def paths(product, name):
    """
    Return the paths of a variable below a beam, the newest layout first.

    >>> paths("atl07", "ice_conc_amsr2")
    ('sea_ice_segments/stats/ice_conc_amsr2',)
    """
    group = group_of(product, name)
    new = _joined(ROOTS[product][0], group, name)
    if product != "atl10":
        return (new,)
    new, old = ROOTS[product]
    first = (_joined(new, group, name), _joined(new, name)) if group == "heights" else (_joined(new, group, name),)
    # the inverted barometer lies with the heights in one layout and with the corrections in the other
    theirs = sorted(_OLD_ATL10.values(), key=lambda held: held != _OLD_ATL10[group])
    return (*first, *(_joined(old, held, name) for held in theirs))


def _joined(*parts):
    return "/".join(part for part in parts if part)


def canonical(product, written, release=None):
    """
    Return the name of a variable as a reader takes it, from a name or a path as users write it.

    A path may begin with a slash, with `gtx` and with the product's group of segments. A path into a known group whose
    last part is like no known name is returned below the product's group as it is, for releases to come.

    Parameters
    ----------
    product : atl06, atl07, atl10 or atl11
    written : a name (`dem_h`) or a path (`dem/dem_h`, `/land_ice_segments/dem/dem_h`)
    release : such as "006"; any where not given

    Raises
    ------
    NunatakError : the path names one beam, the release or the product has no such variable

    >>> canonical("atl06", "/land_ice_segments/dem/dem_h")
    'dem_h'
    """
    groups = _relative(product, written)
    name = groups.pop()
    group = "/".join(groups)
    if _is_known(product, group, name):
        if not _held(product, name, release):
            instead = ", ".join(other for other in others(product, name) if _held(product, other, release))
            raise NunatakError(
                f"{product.upper()} of release {release} has no {name}"
                + (f"; it has {instead}" if instead else "; leave it out")
            )
        return name
    known = names(product, release)
    near = get_close_matches(name, known, 3, 0.6)
    if groups and group in _GROUPS[product] and not get_close_matches(name, known, 1, 0.85):
        return f"{group}/{name}"
    raise NunatakError(f"{product.upper()} has no variable {written!r}; {_hint(product, near)}")


def _relative(product, written):
    """The parts of a path below the product's group of segments."""
    parts = [part for part in str(written).strip().split("/") if part] or [""]
    if len(parts) > 1 and parts[0].lower() in ("gtx", "ptx", "{beam}"):
        parts = parts[1:]
    if len(parts) > 1 and parts[0] in (*BEAMS, *_PAIRS):
        rest = "/".join(parts[1:])
        raise NunatakError(f"{written!r} is a path of one beam, {parts[0]}; write {rest!r}, it is read in every beam")
    if len(parts) > 1 and parts[0] in ROOTS[product]:
        parts = parts[1:]
    return parts


def _is_known(product, group, name):
    """Whether a product has a variable of this name, in this group where one is given."""
    held = group_of(product, name)
    old = tuple(_OLD_ATL10.values()) if product == "atl10" else ()
    return held is not None and (not group or group == held or group in old)


def _hint(product, near):
    if near:
        shown = [_joined(group_of(product, name), name) for name in near]
        return f"did you mean {' or '.join(shown)}?"
    groups = ", ".join(filter(None, _GROUPS[product]))
    return f"write one of the product's own names, or a path into one of its groups ({groups})"
