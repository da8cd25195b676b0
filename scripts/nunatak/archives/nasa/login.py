"""
The Earthdata login: found, checked and used, never asked for and never written down.

Only what is downloaded from NASA's archives needs it; searching and planning do not.
"""

from __future__ import annotations

import base64
import json
import os
import threading
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from nunatak.archives import LoginRefused
from nunatak.archives.transfer.transport import failed

ADDRESS = "https://urs.earthdata.nasa.gov"
# Nobody else is shown the token, whatever address a catalogue or a list names.
_TRUSTED = (".earthdata.nasa.gov", ".earthdatacloud.nasa.gov")


def needed(address=ADDRESS) -> str:
    """What a person does to get a login and to leave it where it is found."""
    host = urlsplit(address).netloc
    return (
        f"an account is free (https://{host}/users/new): put `machine {host} login <user> password <password>` into "
        "~/.netrc, or set EARTHDATA_TOKEN, or EARTHDATA_USERNAME and EARTHDATA_PASSWORD"
    )


def source(address=ADDRESS) -> str | None:
    """Where a login lies: "token", "environment", "netrc", or None; nothing is asked and nobody is called."""
    if os.environ.get("EARTHDATA_TOKEN"):
        return "token"
    if os.environ.get("EARTHDATA_USERNAME") and os.environ.get("EARTHDATA_PASSWORD"):
        return "environment"
    from netrc import NetrcParseError, netrc

    from earthaccess.auth import netrc_path

    try:
        found = netrc(str(netrc_path())).hosts.get(urlsplit(address).netloc)  # earthaccess takes no `default` line
    except FileNotFoundError:
        return None
    except (NetrcParseError, OSError, UnicodeDecodeError) as error:
        said = f"{netrc_path()}: cannot be read ({type(error).__name__})"
        raise LoginRefused(f"{said}; mend it: {needed(address)}") from None
    return "netrc" if found and found[0] and found[2] else None


def require(address=ADDRESS) -> str:
    """
    Where the login lies, or what is missing and how to get it.

    Raises
    ------
    LoginRefused : there is none, or the token has expired or can be none
    """
    found = source(address)
    if found is None:
        raise LoginRefused(f"no Earthdata login found; {needed(address)}")
    token = os.environ.get("EARTHDATA_TOKEN", "")
    if found == "token" and (not token.isascii() or not token.isprintable() or " " in token):
        raise LoginRefused("EARTHDATA_TOKEN: holds a space, a line's end or another sign no token has; set it anew")
    left = token_days_left()
    if found == "token" and left is not None and left <= 0:
        raise LoginRefused(
            f"EARTHDATA_TOKEN: expired {-left:.0f} days ago; make a new one at {address} (Generate Token)"
        )
    return found


def token_days_left() -> float | None:
    """Days until the token in EARTHDATA_TOKEN expires, read off the token itself; None where it does not say."""
    parts = os.environ.get("EARTHDATA_TOKEN", "").split(".")
    if len(parts) != 3:
        return None
    try:
        content = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        ends = datetime.fromtimestamp(float(content["exp"]), UTC)
    except (ValueError, KeyError, TypeError, OverflowError, OSError):
        return None
    return (ends - datetime.now(UTC)).total_seconds() / 86400


def authenticate(address=ADDRESS):
    """
    A login of the client `earthaccess`, made once without a prompt.

    Parameters
    ----------
    address : of the login service

    Raises
    ------
    LoginRefused : there is none, or Earthdata does not take it; never tried twice, because that locks accounts
    ServiceFailed : the login service did not answer
    """
    import requests
    from earthaccess.auth import Auth
    from earthaccess.exceptions import LoginAttemptFailure, LoginStrategyUnavailable
    from earthaccess.system import PROD, EDLHostname

    found = require(address)
    login = Auth()
    system = replace(PROD, edl_hostname=EDLHostname(urlsplit(address).netloc))
    try:
        login.login(strategy="netrc" if found == "netrc" else "environment", system=system)
    except (LoginAttemptFailure, LoginStrategyUnavailable) as error:
        if "invalid_credentials" in str(error) or "401" in str(error):
            where = "~/.netrc" if found == "netrc" else "EARTHDATA_USERNAME and EARTHDATA_PASSWORD"
            raise LoginRefused(f"Earthdata refuses user and password from {where}; correct them there") from None
        raise failed("Earthdata login", error) from None
    except (requests.exceptions.RequestException, ValueError, KeyError) as error:
        raise failed("Earthdata login", error) from None
    return login


def session(address=ADDRESS):
    """
    A requests session that carries the token to NASA's hosts and to no other; see `authenticate`.

    Its `login_again()` gets a new token where user and password are known, once; it returns whether there is one.
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
            """The token, for a client that carries it itself."""
            return tokens[-1]

        def rebuild_auth(self, prepared_request, response):
            """After a redirect: the token where it belongs, nothing elsewhere, and nothing out of ~/.netrc."""
            prepared_request.headers.pop("Authorization", None)
            prepared_request.prepare_auth(Bearer())

    made = Session()
    made.auth = Bearer()
    made.max_redirects = 8
    made.mount("https://", HTTPAdapter(pool_maxsize=32))
    return made


def trusted(url) -> bool:
    """Whether the token may be sent to an address: NASA's own hosts, over TLS."""
    parts = urlsplit(url)
    return parts.scheme == "https" and f".{parts.hostname or ''}".endswith(_TRUSTED)


def check(address=ADDRESS):
    """
    Whether the login works, asked of the login service at an address.

    Returns
    -------
    text : what was found, for a person
    """
    found = require(address)
    authenticate(address)
    days = token_days_left()
    if found == "token":
        return f"a token ({'its end is not stated' if days is None else f'{days:.0f} days left'}; not tried on a file)"
    return f"user and password from {'~/.netrc' if found == 'netrc' else 'the environment'}, accepted"
