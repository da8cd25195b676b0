"""The datasets of ATL03 and ATL08 (release 006) that the simulated granules hold: one line each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

# group: name, type, units, fill (y: of the type, 0, or none), long name
_ATL03 = {
    "bckgrd_atlas": """
delta_time|f8|seconds since 2018-01-01||Elapsed GPS Seconds
bckgrd_counts|i4|counts||ATLAS 50-shot background count
bckgrd_counts_reduced|i4|counts||ATLAS 50-shot background count - reduced
bckgrd_hist_top|f4|meters||Top of the altimetric range window
bckgrd_int_height|f4|meters||Altimetric range window width
bckgrd_int_height_reduced|f4|meters||Altimetric range window height - reduced
bckgrd_rate|f4|counts / second||Background count rate
pce_mframe_cnt|i8|counts||PCE Major frame counter
tlm_height_band1|f4|meters||Height of telemetry band 1
tlm_height_band2|f4|meters||Height of telemetry band 2
tlm_top_band1|f4|meters||Ellipsoidal height of top of band 1
tlm_top_band2|f4|meters||Ellipsoidal height of top of band 2
""",
    "geolocation": """
delta_time|f8|seconds since 2018-01-01||Elapsed GPS Seconds
altitude_sc|f8|meters|y|Altitude
bounce_time_offset|f4|seconds|y|Ground bounce time offset
full_sat_fract|f4|1|y|Full saturation fraction
knn|i4|counts||KNN
near_sat_fract|f4|1|y|Near saturation fraction
neutat_delay_derivative|f4|meters/meters|y|Neutral atmosphere delay derivative
neutat_delay_total|f4|meters|y|Total neutral atmosphere delay
neutat_ht|f4|meters|y|Neutral atmosphere reference height
ph_index_beg|i8|counts|0|Photon Index Begin
pitch|f4|degrees|y|Spacecraft Pitch
podppd_flag|i1|1||POD_PPD Flag
range_bias_corr|f4|meters|y|Range bias correction
ref_azimuth|f4|radians|y|Azimuth
ref_elev|f4|radians|y|Elevation
reference_photon_index|i4|counts|0|Reference Photon Index
reference_photon_lat|f8|degrees_north||Segment latitude
reference_photon_lon|f8|degrees_east||Segment longitude
roll|f4|degrees|y|Spacecraft Roll
segment_dist_x|f8|meters||Along track distance from equator
segment_id|i4|1||Along-track segment ID number
segment_length|f8|meters||Along track segment length
segment_ph_cnt|i4|counts|0|Number of photons in a given along-track segment
sigma_across|f4|meters|y|Across-track geolocation uncertainty
sigma_along|f4|meters|y|Along-track geolocation uncertainty
sigma_h|f4|meters|y|Height uncertainty
sigma_lat|f4|degrees|y|Latitude uncertainty
sigma_lon|f4|degrees|y|Longitude uncertainty
solar_azimuth|f4|degrees_east|y|Solar azimuth
solar_elevation|f4|degrees|y|Solar elevation
surf_type|i1|1||Surface Type
tx_pulse_energy|f4|Joules|y|Transmit energy
tx_pulse_skew_est|f4|seconds|y|Transmit pulse skew
tx_pulse_width_lower|f4|seconds|y|Transmit pulse width, lower threshold
tx_pulse_width_upper|f4|seconds|y|Transmit pulse width, upper threshold
velocity_sc|f4|meters/second|y|Spacecraft Velocity
yaw|f4|degrees|y|Spacecraft Yaw
""",
    "geophys_corr": """
delta_time|f8|seconds since 2018-01-01||Elapsed GPS Seconds
dac|f4|meters|y|Dynamic Atmosphere Correction
dem_flag|i1|1|y|DEM source flag
dem_h|f4|meters|y|DEM height
geoid|f4|meters|y|Geoid
geoid_free2mean|f4|meters|y|Geoid Free-to-Mean conversion
tide_earth|f4|meters|y|Earth Tide
tide_earth_free2mean|f4|meters|y|Earth Tide Free-to-Mean conversion
tide_equilibrium|f4|meters|y|Long Period Equilibrium Tide
tide_load|f4|meters|y|Load Tide
tide_oc_pole|f4|meters|y|Ocean Pole Tide
tide_ocean|f4|meters|y|Ocean Tide
tide_pole|f4|meters|y|Solid Earth Pole Tide
""",
    "heights": """
delta_time|f8|seconds since 2018-01-01||Elapsed GPS seconds
dist_ph_across|f4|meters||Distance off RGT
dist_ph_along|f4|meters||Distance from equator crossing
h_ph|f4|meters||Photon WGS84 Height
lat_ph|f8|degrees_north||Latitude
lon_ph|f8|degrees_east||Longitude
pce_mframe_cnt|u4|counts||PCE Major frame counter
ph_id_channel|u1|1||Receive channel id
ph_id_count|u1|counts||Photon event counter
ph_id_pulse|u1|counts||Laser pulse counter
quality_ph|i1|1||Photon Quality
signal_conf_ph|i1|1||Photon Signal Confidence
weight_ph|u1|1||Photon Weight
""",
}
_ATL08 = {
    "signal_photons": """
delta_time|f8|seconds since 2018-01-01||Elapsed GPS Seconds
classed_pc_flag|i1|1||Photon Land Class
classed_pc_indx|i4|counts||Indices of DRAGANN/classed photons
d_flag|i1|1||DRAGANN flag
ph_h|f4|meters|y|Height of photon above interpolated ground surface
ph_segment_id|i4|1||Segment ID number
""",
    "land_segments": """
delta_time|f8|seconds since 2018-01-01||Elapsed GPS Seconds
delta_time_beg|f8|seconds since 2018-01-01||Delta time begin
delta_time_end|f8|seconds since 2018-01-01||Delta time end
latitude|f4|degrees_north||Latitude
longitude|f4|degrees_east||Longitude
n_seg_ph|i4|counts||Number of photons
ph_ndx_beg|i8|counts||Photon index begin
rgt|i2|1||Reference ground track
segment_id_beg|i4|1||Along-track segment ID number (first in land segment)
segment_id_end|i4|1||Along-track segment ID number (last in land segment)
segment_snowcover|i1|1|y|Snow cover
solar_elevation|f4|degrees||Solar elevation
terrain/h_te_mean|f4|meters|y|Mean terrain height
terrain/h_te_median|f4|meters|y|Median terrain height
terrain/n_te_photons|i4|counts||Number of terrain photons
terrain/terrain_slope|f4|1|y|Slope of terrain
""",
}

FLAGS = {
    "quality_ph": ((0, 1, 2, 3), "nominal possible_afterpulse possible_impulse_response_effect possible_tep"),
    "signal_conf_ph": ((-2, -1, 0, 1, 2, 3, 4), "possible_tep not_considered noise buffer low medium high"),
    "podppd_flag": (
        (0, 1, 2, 3, 4, 5, 6, 7),
        "nominal pod_degrade ppd_degrade podppd_degrade cal_nominal cal_pod_degrade cal_ppd_degrade cal_podppd_degrade",
    ),
    "surf_type": ((0, 1), "not_type is_type"),
    "dem_flag": ((0, 1, 2, 3, 4), "none arctic global mss antarctic"),
    "classed_pc_flag": ((0, 1, 2, 3), "noise ground canopy top_of_canopy"),
    "d_flag": ((0, 1), "noise signal"),
    "segment_snowcover": ((0, 1, 2, 3), "ice_free_water snow_free_land snow ice"),
}
_COORDINATES = {
    "heights": "delta_time lat_ph lon_ph",
    "geolocation": "delta_time reference_photon_lat reference_photon_lon",
    "geophys_corr": "delta_time",
    "bckgrd_atlas": "delta_time",
    "signal_photons": "delta_time",
    "land_segments": "delta_time latitude longitude",
}


@dataclass(frozen=True)
class Field:
    """One dataset: path below its group, type, units, fill ("y" the type's own, "0", or "") and long name."""

    group: str
    path: str
    dtype: str
    units: str
    fill: str
    long_name: str

    @property
    def name(self) -> str:
        """Name without its subgroup."""
        return self.path.rpartition("/")[2]

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of the real dataset without the fill."""
        up = "../" * self.path.count("/")
        others = [up + c for c in _COORDINATES[self.group].split() if c != self.name]
        found: dict[str, Any] = {"units": self.units, "long_name": self.long_name, "coordinates": " ".join(others)}
        if self.name in FLAGS:
            values, meanings = FLAGS[self.name]
            found |= {"flag_values": np.array(values, dtype=self.dtype), "flag_meanings": meanings}
        return found


def _fields(tables):
    return {
        group: tuple(Field(group, *line.split("|")) for line in table.strip().splitlines())
        for group, table in tables.items()
    }


ATL03, ATL08 = _fields(_ATL03), _fields(_ATL08)
