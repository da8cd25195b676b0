"""Numbers that are the same everywhere, each once, with unit and source."""

import numpy as np

# ICESat-2: `delta_time` counts seconds from here, without leap seconds since (ATL03 ATBD; the value of
# ancillary_data/atlas_sdp_gps_epoch is ATLAS_EPOCH_GPS_SECONDS in every granule seen).
ATLAS_EPOCH = np.datetime64("2018-01-01T00:00:00", "ns")
ATLAS_EPOCH_GPS_SECONDS = 1198800018.0  # s since 1980-01-06T00:00:00 GPS

# ATL14/15 write time as (decimal year - 2018) * 365.25 days since 2018-01-01 (ATL15_write2nc.py).
DAYS_PER_YEAR = 365.25
SECONDS_PER_DAY = 86400.0
METRES = {  # of one unit of length, by how files spell it
    **dict.fromkeys(("m", "metre", "metres", "meter", "meters"), 1.0),
    **dict.fromkeys(("km", "kilometre", "kilometres", "kilometer", "kilometers"), 1000.0),
}
SPEED_OF_LIGHT = 299792458.0  # m/s
MAD_TO_SIGMA = 1.4826  # median absolute deviation to standard deviation, normal errors
DATUM_YEAR = 2020.0  # decimal year of the ATL14/15 reference surface

# ICESat-2 ground tracks.
N_RGT = 1387  # reference ground tracks of one cycle
ORBIT_INCLINATION = 92.0  # degrees
SEGMENT_LENGTH = 20.0  # m along the track, nominal length of a segment of ATL03 and ATL06
ACROSS_LIMIT = 65.0  # m across the track within which ATL11 takes passes for repeats of one place (L_search_XT)
UNALIGNED_CYCLES = (1, 2)  # flown 1.6 and 3.2 km beside the reference tracks (median y_atc of gt1l on real granules)
# m, error that the heights of a pass share (radial orbit error in SmithB/ATL1415:ATL1415/read_ATL11.py). Not what the
# products state, sigma_geo_h and h_corr_sigma_systematic: these are bounds known before the flight, 5 to 100 m of
# pointing times the slope, and on real granules many times what passes differ by
SIGMA_PASS = 0.03
REPEAT_PERIOD = 90.82  # days from one cycle to the next, from the granule times of RGT 0627, cycles 05 and 13
BEAMS = ("gt1l", "gt1r", "gt2l", "gt2r", "gt3l", "gt3r")
PAIRS = ("pt1", "pt2", "pt3")  # of beams, groups of ATL11
GT_CODES = {"gt1l": 10, "gt1r": 20, "gt2l": 30, "gt2r": 40, "gt3l": 50, "gt3r": 60}

# Fill values of the ICESat-2 products where a file does not state its own.
FILL_F4 = np.float32(3.4028235e38)
FILL_F8 = np.float64(1.7976931348623157e308)
FILL_I4 = np.int32(2147483647)
FILL_I1 = np.int8(127)
FILL_VELOCITY = -32767  # of components and speeds of image pairs, int16, in every layout of ITS_LIVE

# Ice.
THICKNESS = (0.0, 5000.0)  # m, least and most there is; the thickest ice of Antarctica measured is below 4900 m
ICE_DENSITY = 917.0  # kg m-3, pure ice
GLACIER_DENSITY = 850.0  # kg m-3, volume to mass for glaciers (Huss 2013, doi:10.5194/tc-7-877-2013)
GLACIER_DENSITY_SIGMA = 60.0  # kg m-3, the same source
SEA_WATER_DENSITY = 1028.0  # kg m-3
FIRN_RANGE = 200e3  # m over which models of firn err together (Nilsson and Gardner 2026, doi:10.5194/essd-18-1729-2026)
FIRN_RATE_ERROR = 0.134  # of a change of the firn's air, one standard error of GSFC-FDM alone
# change of the thickness of floating ice over that of its surface, hydrostatic (9.26)
BUOYANCY = SEA_WATER_DENSITY / (SEA_WATER_DENSITY - ICE_DENSITY)
GT_PER_MM_SEA_LEVEL = 361.8  # Gt of ice that raise the mean sea level by 1 mm

# What `source` and `nunatak_source` say of granules made from a known truth, and of all that descends from them.
SIMULATED = "SIMULATED"
