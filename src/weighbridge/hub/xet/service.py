"""The use cases of Xet: a token, a xorb, a shard, a file."""

from __future__ import annotations

import hashlib
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from weighbridge.errors import (
    EntryNotFoundError,
    ForbiddenError,
    ForgottenXorbError,
    InvalidUploadError,
    UnauthenticatedError,
)
from weighbridge.hub.arrivals import Arrivals
from weighbridge.hub.model import Caller, RepoId
from weighbridge.hub.objects import Objects
from weighbridge.hub.sql import Database
from weighbridge.hub.tickets import Claims, Tickets
from weighbridge.hub.xet.chunks import Chunks
from weighbridge.hub.xet.gate import Gate
from weighbridge.hub.xet.ledger import XetLedger
from weighbridge.hub.xet.pool import XorbPool
from weighbridge.hub.xet.reconstruction import Part, Reconstruction, plain, spans_of
from weighbridge.hub.xet.registration import Registration
from weighbridge.hub.xet.table import ChunkTable
from weighbridge.hub.xet.values import Pass, Progress, Scope, Span, XetFile
from weighbridge.wire.xet import hashing, shard
from weighbridge.wire.xet.xorb import read_chunks

TOKEN_SECONDS = 15 * 60
KEEP_SECONDS = 22 * 24 * 3600  # the client's cache remembers a xorb for three weeks
SWEEP_SECONDS = 6 * 3600

# What a ticket is for.
_PASS = "xet-pass"  # noqa: S105
_SPAN = "xet-span"


class Xet:
    """Uploads and reconstructions by chunks, for one hub. Safe from several threads and processes at once.

    `folder` keeps xorbs on their way; `hub_id` is this data folder's own, different for each that was ever made.
    """

    def __init__(
        self,
        folder: Path,
        database: Database,
        objects: Objects,
        tickets: Tickets,
        arrivals: Arrivals,
        hub_id: str,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._ledger = XetLedger(database)
        self._gate = Gate(database)
        self._pool = XorbPool(folder)
        self._objects = objects
        self._tickets = tickets
        self._arrivals = arrivals
        self._hub_id = hub_id
        self._admitting = threading.Lock()
        self._swept = -math.inf

    def issue(self, caller: Caller, repo: RepoId, revision: str | None, *, write: bool) -> Pass:
        """A token for this repository, and the realm that it is for.

        A client remembers, for each realm, which xorbs it has sent. A realm belongs to one account on one hub, so that
        whatever a client remembers is something that this account has sent to this hub.
        """
        self._gate.admit(caller, repo, write=write)
        scope = Scope(caller.user or "", repo, revision or "", write)
        expires = int(time.time()) + TOKEN_SECONDS
        token = self._tickets.issue(_PASS, scope.claims(), lifetime=TOKEN_SECONDS)
        epoch = self._ledger.epoch(self._gate.account(scope.user))
        realm = hashlib.sha256(f"{self._hub_id} {scope.user} {epoch}".encode()).hexdigest()[:16]
        return Pass(realm, token, expires)

    def scope(self, token: str, *, write: bool = False) -> Scope:
        """What a token is good for. Raises `UnauthenticatedError`, or `ForbiddenError` where it is only for reading."""
        try:
            scope = Scope.of(self._tickets.check(_PASS, token))
        except ForbiddenError as error:
            raise UnauthenticatedError(f"{error}: ask the hub for a new Xet token") from None
        if write and not scope.write:
            raise ForbiddenError("the Xet token is for reading only", hint="Ask for a xet-write-token.")
        return scope

    def scratch(self) -> AbstractContextManager[Path]:
        """An empty file to receive a xorb in, gone at the end unless `receive` took it."""
        return self._pool.scratch()

    def receive(self, scope: Scope, xorb: bytes, path: Path) -> bool:
        """Take the xorb that was received in this file. False where it was here already.

        The whole xorb is checked either way: it shows that the account has the data, and so may refer to it.
        """
        account = self._gate.account(scope.user)
        with path.open("rb") as file:
            table = ChunkTable.of(read_chunks(file))
        if (found := table.xorb) != xorb:
            raise InvalidUploadError(f"xorb {hashing.to_text(xorb)} was announced, {hashing.to_text(found)} came")
        with self._admitting:  # the same xorb may come twice at once, compressed in two ways
            if self._is_kept(xorb):
                self._ledger.add_holder(xorb, account)
                return False
            self._pool.admit(path, xorb)
            self._ledger.add_xorb(xorb, table.pack(), account)
            return True

    def _is_kept(self, xorb: bytes) -> bool:
        """Whether every chunk of the xorb can be read, either as it came or from stored files."""
        chunks = self._chunks()
        try:
            count = chunks.table(xorb).count
            return self._pool.touch(xorb) or bool(chunks.stored_runs(Span(xorb, 0, count)))
        except ForgottenXorbError:
            return False

    def has_sent(self, scope: Scope, xorb: bytes) -> bool:
        """Whether the account has sent this xorb, and it is still here. What others have sent is not told."""
        return self._ledger.is_holder(xorb, self._gate.account(scope.user)) and self._is_kept(xorb)

    def register(self, scope: Scope, data: bytes, progress: Callable[[Progress], None] = lambda _: None) -> None:
        """Take the files that a shard describes, and let the scope's repository commit them.

        A client that refers to what we do not hold does so from memory. It is told to forget: its next token is for
        another realm. Raises `InvalidUploadError`, `FormatError`.
        """
        account = self._gate.account(scope.user)
        described = shard.parse(data)
        with self._arrivals.expect() as arrival:
            parts = (account, self._ledger, self._pool, self._objects, arrival)
            try:
                files = Registration(*parts, progress).run(described)
            except ForgottenXorbError:
                self._ledger.next_epoch(account)
                raise
            self._gate.grant(scope, files, arrival)
        self.sweep()

    def file(self, scope: Scope, digest: bytes) -> XetFile:
        """A file of the scope's repository. Raises `EntryNotFoundError`, also where only other repositories have it."""
        file = self._ledger.file(digest)
        if file is None or not self._gate.has(scope, file.sha256):
            raise EntryNotFoundError(f"{scope.repo} has no file with Xet hash {hashing.to_text(digest)}")
        return file

    def reconstruct(self, file: XetFile, start: int, stop: int) -> Reconstruction:
        """What to fetch for bytes `start` to `stop` (exclusive) of a file, with an address for each span."""
        chunks = self._chunks()
        skip, spans = spans_of(file.spans(), chunks.table, start, stop)
        parts = []
        for span in spans:
            table = chunks.table(span.xorb)
            first_byte, end_byte = table.plain_offset(span.first), table.plain_offset(span.last)
            nbytes = table.nbytes(span.first, span.last)
            claims: Claims = {"xorb": span.xorb.hex(), "first": span.first, "last": span.last}
            address = self._tickets.issue(_SPAN, claims, lifetime=TOKEN_SECONDS)
            parts.append(Part(span, nbytes, first_byte, end_byte, address))
        return Reconstruction(skip, tuple(parts))

    def fetch(self, address: str) -> tuple[int, int, Iterator[bytes]]:
        """A span by the address that `reconstruct` gave: where it begins and ends in the plain xorb, and its bytes.

        Raises `ForbiddenError` for an address that is not ours or too old.
        """
        claims = self._tickets.check(_SPAN, address)
        span = Span(bytes.fromhex(str(claims["xorb"])), int(claims["first"]), int(claims["last"]))
        chunks = self._chunks()
        table = chunks.table(span.xorb)
        return table.plain_offset(span.first), table.plain_offset(span.last), plain(table, span, chunks.read(span))

    def sweep(self) -> None:
        """Remove what uploads left behind that nobody finished. Does nothing when it was done a short while ago."""
        if time.monotonic() - self._swept > SWEEP_SECONDS:
            self._swept = time.monotonic()
            self._ledger.forget_bare(self._pool.sweep(KEEP_SECONDS))

    def _chunks(self) -> Chunks:
        return Chunks(self._ledger, self._pool, self._objects)
