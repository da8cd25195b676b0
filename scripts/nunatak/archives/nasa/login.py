"""
Find, check and use the Earthdata login, without a prompt and without writing it down.

Only downloads from NASA's archives need it, not searching and planning.
"""

from __future__ import annotations

import base64
import json
import os
import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from nunatak.archives import LoginRefused
from nunatak.archives.transfer.transport import failed

ADDRESS = "https://urs.earthdata.nasa.gov"
# The token is sent to no other host, whatever address a catalogue or a list names.
_TRUSTED = (".earthdata.nasa.gov", ".earthdatacloud.nasa.gov")


def needed(address: str = ADDRESS) -> str:
    """
    Return instructions for getting a login and storing it where it is found.

    Parameters
    ----------
    address : address of the login service
    """
    host = urlsplit(address).netloc
    return (
        f"an account is free (https://{host}/users/new): put `machine {host} login <user> password <password>` into "
        "~/.netrc, or set EARTHDATA_TOKEN, or EARTHDATA_USERNAME and EARTHDATA_PASSWORD"
    )


def source(address: str = ADDRESS) -> str | None:
    """
    Return where a login is stored: "token", "environment", "netrc", or None. Nothing is sent.

    Parameters
    ----------
    address : address of the login service
    """
    if os.environ.get("EARTHDATA_TOKEN"):
        return "token"
    if os.environ.get("EARTHDATA_USERNAME") and os.environ.get("EARTHDATA_PASSWORD"):
        return "environment"
    from netrc import NetrcParseError, netrc

    from earthaccess.auth import netrc_path

    try:
        entry = netrc(str(netrc_path())).hosts.get(urlsplit(address).netloc)  # earthaccess takes no `default` line
    except FileNotFoundError:
        return None
    except (NetrcParseError, OSError, UnicodeDecodeError) as error:
        reason = f"{netrc_path()}: cannot be read ({type(error).__name__})"
        raise LoginRefused(f"{reason}; correct it: {needed(address)}") from None
    return "netrc" if entry and entry[0] and entry[2] else None


def require(address: str = ADDRESS) -> str:
    """
    Return where the login is stored, or raise an error that explains how to get one.

    Parameters
    ----------
    address : address of the login service

    Raises
    ------
    LoginRefused : there is none, or the token has expired or is malformed
    """
    place = source(address)
    if place is None:
        raise LoginRefused(f"no Earthdata login found; {needed(address)}")
    token = os.environ.get("EARTHDATA_TOKEN", "")
    if place == "token" and (not token.isascii() or not token.isprintable() or " " in token):
        raise LoginRefused("EARTHDATA_TOKEN: holds a space, a line's end or another sign no token has; set it anew")
    left = token_days_left()
    if place == "token" and left is not None and left <= 0:
        raise LoginRefused(
            f"EARTHDATA_TOKEN: expired {-left:.0f} days ago; make a new one at {address} (Generate Token)"
        )
    return place


def token_days_left() -> float | None:
    """Return the days until EARTHDATA_TOKEN expires, as stated in the token, or None."""
    parts = os.environ.get("EARTHDATA_TOKEN", "").split(".")
    if len(parts) != 3:
        return None
    try:
        content = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        ends = datetime.fromtimestamp(float(content["exp"]), UTC)
    except (ValueError, KeyError, TypeError, OverflowError, OSError):
        return None
    return (ends - datetime.now(UTC)).total_seconds() / 86400


def authenticate(address: str = ADDRESS) -> Any:
    """
    Log in with the client `earthaccess`, once and without a prompt.

    Parameters
    ----------
    address : address of the login service

    Raises
    ------
    LoginRefused : there is no login, or Earthdata refuses it. It is never tried twice, because that locks accounts
    ServiceFailed : the login service did not answer
    """
    import requests
    from earthaccess.auth import Auth
    from earthaccess.exceptions import LoginAttemptFailure, LoginStrategyUnavailable
    from earthaccess.system import PROD, EDLHostname

    place = require(address)
    login = Auth()
    system = replace(PROD, edl_hostname=EDLHostname(urlsplit(address).netloc))
    try:
        login.login(strategy="netrc" if place == "netrc" else "environment", system=system)
    except (LoginAttemptFailure, LoginStrategyUnavailable) as error:
        if "invalid_credentials" in str(error) or "401" in str(error):
            where = "~/.netrc" if place == "netrc" else "EARTHDATA_USERNAME and EARTHDATA_PASSWORD"
            raise LoginRefused(f"Earthdata refuses user and password from {where}; correct them there") from None
        raise failed("Earthdata login", error) from None
    except (requests.exceptions.RequestException, ValueError, KeyError) as error:
        raise failed("Earthdata login", error) from None
    return login


def session(address: str = ADDRESS) -> Any:
    """
    Return a requests session that sends the token to NASA's hosts and to no other, see `authenticate`.

    Its `login_again()` gets a new token once, if user and password are stored, and returns whether it has one.

    Parameters
    ----------
    address : address of the login service
    """
    import requests
    from requests.adapters import HTTPAdapter

    tokens = [authenticate(address).token["access_token"]]
    turn = threading.Lock()

    class Bearer(requests.auth.AuthBase):
        def __call__(self, request):
            if trusted(request.url):
                request.headers["Authorization"] = f"Bearer {tokens[-1]}"
            return request

    class Session(requests.Session):
        def login_again(self):
            with turn:
                if len(tokens) == 1 and source(address) != "token":
                    tokens.append(authenticate(address).token["access_token"])
            return len(tokens) > 1

        def credentials(self):
            """Return the token, for a client that sends it itself."""
            return tokens[-1]

        def rebuild_auth(self, prepared_request, response):
            """Send the token after a redirect only to NASA's hosts, and nothing from ~/.netrc."""
            prepared_request.headers.pop("Authorization", None)
            prepared_request.prepare_auth(Bearer())

    made = Session()
    made.auth = Bearer()
    made.max_redirects = 8
    made.mount("https://", HTTPAdapter(pool_maxsize=32))
    return made


def trusted(url: str) -> bool:
    """
    Return whether the token may be sent to an address: only to NASA's own hosts, over TLS.

    Parameters
    ----------
    url : address
    """
    parts = urlsplit(url)
    return parts.scheme == "https" and f".{parts.hostname or ''}".endswith(_TRUSTED)


def check(address: str = ADDRESS) -> str:
    """
    Check that the login service accepts the login.

    Parameters
    ----------
    address : address of the login service

    Returns
    -------
    text : a message for the user
    """
    place = require(address)
    authenticate(address)
    days = token_days_left()
    if place == "token":
        return f"a token ({'its end is not stated' if days is None else f'{days:.0f} days left'}; not tried on a file)"
    return f"user and password from {'~/.netrc' if place == 'netrc' else 'the environment'}, accepted"
