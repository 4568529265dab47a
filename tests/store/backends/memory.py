"""Objects in a dictionary: the shortest backend that keeps the contract."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from weighbridge.errors import ObjectNotFoundError
from weighbridge.store.backends import Listed


class MemoryBackend:
    exclusive = True
    distant = False
    location = "memory"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self.objects: dict[str, tuple[bytes, float]] = {}

    def cache(self, store_id: str) -> Path:
        return self._folder / store_id

    def get(self, key: str) -> bytes:
        try:
            return self.objects[key][0]
        except KeyError:
            raise ObjectNotFoundError("the store has no such object", where=key) from None

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        return self.get(key)[offset : offset + length]

    def get_ranges(self, key: str, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        return [self.get_range(key, offset, length) for offset, length in ranges]

    def put(self, key: str, parts: Sequence[bytes], *, replace: bool = False) -> bool:
        with self._lock:
            if key in self.objects and not replace:
                return False
            self.objects[key] = (b"".join(parts), time.time())
            return True

    def list(self, prefix: str) -> Iterator[Listed]:
        for key, (content, modified) in sorted(self.objects.items()):
            if key.startswith(prefix):
                yield Listed(key, len(content), modified)

    def delete(self, key: str) -> None:
        self.objects.pop(key, None)

    def close(self) -> None:
        pass
