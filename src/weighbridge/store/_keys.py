"""Under which key each object is kept (spec/store.md, Objects)."""

from __future__ import annotations

from blake3 import blake3

CONFIG = "weighbridge-store"
PACKS = "packs/"
FILES = "files/"
NAMES = "names/"
TMP = "tmp/"
INDEX = "index/"

_HEX = frozenset("0123456789abcdef")


def pack_key(pack: str) -> str:
    return f"{PACKS}{pack[:2]}/{pack}.pack"


def file_key(sha256: str) -> str:
    return f"{FILES}{sha256[:2]}/{sha256}"


def name_key(name: str) -> str:
    digest = blake3(name.encode()).hexdigest()
    return f"{NAMES}{digest[:2]}/{digest}"


def id_in(key: str) -> str | None:
    """The 64 hex digits that a key of a pack, manifest or binding ends in; None for a stray."""
    digits = key.rsplit("/", 1)[-1].removesuffix(".pack")
    if not is_digest(digits):
        return None
    canonical = {PACKS: pack_key(digits), FILES: file_key(digits), NAMES: f"{NAMES}{digits[:2]}/{digits}"}
    return digits if canonical.get(key.partition("/")[0] + "/") == key else None


def is_digest(text: str) -> bool:
    return len(text) == 64 and _HEX.issuperset(text)
