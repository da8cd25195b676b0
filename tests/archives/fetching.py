"""What the tests of fetching share: a question, a checksum, a look at the ledger and at the folder."""

from __future__ import annotations

import hashlib

from nunatak.archives.archive import Filters
from nunatak.geometry import region
from nunatak.study.period import Period

HERE = region.load({"bbox": [-35, 66, -34, 67]}, name="here")
YEAR = Period.model_validate(["2019-01-01", "2019-12-31"])
DATA, CLOUD = "data.nsidc*", "*cloudfront*"


def md5(path):
    return "MD5", hashlib.md5(path.read_bytes()).hexdigest()


def found(archive, **filters):
    return archive.search("atl06", HERE, YEAR, Filters(**filters))


def only(ledger):
    """The one row of a ledger."""
    assert len(ledger) == 1
    return ledger.iloc[0]


def kept(archive):
    """Files that bear a granule's name in the archive's folder."""
    return sorted(path.name for path in archive.folder.glob("atl06/*.h5"))
