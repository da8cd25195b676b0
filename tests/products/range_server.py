"""A web server of one folder that answers byte ranges: `python range_server.py <folder> <file for the bytes sent>`."""

import functools
import http.server
import sys
from pathlib import Path


class RangeHandler(http.server.SimpleHTTPRequestHandler):
    """Serves byte ranges, and notes how many bytes it has sent."""

    sent = 0
    note: Path

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        body = path.read_bytes()
        size, asked = len(body), self.headers.get("Range")
        if asked:
            first, last = asked.removeprefix("bytes=").split("-")
            first, last = int(first), min(int(last or size - 1), size - 1)
            body = body[first : last + 1]
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        else:
            self.send_response(200)
        type(self).sent += len(body)
        self.note.write_text(str(type(self).sent))
        self._finish(len(body))
        self.wfile.write(body)

    def do_HEAD(self):
        path = Path(self.translate_path(self.path))
        self.send_response(200 if path.is_file() else 404)
        self._finish(path.stat().st_size if path.is_file() else 0)

    def _finish(self, length):
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, *arguments):
        """Silent."""


if __name__ == "__main__":
    RangeHandler.note = Path(sys.argv[2])
    handler = functools.partial(RangeHandler, directory=sys.argv[1])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    print(server.server_port, flush=True)
    server.serve_forever()
