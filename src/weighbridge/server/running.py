"""A hub as a process: a socket of its own, one server for each data folder, and an orderly end."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from weighbridge.errors import PortInUseError, ServiceError, UsageError
from weighbridge.hub import Hub
from weighbridge.server.app import create_app

# How long requests under way may take to finish after Ctrl-C.
GRACE_SECONDS = 10
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 (what clients on this machine call it)


@contextmanager
def listen(host: str, port: int) -> Iterator[socket.socket]:
    """A socket at this address. Raises `PortInUseError`, or `UsageError` for an address that is not this machine's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((host, port))
            made.listen(128)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortInUseError(f"another program listens at port {port} of {host}") from None
            if error.errno == errno.EACCES:
                raise UsageError(f"port {port} is kept for the system", hint="Choose one above 1023.") from None
            raise UsageError(f"cannot listen at {host!r}: {error.strerror or error}") from None
        yield made


def run(hub: Hub, listening: socket.socket, host: str, *, verbose: bool, started: Callable[[str], None]) -> None:
    """Serve until a signal asks to stop. `started` is told where, once requests are answered."""
    with _alone(hub.data):
        level = logging.INFO if verbose else logging.WARNING
        logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
        config = uvicorn.Config(
            create_app(hub),
            log_config=None,
            access_log=verbose,
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
            timeout_keep_alive=30,
        )
        address = f"http://{_spoken(host)}:{listening.getsockname()[1]}"
        told = f"Weighbridge serves {hub.data} at {address}\nFor Hugging Face clients: export HF_ENDPOINT={address}"
        _Server(config, lambda: started(told)).run(sockets=[listening])


def _spoken(host: str) -> str:
    """A host as it stands in an address that works on this machine."""
    return _ANYWHERE.get(host, f"[{host}]" if ":" in host else host)


class _Server(uvicorn.Server):
    """Uvicorn ends in good order at a signal, but then raises the signal again, which would skip our own end."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._tell_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._tell_started()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@contextmanager
def _alone(data: Path) -> Iterator[None]:
    """Two servers would each examine and pack what the other does. Other commands may run beside one."""
    handle = os.open(data / "serve.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise ServiceError(
            "another 'weigh serve' runs on this folder", where=str(data), hint="Stop it first."
        ) from None
    finally:
        os.close(handle)
