"""One reader per product: files in, tables and datasets with units out."""

from nunatak.runtime import NunatakError


class GranuleError(NunatakError):
    """A granule that cannot be read: one line that names the file, the group or field, and the remedy."""
