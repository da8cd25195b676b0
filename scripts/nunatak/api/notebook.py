"""The facade for notebooks: functions that take paths and return tables and datasets."""

from __future__ import annotations

from pathlib import Path

from nunatak.parameters.velocity import CubeForm


def atl06sr(atl03_path, parameters, atl08_path=None, region=None, *, callback=None, threads=None):
    """
    Fit heights to the photons of one or more ATL03 granules (ATL06-SR), on this machine.

    Parameters
    ----------
    atl03_path : path of a granule, or a list of them
    parameters : mapping with SlideRule's own names (`srt`, `cnf`, `ats`, `cnt`, `len`, `res`, `maxi`, `poly`, `yapc`,
        `atl08_class`, ... and the x-series' `fit`), plus `profile` (legacy, xseries, anchored), `compat`, `columns`
        (standard, classic), `preset`; or a `nunatak.photons.FitParameters`
    atl08_path : path of the ATL08 granule of the same name (a list along with a list), needed for `atl08_class`,
        `atl08_fields` and `als`
    region : Region, or one of the forms a study file takes (`nunatak.geometry.region.load`); default everywhere
    callback : function of (resource, result, result_cnt, total_resources); given one, it gets each granule's table and
        nothing is returned
    threads : beams worked on at a time, default one for each processor

    Returns
    -------
    DataFrame : see `nunatak.photons.fit_heights`; `attrs["status"]` tells for every beam of every granule whether it is
        ok, empty or failed, and why. With several granules a column `granule_id` tells them apart.

    Raises
    ------
    ParameterError : unknown key or value out of range
    GranuleError : a granule that cannot be read, or an ATL08 granule that is not its partner
    """
    from nunatak.parameters.sliderule import FitParameters
    from nunatak.photons.granule import granule_heights

    return _each_granule(
        granule_heights, atl03_path, FitParameters.of(parameters), atl08_path, region, callback, threads
    )


def atl03s(atl03_path, parameters, atl08_path=None, region=None, *, callback=None, threads=None):
    """
    Read the photons of each extent (SlideRule's `atl03s`), with the arguments of `atl06sr`.

    Returns
    -------
    DataFrame : see `nunatak.photons.extents`
    """
    from nunatak.parameters.sliderule import FitParameters
    from nunatak.photons.granule import granule_extents

    return _each_granule(
        granule_extents, atl03_path, FitParameters.of(parameters), atl08_path, region, callback, threads
    )


def serve_photons(assets, *, host="127.0.0.1", port=9081, threads=None, background=False, resources="resources"):
    """
    Answer SlideRule's Python client with this engine: the endpoints `atl06`, `atl03s` and `indexer`.

    Parameters
    ----------
    assets : folder with ATL03 (and ATL08) granules, served as asset "icesat2"; or a mapping of the names of assets to
        folders or archives (`nunatak.archives.opening.open_archive`)
    host : address to listen at; only this machine by default. The service asks nobody who they are: open it to others
        only inside a network you trust
    port : 0 takes a free one
    threads : beams worked on at a time, default one for each processor
    background : return at once, serving from a thread; else serve until interrupted
    resources : folder below which the indexes of folders are kept

    Returns
    -------
    with `background`: a context manager that serves inside its `with` block; its `address` is what the client wants:
        `sliderule.init(server.address, organization=None, rethrow=True)`

    Raises
    ------
    NunatakError : no assets, a folder that is not there, a port that is taken
    """
    from nunatak.archives.opening import open_archive
    from nunatak.runtime import NunatakError
    from nunatak.service import app

    given = {"icesat2": assets} if isinstance(assets, str | Path) else dict(assets)
    if not given:
        raise NunatakError("assets: none given; name at least one folder with granules")
    for name, where in given.items():
        if isinstance(where, str | Path) and not Path(where).is_dir():
            raise NunatakError(f"assets: {name}: {where} is no folder; give the one that holds the granules")
    folders = {name: {"directory": where, "resources": resources} for name, where in given.items()}
    served = {
        name: open_archive("directory", folders[name]) if isinstance(where, str | Path) else where
        for name, where in given.items()
    }
    application = app.application(served, threads=threads)
    return app.Server(application, host, port) if background else app.run(application, host, port)


def _each_granule(work, atl03_path, parameters, atl08_path, region, callback, threads):
    from nunatak.geometry.region import Region, load
    from nunatak.photons.granule import status_records
    from nunatak.products import atl03, atl08
    from nunatak.runtime import NunatakError

    several = isinstance(atl03_path, list | tuple)
    paths = [Path(p) for p in (atl03_path if several else [atl03_path])]
    partners = [None] * len(paths) if atl08_path is None else atl08_path if several else [atl08_path]
    if len(partners) != len(paths):
        raise NunatakError(f"atl08_path: {len(partners)} granules for {len(paths)} of ATL03; give one for each")
    area = region if region is None or isinstance(region, Region) else load(region)
    tables = []
    for i, (path, partner) in enumerate(zip(paths, partners, strict=True)):
        granule = atl03.read_granule(path)
        classes = None
        if partner is not None:
            atl08.check_same_granule(granule, partner)
            classes = _classes_of(partner, parameters.atl08_fields)
        table, statuses = work(granule, parameters, classes=classes, region=area, threads=threads)
        table.attrs["status"] = [{"granule": granule.name, **record} for record in status_records(statuses)]
        if callback is not None:
            callback(granule.name, table, i + 1, len(paths))
        else:
            tables.append((granule, table))
    return None if callback is not None else _joined(tables) if several else tables[0][1]


def _classes_of(path, fields):
    from nunatak.products import atl08

    return lambda beam: atl08.read_classes(path, beam, fields=fields)


def _joined(tables):
    import pandas as pd

    for granule, table in tables:
        table.insert(0, "granule_id", granule.name.rsplit(".", 1)[0])
    full = [table for _, table in tables if len(table)] or [tables[0][1]]
    joined = pd.concat(full, ignore_index=True)
    joined.attrs = {**tables[0][1].attrs, "status": [s for _, table in tables for s in table.attrs["status"]]}
    return joined


def build_cube(
    granules,
    region,
    out,
    *,
    selection=None,
    crs=None,
    cell=None,
    index=None,
    pairs=None,
    chunks=CubeForm.chunks,
    zarr_format=CubeForm.zarr_format,
    mixed_resolutions=False,
    all_touched=False,
    memory_mb=256,
    threads=2,
    scheduler=None,
    update=True,
    attributes=None,
    ice=None,
    margin=CubeForm.margin,
):
    """
    Stack ITS_LIVE image pairs over a region into a Zarr cube.

    Parameters
    ----------
    granules : list of paths, or a folder
    region : Region, or one of the forms a study file takes (`nunatak.geometry.region.load`)
    out : folder of the cube, dims (time, y, x); written beside it and renamed
    selection : nunatak.velocity.PairSelection, or a mapping with some of its keys; a study's defaults for the others
    crs, cell : the user's own grid ("EPSG:3031", metres); else the lattice most pairs share
    index : Parquet file that keeps what the granules' metadata say, so that a second build opens none of them
    pairs : Parquet file to write, one row per granule with its fate and the reason
    chunks : "map" (each layer, or a strip of its rows, is a chunk) or "series" (32 x 32 cells of many layers)
    zarr_format : 3 or 2
    mixed_resolutions : rotate pairs of another projection and another cell size too
    all_touched : the region takes every cell it touches, not only those whose centre lies inside
    memory_mb : bound on the layers held at a time where they are cut anew (`chunks` "series") or only measured
        (`percent_valid_in_region`); else each thread holds one pair
    threads : granules read side by side; the values do not depend on it
    scheduler : of Dask, for the years: threads, processes, or the address of a `distributed` scheduler such as
        "tcp://host:8786", whose workers see the same paths; this process where not given
    update : take over the years of an earlier cube at `out` that no new pair touches
    attributes : text for the cube's root, such as `runtime.stamp` returns
    ice : outline of the ice, in the forms of `region`: values nearer its edge than `margin`, and outside, are left out
    margin : metres, or "chip": half the search chip of each value, which otherwise reaches over rock

    Returns
    -------
    DataFrame, every pair with `fate`, `why`, `treatment`, `valid_cells`

    Raises
    ------
    NunatakError : no granules, none passes, or none has a valid cell in the region (`pairs` is written before)
    """
    from nunatak.cubes import build

    return build.build_cube(
        granules,
        region,
        out,
        selection=selection,
        crs=crs,
        cell=cell,
        index=index,
        pairs=pairs,
        chunks=chunks,
        zarr_format=zarr_format,
        mixed_resolutions=mixed_resolutions,
        all_touched=all_touched,
        memory_mb=memory_mb,
        threads=threads,
        scheduler=scheduler,
        update=update,
        attributes=attributes,
        ice=ice,
        margin=margin,
    )


def find(product, region=None, period=None, *, resources="resources", filters=None, **settings):
    """
    Search what NASA's archives and ITS_LIVE hold of a product. No login is needed.

    Parameters
    ----------
    product : such as "atl06", "itslive"; "itslive_cube" and "itslive_mosaic" for ITS_LIVE's own datacubes and mosaics
    region : Region, or one of the forms a study file takes (`nunatak.geometry.region.load`); everywhere where not given
    period : as in a study file, such as ["2019-01-01", "2019-12-31"]; always where not given
    resources : folder below which originals are kept
    filters : mapping with some of `nunatak.archives.archive.Filters`
    settings : of `nunatak.archives.nasa.earthdata.EarthdataArchive`, such as pairs="geoparquet"

    Returns
    -------
    DataFrame : the granule table, `url` among its columns; `attrs["notes"]` says what is odd

    Raises
    ------
    EmptyAnswer, ServiceFailed : there is none; no whole answer came
    """
    from nunatak.archives.archive import Filters
    from nunatak.archives.nasa.earthdata import EarthdataArchive
    from nunatak.geometry.region import Region, load
    from nunatak.study.period import Period

    area = region if region is None or isinstance(region, Region) else load(region)
    when = period if period is None or isinstance(period, Period) else Period.model_validate(period)
    return EarthdataArchive(resources, **settings).search(product, area, when, Filters.of(filters or {}))


def in_place(address, *, endpoints=None):
    """
    Return an address that readers take in place of a path, with the login it needs. Only what is read is transferred.

    Parameters
    ----------
    address : https://... or s3://... (inside AWS us-west-2, Python 3.12), such as the `url` of a granule table
    endpoints : mapping of `endpoints` as in config/config.yaml

    Returns
    -------
    nunatak.files.remote.Address, for `nunatak.products.atl06.read_segments` and its neighbours

    Raises
    ------
    LoginRefused : the address wants a login that there is not
    """
    from nunatak.archives.in_place import openable

    return openable(address, endpoints)


def icepyx_query(product, region, period, *, version=None, tracks=(), cycles=()):
    """
    Build the icepyx query object for what a study would ask, to go on with as its users do.

    Parameters
    ----------
    product : such as "atl06"
    region, period : as for `find`; neither over the antimeridian nor some months of several years
    version : release such as "007"; the newest where not given
    tracks, cycles : numbers

    Returns
    -------
    icepyx.Query : `avail_granules()`, `order_granules()`, `download_granules()`

    Raises
    ------
    NunatakError : icepyx cannot say this region and period, or refuses the question
    """
    from nunatak.archives.asking import asked_of
    from nunatak.archives.nasa import icepyx_orders
    from nunatak.geometry.region import Region, load
    from nunatak.runtime import NunatakError
    from nunatak.study.period import Period

    area = region if isinstance(region, Region) else load(region)
    when = period if isinstance(period, Period) else Period.model_validate(period)
    asked = asked_of(area, when)
    if asked is None:
        raise NunatakError("icepyx asks for one box and one stretch of time; split the region at 180, or the period")
    return icepyx_orders.query(product, **asked, version=version, tracks=tracks, cycles=cycles)


def open_datacube(path, *, bounds=None, period=None, variables=("vx", "vy"), names=True):
    """Open part of an ITS_LIVE datacube, a folder or an address. See `nunatak.products.itslive.cubes.open_datacube`."""
    from nunatak.products.itslive import cubes

    return cubes.open_datacube(path, bounds=bounds, period=period, variables=variables, names=names)


def open_mosaic(path, *, bounds=None, variables=None):
    """
    Open a part of one of ITS_LIVE's mosaics, a file or an address.

    See `nunatak.products.itslive.mosaics.open_mosaic`.
    """
    from nunatak.products.itslive import mosaics

    return mosaics.open_mosaic(path, bounds=bounds, variables=variables)
