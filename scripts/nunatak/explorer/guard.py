"""
Let in what the explorer's own page asks of its server, and nothing from elsewhere.

Every address begins with a token that only the person who started the explorer has seen. The host must be named as
this machine is, against pages whose own name leads here (DNS rebinding), and what changes something must come from
the explorer's page, against other pages that post to it.
"""

from __future__ import annotations

import hmac

from starlette.responses import JSONResponse, PlainTextResponse

HOST = "127.0.0.1"
# pictures of NASA GIBS are asked for only after the user has chosen one
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data: blob: https://gibs.earthdata.nasa.gov; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}
BODY = 4_000_000  # bytes of a request


class Guard:
    """An ASGI application that passes on what the explorer's own page asks, and refuses the rest with its reason."""

    def __init__(self, app, token):
        self._app, self._token = app, token

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        path = scope["path"][len(self._token) + 1 :]

        async def with_headers(message):
            if message["type"] == "http.response.start":
                there = {name for name, _ in message.get("headers", [])}
                given = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
                given = [(name, value) for name, value in given if name not in there]
                message = {**message, "headers": [*message.get("headers", []), *given]}
            await send(message)

        await self._app({**scope, "path": path or "/", "raw_path": (path or "/").encode()}, receive, with_headers)

    def _refusal(self, scope):
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        port = scope["server"][1]
        hosts = {f"{HOST}:{port}", f"localhost:{port}"}
        host = headers.get("host", "")
        if host not in hosts:
            return PlainTextResponse("this server answers to 127.0.0.1 alone", 421)
        first = scope["path"].split("/")[1] if "/" in scope["path"] else ""
        if not hmac.compare_digest(first.encode(), self._token.encode()):
            return PlainTextResponse("open the address that `make explore` printed, with its token", 404)
        origin = headers.get("origin")
        if origin is not None and origin not in {f"http://{name}" for name in hosts}:
            return _no("another page asks; the explorer answers its own page alone")
        if scope["method"] not in ("GET", "HEAD"):
            if origin is None or headers.get("sec-fetch-site", "same-origin") != "same-origin":
                return _no("the page that asks is not named; the explorer answers its own page alone")
            if headers.get("content-type", "").partition(";")[0] != "application/json":
                return _no("what is sent must be JSON", 415)
            if not headers.get("content-length", "").isdecimal() or int(headers["content-length"]) > BODY:
                return _no(f"what is sent must say its length, at most {BODY} bytes", 413)
        return None


def _no(reason, status=403):
    return JSONResponse({"error": reason}, status_code=status)
