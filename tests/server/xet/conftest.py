"""The Xet routes alone, on a hub with two users; a user's name is their token."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi import FastAPI, Request
from starlette.testclient import TestClient

from weighbridge.hub.hub import Hub
from weighbridge.hub.model import ANONYMOUS, AddStored, Caller, RepoId, Role
from weighbridge.server.callers import caller_of
from weighbridge.server.failures import tell_failures
from weighbridge.server.xet import xet_router
from weighbridge.wire.xet import hashing, shard, xorb


def make_app(hub: Hub) -> FastAPI:
    app = FastAPI()
    app.state.hub = hub

    def user_of(request: Request) -> Caller:
        user = request.headers.get("authorization", "").removeprefix("Bearer ")
        return Caller(user, Role.WRITE, "test") if user else ANONYMOUS

    app.dependency_overrides[caller_of] = user_of
    app.include_router(xet_router())
    tell_failures(app)
    return app


def repo_of(user: str) -> RepoId:
    return RepoId("model", user, "m")


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with Hub.open(tmp_path / "hub", create=True, gated=False) as hub:
        hub.objects.start()
        for user in ("alice", "bob"):
            hub.people.add_user(user)
            hub.repos.create(Caller(user, Role.WRITE, "test"), repo_of(user), private=True)
        yield hub


@dataclass
class Web:
    """Calls as a Xet client makes them."""

    http: TestClient

    def grant(self, user: str, repo: str, access: str = "write") -> dict:
        headers = {"authorization": f"Bearer {user}"} if user else {}
        answer = self.http.get(f"/api/models/{repo}/xet-{access}-token/main", headers=headers)
        answer.raise_for_status()
        return answer.json()

    def call(self, method: str, path: str, grant: dict, **options):
        headers = {"authorization": f"Bearer {grant['accessToken']}"} | options.pop("headers", {})
        return self.http.request(method, grant["casUrl"] + path, headers=headers, **options)

    def send(self, grant: dict, chunks: list[bytes]) -> bytes:
        name = hashing.xorb_hash((hashing.chunk_hash(chunk), len(chunk)) for chunk in chunks)
        answer = self.call("POST", f"/v1/xorbs/default/{hashing.to_text(name)}", grant, content=xorb.serialise(chunks))
        assert answer.status_code == 200, answer.text
        return name


def describe(chunks: list[bytes], name: bytes, sha256: bytes | None = None) -> bytes:
    """A shard with one file: the chunks of one xorb, in order."""
    nodes = [(hashing.chunk_hash(chunk), len(chunk)) for chunk in chunks]
    proof = hashing.term_hash(b"".join(digest for digest, _ in nodes))
    data = b"".join(chunks)
    term = shard.Term(name, 0, len(chunks), len(data), proof)
    return shard.serialise([(hashing.file_hash(nodes), sha256 or hashlib.sha256(data).digest(), [term])])


@pytest.fixture
def web(hub: Hub) -> Iterator[Web]:
    with TestClient(make_app(hub)) as http:
        yield Web(http)


def commit(hub: Hub, user: str, data: bytes) -> None:
    stored = AddStored("file.bin", hashlib.sha256(data).hexdigest(), len(data))
    hub.content.commit(Caller(user, Role.WRITE, "test"), repo_of(user), "main", [stored], title="add")


@pytest.fixture
def tools():
    """Functions of this file, for tests (there is no package to import them from)."""
    return type("Tools", (), {"describe": staticmethod(describe), "commit": staticmethod(commit)})
