"""Many points or outlines at once, as a study names them."""

import os

from pydantic import ValidationInfo, field_validator

from nunatak.study.base import Model, UserPath, key
from nunatak.study.sections import Crs


class Features(Model):
    """A file of points or outlines that get a series and a rate each, in one table."""

    file: UserPath = key(..., "CSV, GeoPackage, Shapefile or GeoJSON with a point or an outline for each feature")
    id: str = key(..., "column with the id of each feature, such as rgi_id")
    layer: str | None = key(None, "layer of a file with several")
    crs: Crs | None = key(None, "coordinate system, where the file states none; that of the file where not given")
    radius: float = key(1000.0, "around a point, for heights along tracks", unit="m", gt=0, le=100000)

    @field_validator("file")
    @classmethod
    def _there(cls, value: str, info: ValidationInfo) -> str:
        if info.context and not os.path.isfile(value):
            raise ValueError(f"{value}: is not a readable file; give CSV, GeoPackage, Shapefile or GeoJSON")
        return value
