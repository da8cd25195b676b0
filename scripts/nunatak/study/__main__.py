"""`python -m nunatak.study`: write config/schema.json and docs/study_reference.md from the models."""

from nunatak.geometry.region import REPOSITORY
from nunatak.study import reference

for written in reference.write(REPOSITORY):
    print(written.relative_to(REPOSITORY))
