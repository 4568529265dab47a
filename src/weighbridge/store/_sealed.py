"""The frame of all objects but the configuration: magic, version, body, check (spec/store.md, Sealed objects)."""

from __future__ import annotations

from enum import Enum

from blake3 import blake3

from weighbridge.errors import CorruptError, StoreVersionError

HEAD_BYTES = 8
CHECK_BYTES = 32


class Kind(Enum):
    PACK = b"WBPACK"
    FILE = b"WBFILE"
    NAME = b"WBNAME"
    MARK = b"WBMARK"
    HOLD = b"WBHOLD"

    def head(self, version: int) -> bytes:
        return self.value + version.to_bytes(2, "little")


# The versions that this program reads.
_KNOWN = {Kind.PACK: (1, 2), Kind.FILE: (1, 2), Kind.NAME: (1,), Kind.MARK: (1,), Kind.HOLD: (1,)}


def seal(kind: Kind, body: bytes, version: int = 1) -> bytes:
    """The object that holds `body`. ``unseal(kind, seal(kind, body, version), where) == (version, body)``."""
    content = kind.head(version) + body
    return content + blake3(content).digest()


def unseal(kind: Kind, sealed: bytes, where: str) -> tuple[int, bytes]:
    """Version and body of a sealed object. Raises `CorruptError`, or `StoreVersionError` for an unknown version."""
    content, check = sealed[:-CHECK_BYTES], sealed[-CHECK_BYTES:]
    if len(content) < HEAD_BYTES or blake3(content).digest() != check:
        raise CorruptError("its check does not match its content", where=where)
    return version_of(kind, content[:HEAD_BYTES], where), content[HEAD_BYTES:]


def version_of(kind: Kind, head: bytes, where: str) -> int:
    """What the first eight bytes of an object say whose check was found right. Raises as `unseal` does."""
    if head[:6] != kind.value:
        raise CorruptError(f"expected {kind.value!r} at its beginning, found {head[:6]!r}", where=where)
    version = int.from_bytes(head[6:8], "little")
    if version not in _KNOWN[kind]:
        known = " and ".join(map(str, _KNOWN[kind]))
        raise StoreVersionError(
            f"is version {version} of {kind.value.decode()}; this Weighbridge reads version {known}", where=where
        )
    return version
