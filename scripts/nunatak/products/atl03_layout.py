"""The datasets of ATL03 that are read, their units, and what they can hold."""

from __future__ import annotations

from nunatak.products.columns import FLAG, HEIGHT, POSITION, SEGMENT_ID, TIME, Column, column_of

# dataset: unit, by the group below the beam. `segment_id`, `segment_dist_x`, `segment_ph_cnt`, `delta_time` and the
# reference photon's position are needed always; the rest by what is asked of the photons.
LAYOUT = {
    "geolocation": {
        "segment_id": "1",
        "segment_dist_x": "m",
        "segment_ph_cnt": "counts",
        "segment_length": "m",
        "ph_index_beg": "counts",
        "delta_time": "seconds since 2018-01-01",
        "reference_photon_lat": "degrees_north",
        "reference_photon_lon": "degrees_east",
        "velocity_sc": "meters/second",
        "podppd_flag": "1",
        "solar_elevation": "degrees",
        "surf_type": "1",
    },
    "heights": {
        "delta_time": "seconds since 2018-01-01",
        "lat_ph": "degrees_north",
        "lon_ph": "degrees_east",
        "h_ph": "m",
        "dist_ph_along": "m",
        "dist_ph_across": "m",
        "signal_conf_ph": "1",
        "quality_ph": "1",
        "weight_ph": "1",
    },
    "bckgrd_atlas": {"delta_time": "seconds since 2018-01-01", "bckgrd_rate": "counts / second"},
    "geophys_corr": {"geoid": "m"},
}

LATER = ("quality_ph", "weight_ph")  # not in every release: 003 has neither

# what each dataset can hold, where unit and name do not tell
_LATITUDE, _LONGITUDE, _TIME = POSITION["latitude"], POSITION["longitude"], TIME._replace(ndim=1)
COLUMNS = {
    "geolocation": {
        **{name: column_of(name, unit)._replace(ndim=1) for name, unit in LAYOUT["geolocation"].items()},
        "segment_id": SEGMENT_ID,
        "segment_dist_x": Column("f8", 0, 4.1e7, 1),
        "segment_ph_cnt": Column("i4", 0, 1e6, 1),
        "segment_length": Column("f8", ndim=1),
        "delta_time": _TIME,
        "reference_photon_lat": _LATITUDE,
        "reference_photon_lon": _LONGITUDE,
        "velocity_sc": Column("f4", -9000, 9000, 2),
        "podppd_flag": FLAG,
        "surf_type": FLAG,
    },
    "heights": {
        "delta_time": _TIME,
        "lat_ph": _LATITUDE,
        "lon_ph": _LONGITUDE,
        "h_ph": HEIGHT._replace(ndim=1, all_zero=True),
        "dist_ph_along": Column("f4", ndim=1),
        "dist_ph_across": Column("f4", ndim=1),
        "signal_conf_ph": FLAG,
        "quality_ph": FLAG._replace(ndim=1),
        "weight_ph": Column("u1", ndim=1),
    },
    "bckgrd_atlas": {"delta_time": _TIME, "bckgrd_rate": Column("f4", 0, ndim=1)},
}
