"""Turn the files that a shard describes into stored files.

For each file, in this order, and nothing is visible before the last step:

1. its terms are checked against the chunks that this hub verified when the xorbs came: the account has sent each xorb
   itself, the chunks exist, the proofs and the file's hash agree;
2. its bytes are put together where every upload waits to be packed, and their sha256 compared with the one claimed;
3. the ledger records the file, and where each chunk lies in it; xorbs that are not needed any more are dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from weighbridge.errors import InvalidUploadError, StorageFullError
from weighbridge.hub.arrivals import Arrival
from weighbridge.hub.objects import Objects
from weighbridge.hub.xet.chunks import Chunks, forgotten
from weighbridge.hub.xet.coverage import Coverage
from weighbridge.hub.xet.ledger import XetLedger
from weighbridge.hub.xet.pool import XorbPool
from weighbridge.hub.xet.values import Progress, Run, Span, XetFile
from weighbridge.wire.xet import hashing
from weighbridge.wire.xet.shard import Shard, ShardFile

_ROOM_TO_SPARE = 64 << 20  # bytes of the disk that an upload leaves alone


class Registration:
    """One shard of one account, on its way into the store."""

    def __init__(
        self,
        account: int,
        ledger: XetLedger,
        pool: XorbPool,
        objects: Objects,
        arrival: Arrival,
        progress: Callable[[Progress], None],
    ) -> None:
        self._account = account
        self._ledger = ledger
        self._pool = pool
        self._objects = objects
        self._arrival = arrival
        self._progress = progress
        self._chunks = Chunks(ledger, pool, objects)
        self._coverage = Coverage(ledger, self._chunks)
        self._sent: set[bytes] = set()
        self._done = 0
        self._total = 0

    def run(self, shard: Shard) -> list[XetFile]:
        """The files of the shard, stored. Raises `InvalidUploadError` where the shard lies; then none of them is new.

        All files are checked before the first is put together; only a sha256 that lies is found later, and then the
        files before it stay in the store, where nothing refers to them.
        """
        for xorb in shard.xorbs:
            self._require_sent(xorb.hash)
        for file in shard.files:
            self._total += self._check(file)
        self._report(0)
        stored = [self._take(file) for file in shard.files]
        for covered in self._coverage.covered():
            self._pool.drop(covered)
        return stored

    def _report(self, nbytes: int) -> None:
        self._done += nbytes
        self._progress(Progress(self._done, self._total))

    def _require_sent(self, xorb: bytes) -> None:
        if xorb in self._sent:
            return
        if not self._ledger.is_holder(xorb, self._account):
            raise forgotten(xorb)
        self._sent.add(xorb)

    def _check(self, file: ShardFile) -> int:
        """The size of a file, once all that can be said of it without its bytes has been checked."""
        if hashing.file_hash(self._checked_nodes(file)) != file.hash:
            raise InvalidUploadError(f"the chunks of file {hashing.to_text(file.hash)} make another file")
        return sum(term.nbytes for term in file.terms())

    def _checked_nodes(self, file: ShardFile) -> Iterator[hashing.Node]:
        for number, term in enumerate(file.terms()):
            where = f"file {hashing.to_text(file.hash)}, term {number}"
            self._require_sent(term.xorb)
            table = self._chunks.table(term.xorb)
            table.require(term.first, term.last)
            if hashing.term_hash(table.run(term.first, term.last)) != term.proof:
                raise InvalidUploadError("the proof does not match the chunks", where=where)
            if (found := table.nbytes(term.first, term.last)) != term.nbytes:
                raise InvalidUploadError(f"{term.nbytes:,} bytes claimed, the chunks have {found:,}", where=where)
            yield from table.nodes(term.first, term.last)

    def _take(self, file: ShardFile) -> XetFile:
        claimed = file.sha256.hex() if file.sha256 is not None else None
        known = self._ledger.file(file.hash)
        if known:
            self._arrival.announce([known.sha256])
        if known and self._objects.has(known.sha256):
            if claimed not in (None, known.sha256):
                name = hashing.to_text(file.hash)
                raise InvalidUploadError(
                    f"sha256 {claimed} claimed, the bytes have {known.sha256}", where=f"file {name}"
                )
            self._report(known.size)
            return self._record(file, known.sha256, known.size)
        self._require_room(file)
        sha256, size = self._objects.receive(self._bytes(file), sha256=claimed, arriving=self._arrival.announce)
        return self._record(file, sha256, size)

    def _bytes(self, file: ShardFile) -> Iterator[bytes]:
        for term in file.terms():
            yield from self._chunks.read(Span(term.xorb, term.first, term.last))
            self._report(term.nbytes)

    def _require_room(self, file: ShardFile) -> None:
        """A file may be much larger than what was sent for it, so say at once that it will not fit."""
        size, free = sum(term.nbytes for term in file.terms()), self._pool.free_bytes()
        if size + _ROOM_TO_SPARE > free:
            kept = f"{free:,} bytes are free, of which {_ROOM_TO_SPARE:,} stay so"
            raise StorageFullError(f"a file of {size:,} bytes does not fit: {kept}")

    def _record(self, file: ShardFile, sha256: str, size: int) -> XetFile:
        stored = XetFile(file.hash, sha256, size, XetFile.pack(_spans(file)))
        self._ledger.add_file(stored, self._lay(file, sha256))
        return stored

    def _lay(self, file: ShardFile, sha256: str) -> Iterator[Run]:
        start = 0
        for span in _spans(file):
            yield from self._coverage.lay(span, sha256, start)
            start += self._chunks.table(span.xorb).nbytes(span.first, span.last)


def _spans(file: ShardFile) -> Iterator[Span]:
    return (Span(term.xorb, term.first, term.last) for term in file.terms())
