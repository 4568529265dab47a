"""The four lines that make a folder a store (spec/store.md, Configuration)."""

from __future__ import annotations

import re
import uuid

from blake3 import blake3

from weighbridge.errors import CorruptError, StoreVersionError
from weighbridge.store._keys import CONFIG

VERSION = 1

_FRAME = re.compile(rb"(weighbridge store\nversion (0|[1-9][0-9]{0,8})\n(?s:.*))check ([0-9a-f]{64})\n")
_BODY = re.compile(rb"weighbridge store\nversion 1\nid ([0-9a-f]{32})\n")


def new(store: str = "") -> bytes:
    """The configuration of a store with this id, or of a new one."""
    body = f"weighbridge store\nversion {VERSION}\nid {store or uuid.uuid4().hex}\n".encode()
    return body + f"check {blake3(body).hexdigest()}\n".encode()


def parse(config: bytes) -> str:
    """The id of the store with this configuration. Raises `CorruptError` or `StoreVersionError`."""
    frame = _FRAME.fullmatch(config)
    if frame is None or blake3(frame.group(1)).hexdigest() != frame.group(3).decode():
        raise CorruptError("the store's configuration is damaged", where=CONFIG)
    version = int(frame.group(2))
    if version != VERSION:
        raise StoreVersionError(f"is version {version}; this Weighbridge reads version {VERSION}", where=CONFIG)
    body = _BODY.fullmatch(frame.group(1))
    if body is None:
        raise CorruptError("the store's configuration has no id", where=CONFIG)
    return body.group(1).decode()


def salvage(config: bytes) -> str:
    """What looks like the id in a damaged configuration; "" where nothing does."""
    found = re.search(rb"^id ([0-9a-f]{32})$", config, re.MULTILINE)
    return found.group(1).decode() if found else ""
