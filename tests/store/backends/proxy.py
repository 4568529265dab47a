"""An HTTP proxy between a client and an S3 server: counts what passes, and fails as networks and servers do."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Request:
    """What a client sent. `number` counts all requests from 0."""

    number: int
    method: str
    path: str
    sent: int
    range: str = ""

    @property
    def is_payload(self) -> bool:
        return "/packs/" in self.path


@dataclass(frozen=True)
class Answer:
    """A status instead of an answer."""

    status: int
    code: str


@dataclass(frozen=True)
class Cut:
    """The connection ends after so many bytes of the answer's body."""

    after: int


@dataclass(frozen=True)
class Refuse:
    """The connection ends before the server has seen the request."""


@dataclass(frozen=True)
class Lose:
    """The server does what it was asked; its answer is lost."""


@dataclass(frozen=True)
class Delay:
    seconds: float


@dataclass(frozen=True)
class Mark:
    """Status 206 for an answer that has a range, as S3 gives it; after a while, if so said."""

    seconds: float = 0.0


Fault = Answer | Cut | Refuse | Lose | Delay | Mark
NOT_TO_FORWARD = ("connection", "transfer-encoding")


@dataclass
class Proxy:
    """`rule` says which fault, if any, befalls a request."""

    upstream: str
    rule: Callable[[Request], Fault | None] = lambda _request: None
    seen: list[Request] = field(default_factory=list)
    most_at_once: int = 0
    most_gets_at_once: int = 0

    def __enter__(self) -> Proxy:
        self._lock = threading.Lock()
        self._running: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.proxy = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def forget(self) -> None:
        """Count from here on."""
        self.seen.clear()
        self.most_gets_at_once = 0

    def bytes_sent(self) -> int:
        return sum(request.sent for request in list(self.seen))

    def enter(self, method: str, path: str, sent: int, ranged: str) -> Request:
        with self._lock:
            request = Request(len(self.seen), method, path, sent, ranged)
            self.seen.append(request)
            self._running.append(method)
            self.most_gets_at_once = max(self.most_gets_at_once, self._running.count("GET"))
            return request

    def leave(self, method: str) -> None:
        with self._lock:
            self._running.remove(method)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = self.server.proxy.enter(self.command, self.path, len(body), self.headers.get("Range", ""))
        try:
            self.answer(self.server.proxy.rule(request), body)
        except OSError:  # the client, or the server, went away
            self.close_connection = True
        finally:
            self.server.proxy.leave(self.command)

    def answer(self, fault: Fault | None, body: bytes) -> None:
        if isinstance(fault, Delay | Mark):
            time.sleep(fault.seconds)
        if isinstance(fault, Refuse):
            return self.hang_up()
        if isinstance(fault, Answer):
            return self.refuse(fault)
        connection = http.client.HTTPConnection(self.server.proxy.upstream.removeprefix("http://"), timeout=60)
        try:
            connection.request(self.command, self.path, body, dict(self.headers.items()))
            answer = connection.getresponse()
            if isinstance(fault, Lose):
                answer.read()
                return self.hang_up()
            self.pass_on(answer, fault)
        finally:
            connection.close()
        return None

    def refuse(self, fault: Answer) -> None:
        body = f"<Error><Code>{fault.code}</Code><Message>no</Message></Error>".encode()
        self.send_response(fault.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def pass_on(self, answer: http.client.HTTPResponse, fault: Fault | None) -> None:
        ranged = isinstance(fault, Mark) and answer.status == 200 and answer.headers.get("Content-Range")
        self.send_response_only(206 if ranged else answer.status)
        data = answer.read()
        for name, value in answer.getheaders():
            if name.lower() not in (*NOT_TO_FORWARD, "content-length"):
                self.send_header(name, value)
        length = answer.headers["Content-Length"] if self.command == "HEAD" else str(len(data))
        if length:
            self.send_header("Content-Length", length)
        self.end_headers()
        if self.command == "HEAD":
            return
        if isinstance(fault, Cut) and fault.after < len(data):
            self.wfile.write(data[: fault.after])
            self.wfile.flush()
            self.hang_up()
        else:
            self.wfile.write(data)

    def hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = forward  # noqa: N815
