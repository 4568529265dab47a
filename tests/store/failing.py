"""Disks that fail: from a certain write on they are full, may not be written, or whoever writes is dead."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from weighbridge.store.backends import _staging, local
from weighbridge.store.backends._errors import translate


class Killed(BaseException):
    """The process is dead: nothing that it would have done happens any more."""


@dataclass
class Disk:
    """What stands between local stores and their disk. `fault`: an errno, or `Killed`; `room`: writes that go well."""

    write: Callable[[Path, Sequence[bytes]], None]
    delete: Callable[[local.LocalBackend, str], None]
    fault: int | type[Killed] = 0
    room: int | None = None
    count: int = 0

    def fail(self, fault: int | type[Killed], room: int) -> None:
        """From now on so many writes or deletions go well, and no more."""
        self.fault, self.room, self.count = fault, room, 0

    def mend(self) -> None:
        self.room, self.count = None, 0

    def on_write(self, path: Path, parts: Sequence[bytes]) -> None:
        if self._goes_well():
            return self.write(path, parts)
        half = b"".join(parts)[: sum(map(len, parts)) // 2]
        if self.fault is Killed:
            path.with_name(f"{path.name}-left").write_bytes(half)  # a dead process removes nothing
            raise Killed
        path.write_bytes(half)
        raise OSError(self.fault, os.strerror(int(self.fault)))

    def on_delete(self, backend: local.LocalBackend, key: str) -> None:
        if self.fault == errno.ENOSPC or self._goes_well():  # deleting needs no room
            return self.delete(backend, key)
        if self.fault is Killed:
            raise Killed
        raise translate(OSError(self.fault, os.strerror(int(self.fault))), key)

    def _goes_well(self) -> bool:
        self.count += 1
        return self.room is None or self.count <= self.room


def put_between(monkeypatch) -> Disk:
    """A disk that works, under every local store that is used while the monkeypatch lasts."""
    disk = Disk(_staging._write, local.LocalBackend.delete)
    monkeypatch.setattr(_staging, "_write", disk.on_write)
    monkeypatch.setattr(local.LocalBackend, "delete", lambda backend, key: disk.on_delete(backend, key))
    return disk
