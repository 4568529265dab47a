"""Frozen values of Xet uploads, shared by the use cases and their tables."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import cast

from weighbridge.hub.model import RepoId, RepoKind
from weighbridge.hub.tickets import Claims

_SPAN = struct.Struct("<32sII")


@dataclass(frozen=True, slots=True)
class Scope:
    """What a Xet token is good for: one repository at one revision, to read or also to write.

    `user` is whose token it is, "" for an anonymous reader. ``Scope.of(scope.claims()) == scope``.
    """

    user: str
    repo: RepoId
    revision: str
    write: bool

    @classmethod
    def of(cls, claims: Claims) -> Scope:
        user, kind, owner, name, revision = (str(claims[key]) for key in ("user", "kind", "owner", "name", "revision"))
        return cls(user, RepoId(cast("RepoKind", kind), owner, name), revision, bool(claims["write"]))

    def claims(self) -> Claims:
        repo = {"kind": self.repo.kind, "owner": self.repo.owner, "name": self.repo.name}
        return {"user": self.user, **repo, "revision": self.revision, "write": int(self.write)}


@dataclass(frozen=True, slots=True)
class Pass:
    """What a client gets: the realm to address, a token for it, and when that ends, in seconds since 1970."""

    realm: str
    token: str
    expires: int


@dataclass(frozen=True, slots=True)
class Run:
    """Chunks `first` to `last` (exclusive) of a xorb lie one after another in a stored file, from byte `start` on."""

    xorb: bytes
    first: int
    last: int
    sha256: str
    start: int


@dataclass(frozen=True, slots=True)
class Span:
    """Chunks `first` to `last` (exclusive) of a xorb: a term of a file, without its proof."""

    xorb: bytes
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class XetFile:
    """A file that was uploaded through Xet: its Xet hash, the stored file it became, and its spans, packed."""

    hash: bytes
    sha256: str
    size: int
    packed_spans: bytes = field(repr=False)

    @staticmethod
    def pack(spans: Iterable[Span]) -> bytes:
        return b"".join(_SPAN.pack(span.xorb, span.first, span.last) for span in spans)

    def spans(self) -> Iterator[Span]:
        return (Span(*record) for record in _SPAN.iter_unpack(self.packed_spans))


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the registration of a shard has come, in bytes of the files in it."""

    done: int
    total: int
