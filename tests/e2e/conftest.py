"""A real hub: `weigh serve` as its own process, in a fresh folder, on a free port, with a user and tokens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from weighbridge.hub import Hub, Role

WEIGH = (sys.executable, "-m", "weighbridge")
USER = "ada"


@dataclass
class Server:
    """A running hub. `token` may write as the user ada, `read_token` may only read."""

    data: Path
    home: Path
    token: str = ""
    read_token: str = ""
    url: str = ""
    port: int = 0
    user: str = USER
    process: subprocess.Popen | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start it, at the same port if it ran before."""
        command = [*WEIGH, "serve", "--data", str(self.data), "--port", str(self.port)]
        log = (self.home / "serve.log").open("ab")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        first = self.process.stdout.readline()
        assert "http://" in first, f"weigh serve did not start: {(self.home / 'serve.log').read_text()}"
        self.url = first.split()[-1]
        self.port = int(self.url.rpartition(":")[2])

    def stop(self, how: int = signal.SIGTERM) -> int:
        """Ask it to stop, or kill it. Returns its exit status."""
        self.process.send_signal(how)
        status = self.process.wait(20)
        self.process.stdout.close()
        return status

    def weigh(self, *arguments: str, **options) -> str:
        """Run `weigh` with these arguments; what it prints."""
        return self.run([*WEIGH, *arguments], **options)

    def environment(self, token: str | None = None) -> dict[str, str]:
        """What a Hugging Face client needs to use this hub, and nothing of the person who runs the tests."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
        used = self.token if token is None else token
        theirs = {
            "HF_ENDPOINT": self.url,
            "HF_HOME": str(self.home / "hf"),
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "NO_COLOR": "1",
        }
        return kept | theirs | ({"HF_TOKEN": used} if used else {})

    def run(self, command: list[str], *, token: str | None = None, ok: bool = True, cwd: Path | None = None) -> str:
        """Run a command as a client of this hub. Returns stdout; with `ok` false, both streams of one that fails."""
        done = subprocess.run(
            command, env=self.environment(token), cwd=cwd or self.home, capture_output=True, text=True, timeout=120
        )
        if ok:
            assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}\n{self.log()}"
            return done.stdout
        assert done.returncode != 0, f"{command} should have failed\n{done.stdout}"
        return done.stdout + done.stderr

    def hf(self, *arguments: str, **options) -> str:
        """Run Hugging Face's own command."""
        return self.run([str(Path(sys.executable).with_name("hf")), *arguments], **options)

    def python(self, script: str, *, interpreter: str = sys.executable, **options) -> str:
        """Run a script as a client of this hub, in a process of its own."""
        return self.run([interpreter, "-c", textwrap.dedent(script)], **options)

    def log(self) -> str:
        return (self.home / "serve.log").read_text()


def _serve(folder: Path) -> Server:
    server = Server(folder / "data", folder / "home")
    server.home.mkdir()
    with Hub.open(server.data, create=True) as hub:  # in this process: each `weigh` costs a second of imports
        hub.people.add_user(USER)
        server.token = hub.people.create_token(USER, Role.WRITE)
        server.read_token = hub.people.create_token(USER, Role.READ)
    server.start()
    return server


def _end(server: Server) -> None:
    if server.process.poll() is None:
        assert server.stop() == 0, server.log()
    assert "Traceback" not in server.log(), server.log()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One hub for all tests of a module."""
    server = _serve(tmp_path_factory.mktemp("hub"))
    yield server
    _end(server)


@pytest.fixture
def own_server(tmp_path):
    """A hub for one test alone, which may kill it."""
    server = _serve(tmp_path)
    yield server
    _end(server)
