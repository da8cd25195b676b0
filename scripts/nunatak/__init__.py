"""Case studies of ice change from satellite data, rerun from a study file."""

__version__ = "0.1.0"

from nunatak.runtime import watch_imports

watch_imports()
