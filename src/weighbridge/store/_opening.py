"""Finding the store at a location, or making one there."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from weighbridge.errors import CorruptError, ObjectNotFoundError, UsageError
from weighbridge.store import _config, _keys
from weighbridge.store.backends import Backend

UNKNOWN_ID = "0" * 32
# Longer than a creator needs from seeing that there is no store to having written one: three small requests.
SETTLE_SECONDS = 2.0


def store_id(backend: Backend, *, create: bool = False, damaged: bool = False) -> str:
    """The id of the store that lies there, made if `create` and nothing else is there.

    Several may create one at the same time: each of them reads the configuration again after writing, so that all go on
    with the same id. With `damaged`, a damaged or lost configuration is put up with, as long as there is a store.
    """
    found = _configuration(backend)
    if found is None and create:
        _ensure_nothing_else(backend)
        backend.put(_keys.CONFIG, [_config.new()])
        if not backend.exclusive:  # somebody who saw nothing there either may still replace what we wrote
            time.sleep(SETTLE_SECONDS)
        found = _configuration(backend)
    if found is None and damaged and any(_keys.id_in(listed.key) for listed in backend.list("")):
        found = b""
    if found is None:
        raise UsageError(f"is not a store: it holds no '{_keys.CONFIG}'", where=backend.location)
    try:
        return _config.parse(found)
    except CorruptError:
        if not damaged:
            raise
        return _config.salvage(found) or UNKNOWN_ID


def index_path(backend: Backend, store: str) -> Path:
    """Where the index of the store with this id lies."""
    folder = backend.cache(store)
    with suppress(OSError):  # then the index is kept in memory
        folder.mkdir(parents=True, exist_ok=True)
    return folder / "blocks.sqlite"


def _configuration(backend: Backend) -> bytes | None:
    try:
        return backend.get(_keys.CONFIG)
    except ObjectNotFoundError:
        return None


def _ensure_nothing_else(backend: Backend) -> None:
    for listed in backend.list(""):
        if listed.key != _keys.CONFIG and not listed.key.startswith((_keys.TMP, _keys.INDEX)):
            raise UsageError(f"holds other files ({listed.key!r} …), so no store is made there", where=backend.location)
