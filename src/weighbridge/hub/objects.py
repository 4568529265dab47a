"""Content by its sha256, wherever it lies: packed in the store, or uploaded and still waiting to be packed.

A client waits ten seconds for an answer, and packing a large file takes longer. So an upload is acknowledged when its
bytes, verified, are safe in the staging folder; from then on it can be committed and read, and a thread packs it into
the store meanwhile. A process that dies loses nothing: the next one finds the staged files and goes on.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import queue
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from weighbridge.errors import (
    InvalidUploadError,
    ObjectNotFoundError,
    PathNotFoundError,
    StorageFullError,
    WeighbridgeError,
)
from weighbridge.hub.naming import is_sha256
from weighbridge.store import Store
from weighbridge.tensors import BytesSource, FileSource

log = logging.getLogger("weighbridge.hub")

PIECE = 1 << 20
# Small files are written side by side: one waits for the disk while the others are written (1,000 files of 100 bytes:
# 4.5 s by one, 0.8 s by four).
WRITERS = 4
# Room that an upload must leave for the database and the store.
SPARE_BYTES = 64 * 1024 * 1024
# How long an upload waits for its file to be packed before it is acknowledged as staged.
PACKING_PATIENCE = 4.0
# A part of an upload that nobody has written to for so long belongs to nobody, whatever process has its number now.
ABANDONED_SECONDS = 24 * 3600


class HeldFile(Protocol):
    """A stored or staged file: a `ByteSource` that also gives a range piece by piece."""

    @property
    def name(self) -> str: ...
    @property
    def size(self) -> int: ...
    def read_at(self, offset: int, length: int) -> bytes: ...
    def iter_range(self, start: int, stop: int) -> Iterator[bytes]: ...


class StagedFile(FileSource):
    """An uploaded file that is not packed yet."""

    def iter_range(self, start: int, stop: int) -> Iterator[bytes]:
        while start < stop:
            piece = self.read_at(start, min(PIECE, stop - start))
            yield piece
            start += len(piece)


class Objects:
    """All content of a hub. Knows no repositories: who may refer to what is decided above."""

    def __init__(self, store: Store, staging: Path) -> None:
        self._store = store
        self._staging = staging
        self._staging.mkdir(parents=True, exist_ok=True)
        self._waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._packed = threading.Condition()
        self._stop = threading.Event()
        self._packer: threading.Thread | None = None

    def has(self, sha256: str) -> bool:
        return self._store.has(sha256) or self._staged(sha256).exists()

    def open(self, sha256: str, name: str = "") -> HeldFile:
        """The file. Raises `ObjectNotFoundError`, or `CorruptError` while reading."""
        for _ in range(2):  # between the two looks a staged file may have been packed
            if self._store.has(sha256):
                return self._store.file(sha256)
            try:
                return StagedFile(self._staged(sha256), name or sha256)
            except PathNotFoundError:
                continue
        raise ObjectNotFoundError(f"the hub does not hold the content {sha256}", where=name)

    def put(self, contents: Mapping[str, bytes]) -> None:
        """Store small contents, by their sha256, at once: when this returns, they are on disk."""
        new = [BytesSource(content, sha256) for sha256, content in contents.items() if not self._store.has(sha256)]
        if not new:
            return
        shares = [new[start::WRITERS] for start in range(min(WRITERS, len(new)))]
        with ThreadPoolExecutor(len(shares), "weighbridge-put") as pool:
            list(pool.map(self._store.add_many, shares))

    def receive(
        self,
        pieces: Iterable[bytes],
        *,
        sha256: str | None = None,
        size: int | None = None,
        arriving: Callable[[Iterable[str]], None] = lambda _names: None,
    ) -> tuple[str, int]:
        """Keep an upload once it is whole. Returns its sha256 and size; either may be announced.

        `arriving` is told the sha256 before anything is kept under it (`hub.arrivals`).

        Raises `InvalidUploadError`, keeping nothing, where the bytes are not what was announced.
        """
        self._ensure_room(size or 0)
        part = self._staging / f"{os.getpid()}-{threading.get_ident()}-{time.monotonic_ns()}.part"
        try:
            found, count = _write(part, pieces, size)
            _ensure_announced(found, count, sha256, size)
            arriving([found])
            part.replace(self._staged(found))
            _sync_folder(self._staging)
        finally:
            part.unlink(missing_ok=True)
        self._pack_soon(found)
        return found, count

    def _ensure_room(self, size: int) -> None:
        """Refuse at once what cannot fit, before hours of upload."""
        free = shutil.disk_usage(self._staging).free
        if size + SPARE_BYTES > free:
            kept = f"{free:,} bytes are free, of which {SPARE_BYTES:,} stay so"
            raise StorageFullError(f"an upload of {size:,} bytes does not fit: {kept}")

    def start(self) -> None:
        """Clear what earlier processes left unfinished, and go on packing what they had acknowledged."""
        for path in self._staging.iterdir():
            if path.suffix == ".part" and _is_abandoned(path):
                path.unlink(missing_ok=True)
            elif is_sha256(path.name):
                self._enqueue(path.name)

    def unpacked(self) -> int:
        """How many uploads still wait to be packed."""
        return sum(1 for path in self._staging.iterdir() if is_sha256(path.name))

    def settle(self, seconds: float) -> bool:
        """Wait until everything is packed; False if that takes longer than `seconds`."""
        with self._packed:
            return self._packed.wait_for(lambda: self.unpacked() == 0, seconds)

    def close(self) -> None:
        self._stop.set()
        if self._packer is not None:
            self._waiting.put("")
            self._packer.join()

    def _staged(self, sha256: str) -> Path:
        return self._staging / sha256

    def _pack_soon(self, sha256: str) -> None:
        self._enqueue(sha256)
        with self._packed:
            self._packed.wait_for(lambda: not self._staged(sha256).exists(), PACKING_PATIENCE)

    def _enqueue(self, sha256: str) -> None:
        self._waiting.put(sha256)
        with self._packed:
            if self._packer is None:
                self._packer = threading.Thread(target=self._pack_all, name="packer", daemon=True)
                self._packer.start()

    def _pack_all(self) -> None:
        while not self._stop.is_set():
            sha256 = self._waiting.get()
            if sha256:
                self._pack(sha256)

    def _pack(self, sha256: str) -> None:
        staged = self._staged(sha256)
        try:
            if not self._store.has(sha256):
                with FileSource(staged, sha256) as source:
                    self._store.add(source)
            staged.unlink(missing_ok=True)
        except PathNotFoundError:
            pass  # two uploads of the same content: the other was packed first
        except WeighbridgeError as error:
            # Nothing is lost: the file stays staged, is served from there, and is tried again at the next start.
            log.warning("cannot pack %s yet: %s", sha256, error)
        except Exception:  # the thread must outlive what it cannot do
            log.exception("cannot pack %s", sha256)
        with self._packed:
            self._packed.notify_all()


def _write(part: Path, pieces: Iterable[bytes], most: int | None) -> tuple[str, int]:
    """Write an upload to disk, and down to the disk's own memory. Returns its sha256 and size."""
    digest, count = hashlib.sha256(), 0
    try:
        with part.open("xb") as file:
            for piece in pieces:
                count += len(piece)
                if most is not None and count > most:
                    raise InvalidUploadError(f"the upload has more than the {most:,} bytes that were announced")
                digest.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFullError("no space is left for the upload", where=str(part.parent)) from error
        raise
    return digest.hexdigest(), count


def _ensure_announced(found: str, count: int, sha256: str | None, size: int | None) -> None:
    if size is not None and count != size:
        raise InvalidUploadError(f"the upload ended after {count:,} bytes of {size:,}", hint="Upload the file again.")
    if sha256 is not None and found != sha256:
        raise InvalidUploadError(
            f"the uploaded bytes have sha256 {found}, not {sha256}",
            hint="The file changed or was damaged on its way: upload it again.",
        )


def _is_abandoned(part: Path) -> bool:
    """Whether nobody writes to this part any more. Called before this process takes its first upload."""
    process = part.name.partition("-")[0]
    if not process.isdecimal() or int(process) == os.getpid():
        return True
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        pass  # it lives, as somebody else
    return time.time() - part.stat().st_mtime > ABANDONED_SECONDS


def _sync_folder(folder: Path) -> None:
    """Make a renamed file's new name survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
