"""Under which key each object is kept (spec/store.md, Objects)."""

from __future__ import annotations

from blake3 import blake3

CONFIG = "weighbridge-store"
PACKS = "packs/"
FILES = "files/"
NAMES = "names/"
CONDEMNED = "condemned/"
HOLDS = "holds/"
TMP = "tmp/"
INDEX = "index/"
SHARDED = (PACKS, FILES, NAMES, CONDEMNED, HOLDS)

_HEX = frozenset("0123456789abcdef")


def pack_key(pack: str) -> str:
    return f"{PACKS}{pack[:2]}/{pack}.pack"


def file_key(sha256: str) -> str:
    return f"{FILES}{sha256[:2]}/{sha256}"


def name_key(name: str) -> str:
    digest = blake3(name.encode()).hexdigest()
    return f"{NAMES}{digest[:2]}/{digest}"


def mark_key(pack: str) -> str:
    return f"{CONDEMNED}{pack[:2]}/{pack}"


def hold_key(hold: str) -> str:
    return f"{HOLDS}{hold[:2]}/{hold}"


def id_in(key: str) -> str | None:
    """The 64 hex digits that a key of the table in spec/store.md ends in; None for a stray."""
    digits = key.rsplit("/", 1)[-1].removesuffix(".pack")
    if not is_digest(digits):
        return None
    prefix = key.partition("/")[0] + "/"
    canonical = pack_key(digits) if prefix == PACKS else f"{prefix}{digits[:2]}/{digits}"
    return digits if prefix in SHARDED and canonical == key else None


def is_digest(text: str) -> bool:
    return len(text) == 64 and _HEX.issuperset(text)
