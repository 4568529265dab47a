"""The frame that packs, manifests and bindings share: magic, version, body, check (spec/store.md, Sealed objects)."""

from __future__ import annotations

from enum import Enum

from blake3 import blake3

from weighbridge.errors import CorruptError, StoreVersionError

HEAD_BYTES = 8
CHECK_BYTES = 32
VERSION = 1


class Kind(Enum):
    PACK = b"WBPACK"
    FILE = b"WBFILE"
    NAME = b"WBNAME"

    @property
    def head(self) -> bytes:
        return self.value + VERSION.to_bytes(2, "little")


def seal(kind: Kind, body: bytes) -> bytes:
    """The object that holds `body`. ``unseal(kind, seal(kind, body), where) == body``."""
    content = kind.head + body
    return content + blake3(content).digest()


def unseal(kind: Kind, sealed: bytes, where: str) -> bytes:
    """The body of a sealed object. Raises `CorruptError`, or `StoreVersionError` for a sound one of another version."""
    content, check = sealed[:-CHECK_BYTES], sealed[-CHECK_BYTES:]
    if len(content) < HEAD_BYTES or blake3(content).digest() != check:
        raise CorruptError("its check does not match its content", where=where)
    ensure_head(kind, content[:HEAD_BYTES], where)
    return content[HEAD_BYTES:]


def ensure_head(kind: Kind, head: bytes, where: str) -> None:
    """Compare the first eight bytes of an object whose check was found right."""
    if head[:6] != kind.value:
        raise CorruptError(f"expected {kind.value!r} at its beginning, found {head[:6]!r}", where=where)
    version = int.from_bytes(head[6:8], "little")
    if version != VERSION:
        raise StoreVersionError(
            f"is version {version} of {kind.value.decode()}; this Weighbridge reads version {VERSION}", where=where
        )
