"""The seam under the store: whole objects by key, written once, atomically.

A few verbs, so that a disk, a bucket and a failing double in a test are the same to everything above.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Listed:
    """An object as a listing tells of it. `modified`: seconds since 1970 by the clock of whoever keeps the object."""

    key: str
    size: int
    modified: float = 0.0


class Backend(Protocol):
    """Objects by key. Safe from several threads.

    Every method raises `StoreError`, `ObjectNotFoundError` where there is no such object, and `StoreUnavailableError`
    where not even that can be told. Once `put` or `delete`
    returned, every other method, in every process, sees what it did.
    """

    @property
    def location(self) -> str:
        """Where the objects are, for people: a path or a URL, never with a secret in it."""
        ...

    @property
    def exclusive(self) -> bool:
        """Whether of several that `put` the same key at once, without `replace`, exactly one is told True."""
        ...

    @property
    def distant(self) -> bool:
        """Whether waiting for an answer takes longer than the bytes of a block do."""
        ...

    def cache(self, store_id: str) -> Path:
        """A folder, perhaps not made yet, for what may be lost of the store with this id."""
        ...

    def get(self, key: str) -> bytes: ...

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        """Up to `length` bytes: fewer where the object ends before."""
        ...

    def get_ranges(self, key: str, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """`get_range` for each (offset, length), with as few round trips as pay."""
        ...

    def put(self, key: str, parts: Sequence[bytes], *, replace: bool = False) -> bool:
        """Write an object as a whole, durably. False, and nothing written, if it exists and may not be replaced."""
        ...

    def list(self, prefix: str) -> Iterator[Listed]: ...

    def delete(self, key: str) -> None:
        """Remove an object. Nothing happens where there is none."""
        ...

    def close(self) -> None:
        """Let go of threads and connections."""
        ...
