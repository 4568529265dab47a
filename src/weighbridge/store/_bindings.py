"""Bindings: names for files (spec/store.md, Bindings)."""

from __future__ import annotations

import struct

from weighbridge.errors import CorruptError, UsageError
from weighbridge.store._keys import name_key
from weighbridge.store._sealed import Kind, seal, unseal

NAME_BYTES = 4096

_HEAD = struct.Struct("<32sI")


def ensure_name(name: str) -> None:
    """Raise `UsageError` for what cannot name a file in a store."""
    try:
        encoded = name.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{name!r} is not Unicode text, so it cannot name a stored file") from None
    if not _is_name(encoded):
        raise UsageError(f"a name has 1 to {NAME_BYTES} bytes and no NUL, unlike {name[:80]!r}")


def encode(name: str, sha256: str) -> bytes:
    encoded = name.encode()
    return seal(Kind.NAME, _HEAD.pack(bytes.fromhex(sha256), len(encoded)) + encoded)


def decode(sealed: bytes, key: str) -> tuple[str, str]:
    """The name and the SHA-256 in the binding that was kept under this key."""
    _, body = unseal(Kind.NAME, sealed, key)
    if len(body) < _HEAD.size:
        raise CorruptError("the binding ends within its head", where=key)
    sha256, length = _HEAD.unpack_from(body)
    encoded = body[_HEAD.size :]
    try:
        name = encoded.decode()
    except UnicodeDecodeError:
        raise CorruptError("the bound name is not UTF-8", where=key) from None
    if len(encoded) != length or name_key(name) != key:
        raise CorruptError("the binding is not the one that belongs here", where=key)
    if not _is_name(encoded):
        raise CorruptError(f"binds {name[:80]!r}, which cannot be a name: it has NUL or {length:,} bytes", where=key)
    return name, sha256.hex()


def _is_name(encoded: bytes) -> bool:
    return 0 < len(encoded) <= NAME_BYTES and b"\0" not in encoded
