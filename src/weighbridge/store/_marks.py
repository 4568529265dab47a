"""Marks: packs that are condemned (spec/store.md, Marks and Collection)."""

from __future__ import annotations

import struct

from weighbridge.errors import CorruptError, ObjectNotFoundError, StoreVersionError
from weighbridge.store._keys import CONDEMNED, id_in, mark_key
from weighbridge.store._sealed import Kind, seal, unseal
from weighbridge.store.backends import Backend

_BODY = struct.Struct("<32sQ")


def encode(pack: str, seconds: int) -> bytes:
    """A mark that was written at this time, in seconds since 1970."""
    return seal(Kind.MARK, _BODY.pack(bytes.fromhex(pack), seconds))


def decode(sealed: bytes, pack: str) -> int:
    """When the mark was written that was kept for this pack."""
    where = mark_key(pack)
    _, body = unseal(Kind.MARK, sealed, where)
    if len(body) != _BODY.size:
        raise CorruptError(f"a mark has {_BODY.size} bytes within its frame, this one {len(body):,}", where=where)
    named, seconds = _BODY.unpack(body)
    if named.hex() != pack:
        raise CorruptError(f"is the mark of another pack, {named.hex()}", where=where)
    return int(seconds)


def condemned(backend: Backend) -> frozenset[str]:
    """The packs that have a mark, sound or not."""
    return frozenset(pack for listed in backend.list(CONDEMNED) if (pack := id_in(listed.key)))


def put(backend: Backend, pack: str, seconds: int, *, replace: bool = False) -> None:
    """Condemn a pack. A mark that is there already stays as it is unless `replace`."""
    backend.put(mark_key(pack), [encode(pack, max(seconds, 0))], replace=replace)


def written(backend: Backend, pack: str) -> int | None:
    """When this pack was condemned; None where the mark is damaged or has just been deleted."""
    try:
        return decode(backend.get(mark_key(pack)), pack)
    except (CorruptError, StoreVersionError, ObjectNotFoundError):
        return None
