"""The facade for notebooks: functions that take paths and return tables and datasets."""

from __future__ import annotations

from pathlib import Path


def atl06sr(atl03_path, parameters, atl08_path=None, region=None, *, callback=None, threads=None):
    """
    Heights fitted to the photons of one or more ATL03 granules (ATL06-SR), on this machine.

    Parameters
    ----------
    atl03_path : path of a granule, or a list of them
    parameters : mapping with SlideRule's own names (`srt`, `cnf`, `ats`, `cnt`, `len`, `res`, `maxi`, `poly`, `yapc`,
        `atl08_class`, ... and the x-series' `fit`), plus `profile` (legacy, xseries, anchored), `compat`, `columns`
        (standard, classic), `preset`; or a `nunatak.photons.FitParameters`
    atl08_path : path of the ATL08 granule of the same name (a list along with a list), needed for `atl08_class`,
        `atl08_fields` and `als`
    region : Region, or one of the forms a study file takes (`nunatak.region.load`); default everywhere
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
    from nunatak.photons.granule import granule_heights
    from nunatak.photons.parameters import FitParameters

    return _each_granule(
        granule_heights, atl03_path, FitParameters.of(parameters), atl08_path, region, callback, threads
    )


def atl03s(atl03_path, parameters, atl08_path=None, region=None, *, callback=None, threads=None):
    """
    The photons of each extent (SlideRule's `atl03s`); arguments as for `atl06sr`.

    Returns
    -------
    DataFrame : see `nunatak.photons.extents`
    """
    from nunatak.photons.granule import granule_extents
    from nunatak.photons.parameters import FitParameters

    return _each_granule(
        granule_extents, atl03_path, FitParameters.of(parameters), atl08_path, region, callback, threads
    )


def _each_granule(work, atl03_path, parameters, atl08_path, region, callback, threads):
    from nunatak.photons.granule import status_records
    from nunatak.products import atl03, atl08
    from nunatak.region import Region, load
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
