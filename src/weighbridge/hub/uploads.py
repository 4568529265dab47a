"""Content that arrives before the commit that names it, and which repository may name what.

A commit names large files by sha256 alone. Whoever knows a private file's sha256 must not get its bytes by committing
that name elsewhere: so a repository may refer only to content that was uploaded to it, byte by byte, or that somebody
who may read it asked to be copied (`grant`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from weighbridge.errors import InvalidUploadError, UsageError
from weighbridge.hub._rows import give, repo_row, writable_row
from weighbridge.hub.arrivals import Arrival, Arrivals
from weighbridge.hub.model import Caller, RepoId
from weighbridge.hub.naming import is_sha256
from weighbridge.hub.objects import HeldFile, Objects
from weighbridge.hub.sql import Database
from weighbridge.hub.sql.tables import ObjectRow


@dataclass(frozen=True, slots=True)
class Held:
    """Content that a repository may refer to."""

    sha256: str
    size: int


class Uploads:
    def __init__(self, database: Database, objects: Objects, arrivals: Arrivals) -> None:
        self._database = database
        self._objects = objects
        self._arrivals = arrivals

    def receive(
        self,
        caller: Caller,
        repo: RepoId,
        pieces: Iterable[bytes],
        *,
        sha256: str | None = None,
        size: int | None = None,
    ) -> Held:
        """Keep uploaded bytes, piece by piece in bounded memory, and let this repository refer to them.

        Returns when they are safe on disk. Raises `InvalidUploadError`, keeping nothing, where they are not what was
        announced, and `StorageFullError`.
        """
        if sha256 is not None and not is_sha256(sha256):
            raise UsageError(f"{sha256[:80]!r} is no sha256 in 64 hex digits")
        with self._database.reading() as session:
            writable_row(session, caller, repo)
        with self._arrivals.expect() as arrival:
            found, count = self._objects.receive(pieces, sha256=sha256, size=size, arriving=arrival.announce)
            return self._grant(caller, repo, found, count, arrival)

    def grant(self, caller: Caller, repo: RepoId, sha256: str, size: int) -> Held:
        """Let a repository refer to content that the hub holds.

        The caller of this function vouches that the bytes came from `caller`, or that they may read them.
        """
        with self._arrivals.expect() as arrival:
            arrival.announce([sha256])
            if not self._objects.has(sha256):
                raise InvalidUploadError(f"the hub does not hold the content {sha256}")
            return self._grant(caller, repo, sha256, size, arrival)

    def _grant(self, caller: Caller, repo: RepoId, sha256: str, size: int, arrival: Arrival) -> Held:
        with self._database.writing() as session:
            give(session, writable_row(session, caller, repo).id, sha256, size)
            arrival.settle(session)
        return Held(sha256, size)

    def held(self, caller: Caller, repo: RepoId, sha256: str) -> Held | None:
        """The content, if this repository may refer to it."""
        with self._database.reading() as session:
            row = session.get(ObjectRow, (repo_row(session, caller, repo).id, sha256))
        return Held(row.sha256, row.size) if row else None

    def keep(self, caller: Caller, repo: RepoId, sha256: str) -> Held | None:
        """As `held`, for who is about to commit what is held: no collection takes it away within a day from now."""
        held = self.held(caller, repo, sha256)
        if held is None:
            return None
        with self._database.writing() as session:
            row = writable_row(session, caller, repo)
            if session.get(ObjectRow, (row.id, sha256)) is None:  # taken away just now
                return None
            give(session, row.id, held.sha256, held.size)
        return held

    def may_reference(self, caller: Caller, repo: RepoId, sha256: str) -> bool:
        return self.held(caller, repo, sha256) is not None

    def open(self, caller: Caller, repo: RepoId, sha256: str) -> HeldFile:
        """The bytes of content that this repository may refer to. Raises `InvalidUploadError` for any other."""
        if not self.may_reference(caller, repo, sha256):
            raise InvalidUploadError(f"{repo} was never given the content {sha256}")
        return self._objects.open(sha256)

    def unpacked(self) -> int:
        """How many uploads are safe, and served, but wait to be packed into the store."""
        return self._objects.unpacked()
