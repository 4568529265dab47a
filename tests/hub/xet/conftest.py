"""A hub with two users, and a client that cuts files in pieces of equal length."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from weighbridge.hub.hub import Hub
from weighbridge.hub.model import AddStored, Caller, RepoId, Role
from weighbridge.hub.xet import Scope, Xet
from weighbridge.wire.xet import hashing, shard, xorb

CHUNK = 1000


@dataclass
class Bench:
    """A hub, and ways to look behind its Xet part."""

    hub: Hub

    @property
    def xet(self) -> Xet:
        return self.hub.xet

    @property
    def folder(self) -> Path:
        return self.hub.data

    @classmethod
    def open(cls, folder: Path) -> Bench:
        hub = Hub.open(folder, create=True, gated=False)
        hub.objects.start()
        return cls(hub)

    def caller(self, user: str, role: Role = Role.WRITE) -> Caller:
        return Caller(user, role, "test")

    def scope(self, user: str, repo: RepoId, *, write: bool = True) -> Scope:
        issued = self.xet.issue(self.caller(user), repo, "main", write=write)
        return self.xet.scope(issued.token, write=write)

    def realm(self, user: str) -> str:
        return self.xet.issue(self.caller(user), repo_of(user), "main", write=True).realm

    def may_refer(self, user: str, data: bytes) -> bool:
        """Whether the user's repository may commit these bytes."""
        return self.hub.uploads.may_reference(self.caller(user), repo_of(user), hashlib.sha256(data).hexdigest())

    def commit(self, user: str, data: bytes) -> None:
        stored = AddStored("file.bin", hashlib.sha256(data).hexdigest(), len(data))
        self.hub.content.commit(self.caller(user), repo_of(user), "main", [stored], title="add")

    def raw_xorbs(self) -> list[Path]:
        return list((self.folder / "xet" / "xorbs").glob("*/*.xorb"))

    def content(self, data: bytes) -> bytes:
        sha256 = hashlib.sha256(data).hexdigest()
        return b"".join(self.hub.objects.open(sha256).iter_range(0, len(data)))


@dataclass
class Client:
    """Uploads as a real client does: each new chunk goes into one xorb, known chunks are referred to."""

    bench: Bench
    scope: Scope
    known: dict[bytes, tuple[bytes, int]] = field(default_factory=dict)  # chunk hash -> where it is
    sent_bytes: int = 0

    def send_xorb(self, chunks: list[bytes], scheme: xorb.Scheme = xorb.Scheme.LZ4) -> tuple[bytes, bool]:
        body = xorb.serialise(chunks, scheme)
        self.sent_bytes += len(body)
        name = xorb_name(chunks)
        with self.bench.xet.scratch() as path:
            path.write_bytes(body)
            inserted = self.bench.xet.receive(self.scope, name, path)
        for index, chunk in enumerate(chunks):
            self.known[hashing.chunk_hash(chunk)] = (name, index)
        return name, inserted

    def describe(self, data: bytes, sha256: bytes | None = None) -> tuple[bytes, bytes, list[shard.Term]]:
        """One file of a shard, with a term for each of its chunks."""
        chunks = cut(data)
        hashes = [hashing.chunk_hash(chunk) for chunk in chunks]
        terms = []
        for digest, chunk in zip(hashes, chunks, strict=True):
            name, index = self.known[digest]
            terms.append(shard.Term(name, index, index + 1, len(chunk), hashing.term_hash(digest)))
        file = hashing.file_hash((digest, len(chunk)) for digest, chunk in zip(hashes, chunks, strict=True))
        return file, sha256 or hashlib.sha256(data).digest(), terms

    def upload(self, *files: bytes) -> None:
        new = {hashing.chunk_hash(c): c for data in files for c in cut(data) if hashing.chunk_hash(c) not in self.known}
        if new:
            self.send_xorb(list(new.values()))
        self.register(shard.serialise(self.describe(data) for data in files))

    def register(self, body: bytes) -> None:
        self.bench.xet.register(self.scope, body)


def cut(data: bytes) -> list[bytes]:
    return [data[at : at + CHUNK] for at in range(0, len(data), CHUNK)]


def xorb_name(chunks: list[bytes]) -> bytes:
    return hashing.xorb_hash((hashing.chunk_hash(chunk), len(chunk)) for chunk in chunks)


def repo_of(user: str) -> RepoId:
    return RepoId("model", user, "m")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench.open(tmp_path / "hub")
    for user in ("alice", "bob"):
        made.hub.people.add_user(user)
        made.hub.repos.create(made.caller(user), repo_of(user), private=True)
    yield made
    made.hub.close()


@pytest.fixture
def client(bench: Bench) -> Callable[[str], Client]:
    """A client of that user, uploading to their own private repository."""
    return lambda user: Client(bench, bench.scope(user, repo_of(user)))
