"""Serve the explorer on this machine until the person who started it stops it."""

from __future__ import annotations

import secrets
import socket
import threading
import webbrowser
from pathlib import Path

from nunatak.explorer.app import application
from nunatak.explorer.guard import HOST
from nunatak.runtime import NunatakError, say
from nunatak.service.app import Server


class Explorer(Server):
    """
    Serve the explorer on a port of this machine, in a thread of its own.

    Use it as a context manager.

    Parameters
    ----------
    folder : of the workflow
    port : Default: 0, any that is free

    Attributes
    ----------
    url : what a browser opens, with the token
    """

    def __init__(self, folder, port=0):
        if not (Path(folder) / "config").is_dir():
            raise NunatakError(f"{folder}: holds no config folder; name the folder of the workflow")
        _check_free(port)
        self._token = secrets.token_urlsafe(18)
        super().__init__(application(folder, self._token), host=HOST, port=port)

    @property
    def url(self) -> str:
        return f"http://{self.address}/{self._token}/"

    def open(self):
        """Begin to serve in the background, and return this object."""
        return self.__enter__()

    def close(self):
        """Stop serving."""
        self.__exit__(None, None, None)

    def _repr_html_(self):
        return f'<a href="{self.url}" target="_blank">{self.url}</a>'


def _check_free(port):
    """
    Refuse a port that is taken.

    Raises
    ------
    NunatakError : it is, or may not be used
    """
    try:
        with socket.create_server((HOST, port)):
            pass
    except (OSError, OverflowError) as error:
        raise NunatakError(f"--port {port}: cannot be used ({error}); write another port, or none") from error


def run(folder, *, port=0, browser=True):
    """
    Serve the explorer until Ctrl-C.

    Parameters
    ----------
    folder : of the workflow
    port : Default: 0, any that is free
    browser : open the page in the user's browser

    Raises
    ------
    NunatakError : the port is taken
    """
    with Explorer(folder, port) as explorer:
        say(f"explorer: {explorer.url}")
        say("the address is for you alone; studies are written below config/studies; Ctrl-C ends it")
        if browser:
            webbrowser.open(explorer.url)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            say("explorer: ended")
