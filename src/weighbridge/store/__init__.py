"""The store: files kept by content, in far fewer bytes, bit for bit.

- *File*: a sequence of bytes, named by its SHA-256. `Store.add` takes one in, `Store.file` gives it back.
- *Block*: a piece of a file, named by the BLAKE3 of its raw bytes; the same bytes are kept once. Cut inside each
  tensor from its own start, so that the same tensor is the same blocks in another file, shard or format.
- *Payload*: a block as a codec wrote it (`weighbridge.store.codecs`).
- *Pack*: many payloads in one object. *Manifest*: the blocks of one file. *Binding*: a name for a file.
- *Index*: where blocks lie; a cache that may be lost.

Every byte is described in spec/store.md. May import formats, native, tensors and errors. It never trusts what it reads
back, never changes an object once written, and never gives out a byte that it has not checked. It knows nothing of
repositories or people.
"""

from weighbridge.store._bindings import ensure_name
from weighbridge.store._claims import claim_name
from weighbridge.store._stored_file import StoredFile
from weighbridge.store.backends import is_local
from weighbridge.store.store import Store
from weighbridge.store.values import (
    BaseUse,
    CodecStat,
    Collected,
    Damage,
    FileUse,
    Garbage,
    GcOptions,
    Progress,
    Rebased,
    Stages,
    Stored,
    StoreStat,
    Tally,
    VerifyOptions,
    VerifyResult,
    no_stages,
)

__all__ = [
    "BaseUse",
    "CodecStat",
    "Collected",
    "Damage",
    "FileUse",
    "Garbage",
    "GcOptions",
    "Progress",
    "Rebased",
    "Stages",
    "Store",
    "StoreStat",
    "Stored",
    "StoredFile",
    "Tally",
    "VerifyOptions",
    "VerifyResult",
    "claim_name",
    "ensure_name",
    "is_local",
    "no_stages",
]
