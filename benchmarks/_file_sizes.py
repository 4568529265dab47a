"""What a single file takes in a store of its own, beside zstd and zipnn."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from _files import Cache, File, MissingError
from _packers import ZIPNN_DTYPES
from _peers import interleaved, main_tensors
from weighbridge.store import Store
from weighbridge.tensors import FileSource


@dataclass(frozen=True)
class FileSize:
    """packed / original; `promised` is the most it may be, where something was promised for this dtype."""

    file: str
    dtype: str
    role: str
    bytes: int
    weighbridge: float
    promised: float | None
    zipnn: float | None
    zstd: float
    codecs: str


def file_sizes(files: Iterable[File], cache: Cache, scratch: Path, peers: str) -> Iterator[FileSize]:
    for number, file in enumerate(files):
        try:
            path = cache.file(file)
        except MissingError as missing:
            print(f"{file.name}: {missing}", file=sys.stderr)
            continue
        size = path.stat().st_size
        ours, codecs = stored_size(path, scratch / f"single{number}")
        zstd = interleaved(("zstd",), "", path, None, 1, peers)["zstd"].packed
        theirs = _zipnn(path, scratch / "tensors", peers)
        promised = theirs if file.dtype == "fp32" else file.limit or None
        yield FileSize(file.name, file.dtype, file.role, size, ours / size, promised, theirs, zstd / size, codecs)


def stored_size(path: Path, folder: Path) -> tuple[int, str]:
    """Bytes of all objects of a store with this file alone, and the codecs it took; what comes back is compared."""
    with Store.open(folder, create=True) as store:
        stored = store.add(FileSource(path))
        digest = hashlib.sha256()
        for piece in store.file(stored.sha256).iter_range():
            digest.update(piece)
        if digest.hexdigest() != hashlib.sha256(path.read_bytes()).hexdigest():
            sys.exit(f"{path.name} came back as other bytes")
        shares = sorted(((codec.raw_bytes, codec.codec) for codec in store.stat().codecs), reverse=True)
    whole = sum(raw for raw, _ in shares) or 1
    return object_bytes(folder), ", ".join(f"{name} {raw / whole:.0%}" for raw, name in shares if raw > whole / 100)


def object_bytes(folder: Path) -> int:
    """What a store takes but for its caches."""
    return sum(
        path.stat().st_size for kind in ("packs", "files") for path in (folder / kind).rglob("*") if path.is_file()
    )


def _zipnn(path: Path, tensors: Path, peers: str) -> float | None:
    dtype, rest = main_tensors(path, tensors)
    if dtype not in ZIPNN_DTYPES:
        return None
    measured = interleaved(("zipnn",), dtype, tensors, None, 1, peers)
    return (measured["zipnn"].packed + rest) / path.stat().st_size if measured else None
