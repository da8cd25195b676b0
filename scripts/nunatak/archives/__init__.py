"""
Where granules come from: every archive answers `search` with a granule table and `fetch` with a ledger.

`parameters.archives.ARCHIVES` says which archives there are, `opening.open_archive` opens one, and nothing downstream
knows which answered.
"""

from nunatak.runtime import NunatakError


class EmptyAnswer(NunatakError):
    """The archive answered, and has nothing that was asked for."""


class ServiceFailed(NunatakError):
    """The archive did not answer, or not as it should; asking again later may help."""


class LoginRefused(NunatakError):
    """The archive wants other credentials; asking again does not help."""
