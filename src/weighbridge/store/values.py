"""What the store is asked with and answers with: frozen values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

DAY = 24 * 3600
GRACE_SECONDS = DAY
WASTE = 0.05
"""The share of a pack that may be garbage before the pack is written anew."""

Progress = Callable[[int], None]
"""Called with the number of raw bytes that were done since the last call."""


Stages = Callable[[str, int], Progress]
"""Called when a stage of a long job begins, with what it does and how many bytes; gives the stage's `Progress`."""


def no_stages(_title: str, _total: int) -> Progress:
    """Progress that nobody watches."""
    return lambda _done: None


@dataclass(frozen=True, slots=True)
class BaseUse:
    """A stored file, and how many blocks of another one were coded by their difference from it."""

    sha256: str
    blocks: int


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that the store now holds.

    `new_bytes` is what the store grew by for it: payloads, their entries in packs, and the manifest; 0 where it held
    the file already. `blocks` counts its blocks, `new_blocks` those that the store did not have; both are 0 for a
    file that is small enough to live in its manifest. `bases` are the files that new blocks were coded against.
    """

    name: str
    sha256: str
    size: int
    new_bytes: int
    blocks: int
    new_blocks: int
    seconds: float
    bases: tuple[BaseUse, ...] = ()


@dataclass(frozen=True, slots=True)
class BlockRef:
    """A block as a manifest names it: the BLAKE3 of its raw bytes, and how many there are."""

    digest: bytes
    length: int


@dataclass(frozen=True, slots=True)
class Location:
    """Where a payload lies, and what it takes to decode it: `references` are the digests of blocks that it needs."""

    pack: str
    offset: int
    stored: int
    raw: int
    codec: int
    version: int
    references: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class FileUse:
    """A file that damage hurts, and the names that are bound to it."""

    sha256: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Damage:
    """One thing that is wrong: the object it is in, the block (hex BLAKE3) where it is one, and who needs it."""

    key: str
    message: str
    block: str = ""
    files: tuple[FileUse, ...] = ()


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """What a verification looked at and found. `strays` are keys that are no part of a store; they hurt nothing.

    Of packs of `decodable` bytes, those of `decoded` bytes had their blocks decoded: fewer where a sample was drawn.
    """

    files: int
    packs: int
    blocks: int
    nbytes: int
    damage: tuple[Damage, ...]
    strays: tuple[str, ...]
    decoded: int = 0
    decodable: int = 0

    @property
    def ok(self) -> bool:
        return not self.damage


@dataclass(frozen=True, slots=True)
class CodecStat:
    """What one codec keeps: its blocks, their raw bytes and their payload bytes."""

    codec: str
    blocks: int
    raw_bytes: int
    stored_bytes: int


@dataclass(frozen=True, slots=True)
class StoreStat:
    """How a store's bytes add up.

    `file_bytes` is the size of all files, `unique_bytes` what is left when every block is counted once, `stored_bytes`
    the size of every object. What is saved is told by reason, what is spent besides payloads too, so that
    ``file_bytes - saved_by_duplicates - saved_by_deltas - saved_by_coding + garbage_bytes + table_bytes ==
    stored_bytes``. Garbage are payloads that no file needs; tables are footers, manifests, bindings, marks and the
    configuration.
    """

    files: int
    names: int
    packs: int
    blocks: int
    file_bytes: int
    unique_bytes: int
    stored_bytes: int
    codecs: tuple[CodecStat, ...]
    saved_by_duplicates: int = 0
    saved_by_deltas: int = 0
    saved_by_coding: int = 0
    garbage_bytes: int = 0
    table_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Tally:
    """A number of packs, and the size of them all."""

    packs: int
    nbytes: int


@dataclass(frozen=True, slots=True)
class Garbage:
    """What newly condemned packs hold for nobody: `reason` is "unneeded", "duplicate" or "frames" (of whole packs)."""

    reason: str
    blocks: int
    nbytes: int


@dataclass(frozen=True, slots=True)
class Rebased:
    """Blocks that a repack coded against a base, and by how many bytes less they are kept so."""

    blocks: int = 0
    saved: int = 0


@dataclass(frozen=True, slots=True)
class Collected:
    """What a collection found and did, or would do if `dry_run`.

    `condemned` packs got their mark in this run, `deleted` ones are gone, `waiting` ones are marked and still there.
    `written` packs hold what was needed of others. `unreadable` names what is damaged and was therefore left alone.
    """

    garbage: tuple[Garbage, ...]
    condemned: Tally
    deleted: Tally
    waiting: Tally
    written: Tally
    unreadable: tuple[str, ...]
    dry_run: bool
    rebased: Rebased = Rebased()


@dataclass(frozen=True, slots=True)
class GcOptions:
    """`grace`: seconds for which neither a new pack nor one that was condemned is touched. `waste`: see `WASTE`.

    A dry run tells what would go if the files `without` had been removed already.
    """

    grace: float = GRACE_SECONDS
    waste: float = WASTE
    dry_run: bool = False
    without: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """What of a store to look at. Footers, manifests and bindings are always read.

    `share` of the packs' bytes, or as many `packs`: only those, drawn by `seed`, have their blocks decoded. `files`:
    also compare the SHA-256 of every whole file. `resume`: leave out packs that an interrupted run found sound.
    """

    share: float = 1.0
    packs: int | None = None
    seed: int | None = None
    files: bool = False
    resume: bool = False
