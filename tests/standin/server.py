"""
A stand-in for the archives' services on loopback, with a log of every request and faults by name.

It answers as the clients' own code and recorded answers say the services do; what the live services do beyond that is
not known to it. One server answers for every host, by the Host header.
"""

from __future__ import annotations

import fnmatch
import ssl
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tests.standin.faults import FAULTS
from tests.standin.messages import Answer, Request


class StandIn:
    """
    The services behind one loopback port.

    Parameters
    ----------
    services : host -> function of a Request that returns an Answer
    certificate, key : PEM files
    """

    def __init__(self, services, certificate, key):
        self.services = services
        self.log: list[Request] = []
        self.faults: list[dict] = []
        self.open: dict[str, int] = {}  # answers under way, by host
        self.most: dict[str, int] = {}  # and the most there ever were
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        # the handshake belongs to the connection's own thread: a client that hangs must not block the others
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def reset(self):
        """Forget requests and faults."""
        with self._lock:
            self.log.clear()
            self.faults.clear()
            self.most.clear()

    def fault(self, name, *, times=None, match="*", **changes):
        """Switch a fault on by its name; for so many requests, for paths that match, with further changes."""
        fault = {**FAULTS[name], "path": match, "left": times, **changes}
        with self._lock:
            self.faults.append(fault)

    @contextmanager
    def without_faults(self):
        """For a while, services that work."""
        with self._lock:
            held, self.faults = self.faults, []
        try:
            yield
        finally:
            with self._lock:
                self.faults = held

    @contextmanager
    def under_way(self, host):
        """Count an answer while it is sent."""
        with self._lock:
            self.open[host] = self.open.get(host, 0) + 1
            self.most[host] = max(self.most.get(host, 0), self.open[host])
        try:
            yield
        finally:
            with self._lock:
                self.open[host] -= 1

    def requests(self, host="*", path="*", method="*") -> list[Request]:
        """The requests a host was sent, in order."""
        kept = fnmatch.fnmatch
        return [r for r in list(self.log) if kept(r.host, host) and kept(r.path, path) and kept(r.method, method)]

    def answer(self, request) -> Answer:
        """The service's answer, changed by the first fault that is switched on for it."""
        with self._lock:
            self.log.append(request)
            fault = next((f for f in self.faults if _applies(f, request)), None)
            if fault and fault["left"] is not None:
                fault["left"] -= 1
        answer = (fault or {}).get("instead", self.services[request.host])(request)
        if fault and "change" in fault:
            answer = fault["change"](answer, request)
        return answer


def _applies(fault, request):
    return (
        fault["left"] != 0
        and fnmatch.fnmatch(request.host, fault["host"])
        and fnmatch.fnmatch(request.path, fault["path"])
        and fault.get("when", lambda r: True)(request)
    )


def _handler(standin):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def handle(self):
            try:
                super().handle()
            except OSError:  # the client went away or refused the handshake
                self.close_connection = True

        def _serve(self):
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            request = Request(
                self.command,
                (self.headers.get("Host") or "").split(":")[0],
                parts.path,
                parse_qs(parts.query, keep_blank_values=True),
                {k.lower(): v for k, v in self.headers.items()},
                self.rfile.read(length),
                time.monotonic(),
            )
            with standin.under_way(request.host):
                self._send(standin.answer(request))

        do_GET = do_POST = do_PUT = do_HEAD = _serve

        def _send(self, answer):
            time.sleep(answer.delay)
            if answer.drop:
                self.close_connection = True
                self.connection.close()
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.length:
                self.send_header("Content-Length", str(len(answer.body)))
            else:
                self.send_header("Connection", "close")
            self.end_headers()
            if self.command != "HEAD":
                self._body(answer)
            if answer.cut is not None or not answer.length:
                self.close_connection = True
                self.wfile.flush()

        def _body(self, answer):
            body = answer.body if answer.cut is None else answer.body[: answer.cut]
            if answer.rate is None:
                self.wfile.write(body)
                return
            step = max(int(answer.rate * 0.02), 1)
            begun = time.monotonic()
            for start in range(0, len(body), step):
                self.wfile.write(body[start : start + step])
                time.sleep(max(begun + (start + step) / answer.rate - time.monotonic(), 0.0))

        def log_message(self, *args):
            return

    return Handler
