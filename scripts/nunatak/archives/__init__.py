"""
Search and fetch granules: every archive answers `search` with a granule table and `fetch` with a ledger.

`parameters.archives.ARCHIVES` lists the archives, `opening.open_archive` opens one, and later steps do not depend on
which archive answered.
"""

from nunatak.runtime import NunatakError


class EmptyAnswer(NunatakError):
    """The archive answered, and has no granule that fits."""


class ServiceFailed(NunatakError):
    """The archive did not answer, or answered incorrectly. A later attempt may succeed."""


class LoginRefused(NunatakError):
    """The archive needs other credentials. Another attempt does not help."""
