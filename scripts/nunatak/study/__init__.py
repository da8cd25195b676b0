"""Study files: their keys as typed models, read, checked, and described from one source."""

from nunatak.study.base import StudyError
from nunatak.study.loading import explain_target, load, load_all, load_settings
from nunatak.study.models import Settings, Study, StudyFile
from nunatak.study.period import Period
from nunatak.study.products import Products
from nunatak.study.yaml_files import as_written

__all__ = [
    "Period",
    "Products",
    "Settings",
    "Study",
    "StudyError",
    "StudyFile",
    "as_written",
    "explain_target",
    "load",
    "load_all",
    "load_settings",
]
