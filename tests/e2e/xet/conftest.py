"""A hub that listens on a port, with a record of what came in, and the real client in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from weighbridge.hub import Hub
from weighbridge.hub.model import Caller, RepoId, Role
from weighbridge.server.app import create_app

pytest.importorskip("hf_xet")


@dataclass
class Call:
    """One request to the storage: the body of a shard is kept, of a xorb only its length."""

    method: str
    path: str
    nbytes: int = 0
    body: bytes = b""


@dataclass
class Record:
    """Wraps the application, and can hold shards back."""

    app: ASGIApp
    calls: list[Call] = field(default_factory=list)
    shard_came: threading.Event = field(default_factory=threading.Event)
    hold_shards: bool = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/api/xet/"):
            return await self.app(scope, receive, send)
        call = Call(scope["method"], scope["path"].split("/", 4)[4])
        self.calls.append(call)

        async def counted() -> Message:
            message = await receive()
            body = message.get("body", b"")
            call.nbytes += len(body)
            if "shards" in call.path:
                call.body += body
                self.shard_came.set()
                if self.hold_shards and message["type"] == "http.request":
                    return await counted()  # waits until the client goes away
            return message

        return await self.app(scope, counted, send)

    def xorb_bytes(self) -> int:
        return sum(call.nbytes for call in self.calls if call.path.startswith("v1/xorbs"))

    def shards(self) -> list[bytes]:
        return [call.body for call in self.calls if call.path.endswith("/shards") and call.body]


@dataclass
class Server:
    hub: Hub
    record: Record
    url: str
    tokens: dict[str, str]

    def store_bytes(self) -> int:
        assert self.hub.objects.settle(60)
        packs = (self.hub.data / "store").rglob("*.pack")
        return sum(path.stat().st_size for path in packs)


class Listening(uvicorn.Server):
    """Uvicorn in a thread, on a port that is free."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
        self._thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        while not self.started:
            assert self._thread.is_alive(), "the server did not start"
            self._thread.join(0.02)
        return f"http://127.0.0.1:{self.servers[0].sockets[0].getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        self.should_exit = True
        self._thread.join(20)


@contextmanager
def serving(data: Path) -> Iterator[Server]:
    """A hub with two users, listening."""
    with Hub.open(data, create=True) as hub:
        tokens = {}
        for user in ("alice", "bob"):
            hub.people.add_user(user)
            tokens[user] = hub.people.create_token(user)
        record = Record(create_app(hub))
        with Listening(record) as url:
            yield Server(hub, record, url, tokens)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("hub") / "data") as server:
        yield server


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A hub for one test alone, to break things in."""
    with serving(tmp_path / "data") as server:
        yield server


@dataclass
class Done:
    ok: bool
    output: str


# Runs scripts that come as lines of JSON, each with `api`, `repo` and what else was given at hand.
WORKER = """
import contextlib, io, json, sys, traceback
from pathlib import Path
from huggingface_hub import CommitOperationAdd, HfApi, hf_hub_download, snapshot_download
answers = sys.stdout
sys.stdout = sys.stderr
for line in sys.stdin:
    order = json.loads(line)
    said, ok = io.StringIO(), True
    with contextlib.redirect_stdout(said):
        try:
            exec(order["script"], globals() | {"api": HfApi(), **order["values"]})
        except Exception:
            ok = False
            print(traceback.format_exc())
    print(json.dumps([ok, said.getvalue()]), file=answers, flush=True)
"""


@dataclass
class Client:
    """huggingface_hub as its users run it: nothing is set but where the hub is, and a home of its own.

    Scripts run in one process after another, or, after `restart`, in a new one.
    """

    server: Server
    home: Path
    user: str
    repo: str
    _process: subprocess.Popen[str] | None = None

    def start(self, script: str, **values: object) -> subprocess.Popen[str]:
        """Begin a script without waiting for it."""
        process = self._process or subprocess.Popen(
            [sys.executable, "-c", WORKER], env=self._environment(), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._process = process
        order = {"script": script, "values": {"repo": self.repo} | {key: str(value) for key, value in values.items()}}
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
        return process

    def run(self, script: str, **values: object) -> Done:
        return Done(*json.loads(self.start(script, **values).stdout.readline()))

    def must(self, script: str, **values: object) -> str:
        done = self.run(script, **values)
        assert done.ok, done.output
        return done.output.strip()

    def upload(self, path: Path, name: str = "model.safetensors") -> None:
        self.must("api.upload_file(path_or_fileobj=path, path_in_repo=name, repo_id=repo)", path=path, name=name)

    def download(self, name: str = "model.safetensors") -> bytes:
        return Path(self.must("print(hf_hub_download(repo, name))", name=name)).read_bytes()

    def restart(self) -> None:
        """Kill the process; the next script runs in a new one, which has nothing but its home to remember by."""
        if self._process:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _environment(self) -> dict[str, str]:
        ours = {"HF_HOME": str(self.home), "HF_ENDPOINT": self.server.url, "HF_TOKEN": self.server.tokens[self.user]}
        return {key: value for key, value in os.environ.items() if not key.startswith("HF_")} | ours


@pytest.fixture
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Client]]:
    """A client of that user, with a private repository for this test; `home` tells machines apart."""
    made: dict[tuple[str, str], Client] = {}
    name = request.node.name.split("[")[0][:60].rstrip("_")
    kind = "own_server" if "own_server" in request.fixturenames else "server"
    server: Server = request.getfixturevalue(kind)

    def make(user: str = "alice", home: str = "home") -> Client:
        if (user, home) not in made:
            if user not in {owner for owner, _ in made}:
                server.hub.repos.create(Caller(user, Role.WRITE), RepoId("model", user, name), private=True)
            made[user, home] = Client(server, tmp_path / home, user, f"{user}/{name}")
        return made[user, home]

    yield make
    for each in made.values():
        each.restart()
