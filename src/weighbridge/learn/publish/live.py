"""A run's page while it goes on: served to this machine alone, from the record as far as it is written."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from weighbridge.errors import PortInUseError
from weighbridge.figures import plotly_path, script
from weighbridge.learn import record
from weighbridge.learn.publish import page
from weighbridge.learn.training.events import Event, Step

_HTML, _JAVASCRIPT = "text/html; charset=utf-8", "text/javascript; charset=utf-8"
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class Live:
    """The page of the run in `folder`. `tell` it what happens."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._last: Step | None = None

    def tell(self, event: Event) -> None:
        """Keep the last step: how far, and how long to go."""
        if isinstance(event, Step):
            self._last = event

    def html(self) -> str:
        """The page as it is now."""
        last = self._last
        done = last is not None and last.step >= last.steps
        return page.live(self._name, _said(last), list(record.read(self._folder)), done=done)


def _said(last: Step | None) -> str:
    if last is None:
        return "Getting ready."
    left = last.seconds / last.step * (last.steps - last.step)
    return (
        f"Step {last.step:,} of {last.steps:,}, loss {last.loss:.4g}, rate {last.rate:.3g}, "
        f"{last.seconds:.0f} s so far, about {left:.0f} s left."
    )


@contextmanager
def served(live: Live, port: int = 0) -> Iterator[str]:
    """Serve the page on 127.0.0.1 until the block ends; gives its address. Port 0: any that is free.

    Raises `PortInUseError`.
    """
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), _handler(live))
    except OSError as error:
        raise PortInUseError(f"port {port} cannot be used: {error.strerror}", hint="Choose another.") from None
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(live: Live) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            port = self.connection.getsockname()[1]
            if self.headers.get("Host") not in (f"127.0.0.1:{port}", f"localhost:{port}"):
                self.send_error(403, "This page is for this machine alone.")  # another site's name for this address
            elif self.path == "/":
                self._send(live.html().encode(), _HTML, "no-store")
            elif self.path == "/plotly.js":
                self._send(plotly_path().read_bytes(), _JAVASCRIPT, "max-age=86400")
            elif self.path == "/draw.js":
                self._send(script().encode(), _JAVASCRIPT, "max-age=86400")
            else:
                self.send_error(404)

        def _send(self, body: bytes, kind: str, caching: str) -> None:
            self.send_response(200)
            for name, value in {**_HEADERS, "Content-Type": kind, "Cache-Control": caching}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_given: Any) -> None:
            """Say nothing: the terminal is the run's."""

    return Handler
