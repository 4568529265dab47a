"""Xorbs as they came, kept until their chunks lie in stored files.

    xorbs/ab/abcd….xorb    acknowledged: complete, checked, synced to disk
    incoming/…             being received; whatever is old in here was left by a process that died

A name is the Xet hash in plain hex. Files appear by rename, so a name that exists is a whole xorb.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from weighbridge.errors import StorageFullError

INCOMING_SECONDS = 24 * 3600  # no upload of one xorb takes longer


class XorbPool:
    """A folder of raw xorbs. Safe for several processes at once: each step is one rename or unlink."""

    def __init__(self, folder: Path) -> None:
        self._xorbs = folder / "xorbs"
        self._incoming = folder / "incoming"
        self._incoming.mkdir(parents=True, exist_ok=True)
        self._xorbs.mkdir(exist_ok=True)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A new empty file, gone at the end unless it was admitted. A full disk is told as `StorageFullError`."""
        handle, name = tempfile.mkstemp(dir=self._incoming)
        os.close(handle)
        path = Path(name)
        try:
            yield path
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StorageFullError("no space is left for uploads", where=str(self._incoming)) from error
            raise
        finally:
            path.unlink(missing_ok=True)

    def admit(self, scratch: Path, xorb: bytes) -> None:
        """Keep a checked file as this xorb. Returns when it would survive a loss of power."""
        target = self._path(xorb)
        target.parent.mkdir(exist_ok=True)
        with scratch.open("rb") as file:
            os.fsync(file.fileno())
        scratch.replace(target)
        _sync_folder(target.parent)

    def open(self, xorb: bytes) -> BinaryIO | None:
        """The xorb as it came, or None where it is not kept. A reader is not disturbed by `drop`."""
        try:
            return self._path(xorb).open("rb")
        except FileNotFoundError:
            return None

    def touch(self, xorb: bytes) -> bool:
        """Count the age of this xorb from now. False where it is not kept."""
        try:
            os.utime(self._path(xorb))
        except FileNotFoundError:
            return False
        return True

    def drop(self, xorb: bytes) -> None:
        self._path(xorb).unlink(missing_ok=True)

    def sweep(self, keep_seconds: float) -> list[bytes]:
        """Remove xorbs older than that, and what dead processes left. Returns the hashes of the xorbs removed."""
        now = time.time()
        for path in self._incoming.iterdir():
            _remove_older(path, now - INCOMING_SECONDS)
        return [
            bytes.fromhex(path.stem) for path in self._xorbs.glob("*/*.xorb") if _remove_older(path, now - keep_seconds)
        ]

    def free_bytes(self) -> int:
        """Room left on this disk."""
        return shutil.disk_usage(self._incoming).free

    def _path(self, xorb: bytes) -> Path:
        name = xorb.hex()
        return self._xorbs / name[:2] / f"{name}.xorb"


def _remove_older(path: Path, moment: float) -> bool:
    try:
        if path.stat().st_mtime >= moment:
            return False
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
