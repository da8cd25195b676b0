"""
Send the archives' host names to the stand-in on loopback, and refuse every other address.

The clients themselves are not touched: they resolve names, check certificates and speak TLS as ever. Subprocesses get
the same through `site/sitecustomize.py` on PYTHONPATH. Needs the standard library only.
"""

from __future__ import annotations

import os
import socket
import sys

HOSTS = (
    "cmr.earthdata.nasa.gov",
    "urs.earthdata.nasa.gov",
    "harmony.earthdata.nasa.gov",
    "data.nsidc.earthdatacloud.nasa.gov",
    "d3h5e2j7riftk6.cloudfront.net",
    "stac.itslive.cloud",
    "its-live-data.s3.amazonaws.com",
    "nsidc-cumulus-prod-protected.s3.us-west-2.amazonaws.com",
    "elsewhere.example.org",
)
PORT, AUTHORITY = "NUNATAK_STANDIN_PORT", "NUNATAK_STANDIN_AUTHORITY"
REFUSED = "the tests reach no address but loopback"

_resolve = socket.getaddrinfo


def environment(port, authority) -> dict[str, str]:
    """The variables that send a process and its children to a stand-in."""
    names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", AUTHORITY)
    return {PORT: str(port), **dict.fromkeys(names, str(authority))}


def getaddrinfo(host, port, *args, **kwargs):
    """The system's resolver, for archive hosts the stand-in, for loopback itself, for others an error."""
    name = host.decode() if isinstance(host, bytes) else host
    if name in HOSTS and PORT in os.environ:
        return _resolve("127.0.0.1", int(os.environ[PORT]), *args, **kwargs)
    if name in (None, "", "localhost", "::1") or str(name).startswith("127."):
        return _resolve(host, port, *args, **kwargs)
    # seen even where a client swallows the error
    print(f"REFUSED {name}: {REFUSED}", file=sys.stderr)
    raise OSError(f"{name}: {REFUSED}")


def install():
    """Put the resolver in place for this process, and the test authority where clients look for theirs."""
    socket.getaddrinfo = getaddrinfo
    try:
        import certifi
    except ImportError:
        return
    certifi.where = lambda: os.environ[AUTHORITY]
