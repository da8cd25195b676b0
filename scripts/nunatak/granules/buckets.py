"""Assign granules to buckets of time and to the chunks of a study."""

from __future__ import annotations

import hashlib
from collections.abc import Container

import numpy as np

from nunatak.granules.names import GranuleName
from nunatak.granules.products import product_row

_ORBIT = np.timedelta64(100, "m")  # a granule is shorter than one orbit


def bucket(granule: GranuleName) -> str:
    """
    Return the time bucket of a granule: its cycle, month, year of mid-date, or "all".

    Parameters
    ----------
    granule : GranuleName

    >>> from nunatak.granules import parse
    >>> bucket(parse("ATL06_20190504033705_05480304_007_01.h5"))
    'cycle03'
    >>> bucket(parse("ATL10-02_20190916205836_12340401_005_02.h5"))
    '2019-09'
    """
    kind = product_row(granule.product).bucket
    if kind == "cycle":
        return f"cycle{granule.cycle:02d}"
    if kind == "month":
        return str(granule.time_start)[:7]
    return str(granule.mid_date)[:4] if kind == "year" else "all"


def chunk_of(granule: GranuleName, splits: int = 1, *, chunks: Container[str] | None = None) -> str | None:
    """
    Return the chunk of a granule: its time bucket, or a share of the bucket chosen by a hash of the granule's id.

    A sea-ice granule that begins less than an orbit before the first month of the study belongs to that month.

    Parameters
    ----------
    granule : GranuleName
    splits : number of shares of a bucket. Default: 1
    chunks : chunks of a study (`Study.chunks`). A granule in none of them gives None. Default: any chunk

    Examples
    --------
    >>> from nunatak.granules import parse
    >>> granule = parse("ATL06_20190504033705_05480304_007_01.h5")
    >>> chunk_of(granule), chunk_of(granule, splits=4)
    ('cycle03', 'cycle03-3of4')
    """
    own = split_name(bucket(granule), granule.granule_id, splits)
    if chunks is None or own in chunks:
        return own
    if product_row(granule.product).bucket == "month" and granule.time_start is not None:
        month = str(granule.time_start + _ORBIT)[:7]
        later = split_name(month, granule.granule_id, splits)
        return later if later in chunks else None
    return None


def split_name(bucket_name: str, granule_id: str, splits: int) -> str:
    """
    Return the share of a bucket that the hash of a granule's id selects, or the bucket itself if it is not split.

    Parameters
    ----------
    bucket_name : name of the bucket
    granule_id : id of the granule
    splits : number of shares
    """
    if splits == 1:
        return bucket_name
    share = int.from_bytes(hashlib.sha256(granule_id.encode()).digest()[:8], "big") % splits
    return f"{bucket_name}-{share + 1}of{splits}"
