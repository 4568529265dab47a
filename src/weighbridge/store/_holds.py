"""Holds: what a writer relies on before a manifest says so (spec/store.md, Holds and Collection)."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from weighbridge.errors import CorruptError, ObjectNotFoundError, StoreError, StoreUnavailableError
from weighbridge.store._keys import hold_key
from weighbridge.store._sealed import CHECK_BYTES, Kind, seal, unseal
from weighbridge.store.backends import Backend

_HEAD = struct.Struct("<16sI")
_DIGEST_BYTES = 32


def encode(digests: Iterable[bytes]) -> tuple[str, bytes]:
    """The id of a new hold on these blocks, and its bytes."""
    held = list(digests)
    sealed = seal(Kind.HOLD, _HEAD.pack(os.urandom(16), len(held)) + b"".join(held))
    return sealed[-CHECK_BYTES:].hex(), sealed


def decode(sealed: bytes, hold: str) -> set[bytes]:
    """The blocks of a hold that was kept under this id."""
    where = hold_key(hold)
    _, body = unseal(Kind.HOLD, sealed, where)
    if sealed[-CHECK_BYTES:].hex() != hold:
        raise CorruptError("is another hold than its key says", where=where)
    table = body[_HEAD.size :]
    if len(body) < _HEAD.size or len(table) != _DIGEST_BYTES * _HEAD.unpack_from(body)[1]:
        raise CorruptError("the hold's table does not fill it", where=where)
    return {table[at : at + _DIGEST_BYTES] for at in range(0, len(table), _DIGEST_BYTES)}


@contextmanager
def hold(backend: Backend, digests: set[bytes]) -> Iterator[str]:
    """Keep collectors from these blocks as long as this lasts. Gives the hold's key, "" where nothing is to be held."""
    if not digests:
        yield ""
        return
    name, sealed = encode(sorted(digests))
    key = hold_key(name)
    backend.put(key, [sealed])
    try:
        yield key
    finally:
        release(backend, key)


def stands(backend: Backend, key: str) -> bool:
    """Whether a hold is still there: somebody's clock may have taken it for a dead writer's."""
    try:
        return not key or bool(backend.get_range(key, 0, 1))
    except ObjectNotFoundError:
        return False


def release(backend: Backend, key: str) -> None:
    """Delete a hold. One that cannot be deleted only keeps garbage for a while, so nobody need fail for it."""
    try:
        backend.delete(key)
    except (StoreError, StoreUnavailableError):
        return
