"""Serve the region explorer from a notebook."""

from __future__ import annotations


def explore(folder=".", *, port=0):
    """
    Serve the region explorer in the background, until it is closed or the kernel ends.

    Parameters
    ----------
    folder : of the workflow. Default: the working directory
    port : of this machine. Default: 0, any that is free

    Returns
    -------
    explorer.serving.Explorer : its `url` is what a browser opens and the link that a notebook shows; `close()` ends it

    Raises
    ------
    NunatakError : there is no workflow in the folder, or the port is taken
    """
    from nunatak.explorer.serving import Explorer

    return Explorer(folder, port).open()
