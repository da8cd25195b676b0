"""
List the variables of the along-track products: their names, their groups, and the spellings that users may write.

Read from granules and from the lists of variables that NSIDC publishes with each product. A path of several words is
joined from group and name. If releases differ, the paths are in the order of releases, newest first.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from nunatak.constants import BEAMS, PAIRS
from nunatak.granules.products import PRODUCTS
from nunatak.runtime import NunatakError

_ALONG_TRACK = ("atl06", "atl07", "atl10", "atl11")


def _roots(product):
    """Return the groups of segments, newest layout first. ATL10 has one from release 006 on and one before."""
    return tuple(dict.fromkeys(group.partition("/")[0].strip(".") for group, *_ in PRODUCTS[product].layouts))


# group of segments, by product
ROOTS: dict[str, tuple[str, ...]] = {
    **{product: _roots(product) for product in _ALONG_TRACK},
    "atl03_ph_fields": ("heights",),
    "atl03_geo_fields": ("geolocation",),
    "atl03_corr_fields": ("geophys_corr",),
    "atl03_bckgrd_fields": ("bckgrd_atlas",),
    "atl08_fields": ("land_segments",),
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
}
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
}
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
}
_ATL11 = {
    "": "cycle_number delta_time h_corr h_corr_sigma h_corr_sigma_systematic latitude longitude quality_summary ref_pt",
    "cycle_stats": "atl06_summary_zero_count bsnow_conf bsnow_h cloud_flg_asr cloud_flg_atm dac dh_geoloc h_mean "
    "h_rms_misfit min_signal_selection_source min_snr_significance r_eff seg_count sigma_geo_at "
    "sigma_geo_h sigma_geo_xt tide_ocean",
    "ref_surf": "at_slope complex_surface_flag curvature deg_x deg_y dem_h e_slope fit_quality geoid_h misfit_chi2r "
    "misfit_rms n_slope rgt_azimuth slope_change_rate_x slope_change_rate_x_sigma slope_change_rate_y "
    "slope_change_rate_y_sigma x_atc xt_slope y_atc",
}
# datasets that photons carry through the fit, by the key that asks for them (SlideRule's), and those of ATL08
_CARRIED: dict[str, dict[str, str]] = {
    "atl03_ph_fields": {
        "": "delta_time dist_ph_across dist_ph_along h_ph lat_ph lon_ph pce_mframe_cnt ph_id_channel ph_id_count "
        "ph_id_pulse quality_ph signal_conf_ph weight_ph",
    },
    "atl03_geo_fields": {
        "": "altitude_sc bounce_time_offset delta_time full_sat_fract knn near_sat_fract neutat_delay_derivative "
        "neutat_delay_total neutat_ht ph_index_beg pitch podppd_flag range_bias_corr ref_azimuth ref_elev "
        "reference_photon_index reference_photon_lat reference_photon_lon roll segment_dist_x segment_id "
        "segment_length segment_ph_cnt sigma_across sigma_along sigma_h sigma_lat sigma_lon solar_azimuth "
        "solar_elevation surf_type tx_pulse_energy tx_pulse_skew_est tx_pulse_width_lower tx_pulse_width_upper "
        "velocity_sc yaw",
    },
    "atl03_corr_fields": {
        "": "dac delta_time dem_flag dem_h geoid geoid_free2mean tide_earth tide_earth_free2mean tide_equilibrium "
        "tide_load tide_oc_pole tide_ocean tide_pole",
    },
    "atl03_bckgrd_fields": {
        "": "bckgrd_counts bckgrd_counts_reduced bckgrd_hist_top bckgrd_int_height bckgrd_int_height_reduced "
        "bckgrd_rate delta_time pce_mframe_cnt tlm_height_band1 tlm_height_band2 tlm_top_band1 tlm_top_band2",
    },
    "atl08_fields": {
        "": "asr atlas_pa beam_azimuth beam_coelev brightness_flag cloud_flag_atm cloud_fold_flag column_od_asr "
        "delta_time delta_time_beg delta_time_end dem_flag dem_h dem_removal_flag h_dif_ref last_seg_extend "
        "latitude latitude_20m layer_flag longitude longitude_20m msw_flag n_seg_ph night_flag permafrost_alt "
        "permafrost_prob ph_ndx_beg ph_removal_flag psf_flag rgt sat_flag segment_id_beg segment_id_end "
        "segment_landcover segment_snowcover segment_watermask sigma_across sigma_along sigma_atlas_land sigma_h "
        "sigma_topo snr solar_azimuth solar_elevation surf_type terrain_flg urban_flag",
        "canopy": "can_noise can_quality_score canopy_h_metrics canopy_h_metrics_abs canopy_openness canopy_rh_conf "
        "centroid_height h_canopy h_canopy_20m h_canopy_abs h_canopy_quad h_canopy_uncertainty h_dif_canopy "
        "h_max_canopy h_max_canopy_abs h_mean_canopy h_mean_canopy_abs h_median_canopy h_median_canopy_abs "
        "h_min_canopy h_min_canopy_abs n_ca_photons n_toc_photons photon_rate_can photon_rate_can_nr "
        "segment_cover subset_can_flag toc_roughness",
        "terrain": "h_te_best_fit h_te_best_fit_20m h_te_interp h_te_max h_te_mean h_te_median h_te_min h_te_mode "
        "h_te_rh25 h_te_skew h_te_std h_te_uncertainty n_te_photons photon_rate_te subset_te_flag "
        "te_quality_score terrain_slope",
    },
}
_GROUPS: dict[str, Mapping[str, str]] = {
    "atl06": _ATL06,
    "atl07": _ATL07,
    "atl10": _ATL10,
    "atl11": _ATL11,
    **_CARRIED,
}
# Groups of the older layout of ATL10, by those of the newer
_OLD_ATL10 = {"": "beam_freeboard", "heights": "height_segments", "geophysical": "geophysical"}
# (first, last) release of a name; a name that is not here is taken as one of every release
_RELEASES: dict[str, dict[str, tuple[str, str]]] = {
    "atl07": {"ice_conc": ("001", "005"), "ice_conc_amsr2": ("006", ""), "ice_conc_ssmi": ("006", "")},
    "atl10": {
        "ice_conc": ("001", "005"),
        "ice_conc_amsr2": ("006", ""),
        "ice_conc_ssmi": ("006", ""),
        "beam_fb_sigma": ("001", "005"),
        "beam_fb_unc": ("006", ""),
    },
}


def names(product: str, release: str | None = None) -> list[str]:
    """
    Return the names of a product's variables, of all releases or of one.

    Parameters
    ----------
    product : such as "atl10"
    release : such as "007". Default: all

    >>> [name for name in names("atl10", "007") if name.startswith("ice_conc")]
    ['ice_conc_amsr2', 'ice_conc_ssmi']
    """
    every = [name for text in _GROUPS[product].values() for name in text.split()]
    return [name for name in every if _held(product, name, release)]


def _held(product, name, release):
    """Return whether a release of a product has a variable."""
    first, last = _RELEASES.get(product, {}).get(name, ("", ""))
    return release is None or (first <= release and (not last or release <= last))


def others(product: str, name: str) -> list[str]:
    """
    Return the names that other releases have instead of a name.

    Parameters
    ----------
    product : such as "atl07"
    name : variable

    >>> others("atl07", "ice_conc")
    ['ice_conc_amsr2', 'ice_conc_ssmi']
    """
    changed = _RELEASES.get(product, {})
    if name not in changed:
        return []
    kind = name.split("_")[0]
    return [other for other in changed if other.split("_")[0] == kind and changed[other] != changed[name]]


def group_of(product: str, name: str) -> str | None:
    """
    Return the group below the root that holds a variable, or None if the product has no such name.

    Parameters
    ----------
    product : such as "atl07"
    name : variable
    """
    return next((group for group, text in _GROUPS[product].items() if name in text.split()), None)


def paths(product: str, name: str) -> tuple[str, ...]:
    """
    Return the paths of a variable below a beam, the newest layout first.

    Parameters
    ----------
    product : such as "atl07"
    name : variable

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
    theirs = sorted(_OLD_ATL10.values(), key=lambda held: held != _OLD_ATL10.get(group or "", ""))
    return (*first, *(_joined(old, held, name) for held in theirs))


def _joined(*parts):
    """Join the parts of a path that are not empty."""
    return "/".join(part for part in parts if part)


def canonical(product: str, written: str, release: str | None = None) -> str:
    """
    Return the name of a variable as a reader takes it, from a name or a path as users write it.

    A path may begin with a slash, with `gtx` and with the product's group of segments. For releases to come, a path
    into a known group is returned unchanged if its last part is unlike any known name.

    Parameters
    ----------
    product : atl06, atl07, atl10, atl11, or a key of the quantities of photons, such as atl03_ph_fields
    written : a name (`dem_h`) or a path (`dem/dem_h`, `/land_ice_segments/dem/dem_h`)
    release : such as "006". Default: any

    Raises
    ------
    NunatakError : the path names one beam, or the product or release has no such variable

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
                f"{_word(product)} of release {release} has no {name}"
                + (f"; it has {instead}" if instead else "; leave it out")
            )
        return name
    own = names(product, release)
    near = get_close_matches(name, own, 3, 0.6)
    if groups and group in _GROUPS[product] and not get_close_matches(name, own, 1, 0.85):
        return f"{group}/{name}"
    raise NunatakError(f"{_word(product)} has no variable {written!r}; {_hint(product, near)}")


def _word(product):
    """Return the product of a key of this table as users write it."""
    return product.partition("_")[0].upper()


def _relative(product, written):
    """Return the parts of a path below the product's group of segments."""
    parts = [part for part in str(written).strip().split("/") if part] or [""]
    if len(parts) > 1 and parts[0].lower() in ("gtx", "ptx", "{beam}"):
        parts = parts[1:]
    if len(parts) > 1 and parts[0] in (*BEAMS, *PAIRS):
        rest = "/".join(parts[1:])
        raise NunatakError(f"{written!r} is a path of one beam, {parts[0]}; write {rest!r}, it is read in every beam")
    if len(parts) > 1 and parts[0] in ROOTS[product]:
        parts = parts[1:]
    return parts


def _is_known(product, group, name):
    """Return whether a product has a variable of this name, in this group if one is given."""
    group_there = group_of(product, name)
    old = tuple(_OLD_ATL10.values()) if product == "atl10" else ()
    return group_there is not None and (not group or group == group_there or group in old)


def _hint(product, near):
    """Suggest similar names, or list the groups of the product."""
    if near:
        shown = [_joined(group_of(product, name), name) for name in near]
        return f"did you mean {' or '.join(shown)}?"
    groups = ", ".join(filter(None, _GROUPS[product]))
    return f"write one of the product's own names, or a path into one of its groups ({groups})"
