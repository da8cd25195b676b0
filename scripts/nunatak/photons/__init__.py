"""From photons to heights: selection, weights, extents, the iterative fit (ATL06-SR), and percentile surfaces."""

from nunatak.parameters.sliderule import PRESETS, FitParameters, YapcParameters
from nunatak.parameters.values import ParameterError
from nunatak.photons.cloud import photons_from_arrays
from nunatak.photons.comparison import against_atl06, against_atl11, differences_by_slope
from nunatak.photons.extents import extents
from nunatak.photons.granule import (
    granule_extents,
    granule_heights,
    no_extents,
    no_heights,
    no_photons,
    stretch_photons,
)
from nunatak.photons.heights import fit_heights
from nunatak.photons.limits import Limits, Stopped
from nunatak.photons.outcomes import granule_outcome
from nunatak.photons.selection import PhotonError, select
from nunatak.photons.surfaces import surface_percentiles
from nunatak.photons.tables import completed, standard_names, time_of, typical_stretch
from nunatak.photons.yapc import yapc

__all__ = [
    "PRESETS",
    "FitParameters",
    "Limits",
    "ParameterError",
    "PhotonError",
    "Stopped",
    "YapcParameters",
    "against_atl06",
    "against_atl11",
    "completed",
    "differences_by_slope",
    "extents",
    "fit_heights",
    "granule_extents",
    "granule_heights",
    "granule_outcome",
    "no_extents",
    "no_heights",
    "no_photons",
    "photons_from_arrays",
    "select",
    "standard_names",
    "stretch_photons",
    "surface_percentiles",
    "time_of",
    "typical_stretch",
    "yapc",
]
