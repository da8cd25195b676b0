"""
List the products, one row each, from which everything else about a product is derived.

The table needs only the standard library, so that rules can read it. A reader or writer is written as module and
function below `nunatak`, and imported by `compute.registry` when it is used.
"""

from __future__ import annotations

from typing import Any

from nunatak.granules.forms import (
    BED,
    BED_NSIDC,
    CUBE,
    GRID,
    HEIGHTS,
    HEIGHTS_NSIDC,
    MOSAIC,
    PAIR,
    REPEATS,
    SEA_ICE,
    SHELVES,
    SHELVES_NSIDC,
    TRACK,
)
from nunatak.granules.product import Product

_ALONG = ("longitude", "latitude", "delta_time")


PRODUCTS: dict[str, Product] = {
    row.name: row
    for row in (
        Product(
            name="atl15",
            title="height change, gridded",
            kept="grid",
            name_form=GRID,
            example="ATL15_SV_0325_01km_004_05.nc",
            identity=("region_code", "resolution"),
            typical_bytes=3e7,
            reader="products.atl15:read_height_change",
            writer="simulation.atl15:write",
        ),
        Product(
            name="atl14",
            title="surface height, gridded",
            kept="grid",
            name_form=GRID,
            example="ATL14_SV_0325_100m_004_05.nc",
            identity=("region_code", "resolution"),
            one_epoch=True,
            typical_bytes=5e8,
            reader="products.atl14:read_surface",
            writer="simulation.atl14:write",
        ),
        Product(
            name="atl11",
            title="heights by reference point and cycle",
            kept="points",
            name_form=REPEATS,
            example="ATL11_054803_0325_006_01.h5",
            identity=("rgt", "region_number"),
            layouts=((".", *_ALONG),),
            land_ice=True,
            tide_free=True,
            values=("h_corr",),
            wished=("tide_ocean", "dac"),
            reader="products.atl11:for_points",
            writer="simulation.atl11:write",
        ),
        Product(
            name="atl06",
            title="heights along track",
            kept="points",
            name_form=TRACK,
            example="ATL06_20190504033705_05480304_007_01.h5",
            bucket="cycle",
            harmony=True,
            typical_bytes=5.7e7,
            layouts=(("land_ice_segments", *_ALONG),),
            land_ice=True,
            tide_free=True,
            values=("h_li",),
            wished=("sigma_geo_h", "dh_fit_dx"),
            reader="products.atl06:for_points",
            writer="simulation.atl06:write",
        ),
        Product(
            name="atl06sr",
            title="heights along track, fitted from photons",
            written="ATL06-SR",
            kept="fit",
            granules_of="atl03",
            bucket="cycle",
            land_ice=True,
            tide_free=True,
            values=("h_mean", "median_ground"),  # of a line, else of the ground
            reader="products.atl03:read_granule",
        ),
        Product(
            name="atl03",
            title="photons",
            kept="fit",
            name_form=TRACK,
            example="ATL03_20181014001049_02350102_007_02.h5",
            bucket="cycle",
            harmony=True,
            typical_bytes=1.6e9,
            # the segments' reference positions: a thousandth of the photons, and every segment has one
            layouts=(("geolocation", "reference_photon_lon", "reference_photon_lat", "delta_time"),),
            tide_free=True,
            reader="products.atl03:read_granule",
            writer="simulation.atl03:write",
        ),
        Product(
            name="atl08",
            title="photon classes",
            name_form=TRACK,
            example="ATL08_20190504033705_05480304_007_01.h5",
            joined_by=("atl03", "atl06sr"),
            bucket="cycle",
            harmony=True,
            layouts=(
                ("land_segments", *_ALONG),
                ("signal_photons", *_ALONG),  # a subset of the classes alone has no positions
            ),
            tide_free=True,
            reader="products.atl08:read_classes",
            writer="simulation.atl08:write",
        ),
        Product(
            name="atl10",
            title="sea-ice freeboard",
            kept="sums",
            name_form=SEA_ICE,
            example="ATL10-02_20190916205836_12340401_005_02.h5",
            bucket="month",
            harmony=True,
            layouts=(
                ("freeboard_segment", *_ALONG),
                ("freeboard_beam_segment", *_ALONG),
                ("freeboard_beam_segment/beam_freeboard", *_ALONG),
            ),
            values=("beam_fb_height",),
            value_is="freeboard",
            reader="products.atl10:summed",
            writer="simulation.atl10:write",
        ),
        Product(
            name="atl07",
            title="sea-ice heights",
            kept="sums",
            name_form=SEA_ICE,
            example="ATL07-01_20190916205836_12340401_006_02.h5",
            bucket="month",
            harmony=True,
            layouts=(("sea_ice_segments", *_ALONG),),
            values=("height_segment_height",),
            value_is="height above the mean sea surface",
            reader="products.atl07:summed",
            writer="simulation.atl07:write",
        ),
        Product(
            name="itslive",
            title="image-pair velocities",
            written="ITS_LIVE",
            kept="pairs",
            name_form=PAIR,
            example="LC08_L1TP_135039_20190215_20190222_01_T1_X_LC08_L1TP_135039_20200218_20200225_01_T1_G0240V01_P078.nc",
            identity=(),
            bucket="year",
            service="itslive",
            typical_bytes=4e6,
            reader="products.itslive.pairs:open_pair",
            writer="simulation.itslive:write",
        ),
        Product(
            name="itslive_elevation",
            title="height change of ice sheets since 1985 or 1992, gridded",
            written="ITS_LIVE elevation change",
            kept="grid",
            name_form=HEIGHTS,
            other_forms=(HEIGHTS_NSIDC,),
            example="ANT_G1920V01_GroundedIceHeight.nc",
            identity=("region_code",),
            service="itslive",
            typical_bytes=2e9,
            reader="products.itslive_elevation:read_elevation",
            writer="simulation.itslive_elevation:write",
        ),
        Product(
            name="bedmachine",
            title="thickness and bed of ice sheets",
            written="BedMachine",
            kept="grid",
            name_form=BED,
            other_forms=(BED_NSIDC,),
            collections=("IDBMG4", "NSIDC-0756"),
            example="BedMachineGreenland-v6.nc",
            identity=("region_code",),
            one_epoch=True,
            typical_bytes=1e9,
            reader="products.bedmachine:read_bedmachine",
            writer="simulation.bedmachine:write",
        ),
        # not asked for by a study: compared with, searched for by hand, or known by name so that a folder can tell them
        Product(
            name="atl04",
            title="normalized relative backscatter profiles",
            in_study=False,
            name_form=TRACK,
            example="ATL04_20190504033705_05480304_006_01.h5",
        ),
        Product(
            name="atl20",
            title="gridded sea-ice freeboard",
            in_study=False,
            name_form=SEA_ICE,
            example="ATL20-02_20190901010101_09960401_004_01.h5",
            reader="products.atl20:read_freeboard",
        ),
        Product(
            name="atl21",
            title="gridded sea surface height anomaly within sea ice",
            in_study=False,
            name_form=SEA_ICE,
            example="ATL21-01_20190901010101_09960401_003_01.h5",
        ),
        Product(
            name="itslive_shelves",
            title="height change, firn and melt of ice shelves, 1992 to 2017",
            in_study=False,
            name_form=SHELVES,
            other_forms=(SHELVES_NSIDC,),
            example="ANT_G1920V01_IceShelfMelt.nc",
            identity=("region_code",),
            service="itslive",
            reader="products.itslive_elevation:read_shelf",
        ),
        Product(
            name="itslive_cube",
            title="datacubes of image pairs",
            in_study=False,
            source_of=("itslive", "datacubes"),
            name_form=CUBE,
            example="ITS_LIVE_vel_EPSG3413_G0120_X-150000_Y-2250000.zarr",
            service="itslive",
            writer="simulation.itslive_cubes:write",
        ),
        Product(
            name="itslive_mosaic",
            title="annual velocity mosaics, compared with those of itslive",
            written="ITS_LIVE mosaics",
            source_of=("itslive", "mosaics"),
            name_form=MOSAIC,
            example="ITS_LIVE_velocity_120m_RGI01A_0000_V02.1.nc",
            service="itslive",
            reader="products.itslive.mosaics:open_mosaic",
            writer="simulation.itslive_mosaics:write",
        ),
    )
}


def product_row(name: Any) -> Product:
    """
    Return the row of a product, or a row of defaults for a name that is not in the table.

    Parameters
    ----------
    name : name of a product, in any case
    """
    word = str(name).lower()
    return PRODUCTS.get(word) or Product(name=word, in_study=False)


def products_with(**wanted: Any) -> tuple[str, ...]:
    """
    Return the products whose rows hold given values, in the order of the table.

    Parameters
    ----------
    wanted : fields of Product and their values

    >>> products_with(kept="points"), products_with(bucket="month", harmony=True)
    (('atl11', 'atl06'), ('atl10', 'atl07'))
    """
    return tuple(p.name for p in PRODUCTS.values() if all(getattr(p, key) == value for key, value in wanted.items()))


def granules_of(name: str, source: str | None = None) -> str:
    """
    Return the product whose granules a product is made from, such as atl03 for atl06sr.

    Parameters
    ----------
    name : name of a product
    source : what a study says it is made from, if there is a choice

    >>> granules_of("atl06sr"), granules_of("itslive"), granules_of("itslive", "datacubes")
    ('atl03', 'itslive', 'itslive_cube')
    """
    row = product_row(name)
    other = (p.name for p in PRODUCTS.values() if p.source_of == (row.name, source))
    return row.granules_of or next(other, row.name)


def asking_for(name: str) -> tuple[str, ...]:
    """
    Return the products of a study that need a product's granules.

    Parameters
    ----------
    name : name of a product

    >>> asking_for("atl03"), asking_for("atl08")
    (('atl03', 'atl06sr'), ('atl08', 'atl03', 'atl06sr'))
    """
    return (name, *(p.name for p in PRODUCTS.values() if p.granules_of == name), *product_row(name).joined_by)
