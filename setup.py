"""Lay out the package for pip: the library of scripts/, with the outlines and the land of config/regions inside it."""

from setuptools import find_packages, setup

# where only the package is installed, the regions a study can name lie in nunatak/shipped
SHIPPED = "nunatak.shipped"

setup(
    packages=[*find_packages("scripts"), SHIPPED],
    package_dir={"": "scripts", SHIPPED: "config/regions"},
    package_data={
        SHIPPED: ["*.yaml", "*.geojson", "*.json"],
        "nunatak.explorer": [f"{folder}/*" for folder in ("page", "vendored")],
    },
    license="BSD-3-Clause",
)
