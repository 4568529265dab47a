"""PyTorch's format before version 1.6, still written where ``_use_new_zipfile_serialization=False``.

Five pickles follow one another: a magic number, the protocol's version, facts about the machine, the object, and the
keys of its storages. Then comes each storage in the order of the keys: a count of elements in eight bytes, and the
elements, raw. Before that, until version 0.1.10, files were tar archives; those we recognise and do not read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.errors import FormatError, LimitError, TruncatedError, UnsupportedError
from weighbridge.formats._raw import read_raw
from weighbridge.formats._zip_directory import ends_as_archive
from weighbridge.formats.base import Anomaly, FileIndex, PickleScan
from weighbridge.formats.pickle.contents import file_index, or_anomaly, read_found, whole
from weighbridge.formats.pickle.disguised import disguised_pickles
from weighbridge.formats.pickle.found import Storage, Surroundings
from weighbridge.formats.pickle.machine import Budget
from weighbridge.formats.pickle.render import brief
from weighbridge.formats.pickle.scan import Pickle, describe, interpret, scan_pickles
from weighbridge.formats.pickle.sniff import looks_like_pickle
from weighbridge.formats.pickle.torch_objects import StorageId
from weighbridge.formats.pickle.values import Items, Persistent, Raw
from weighbridge.formats.pickle.walk import Contents, contents_of
from weighbridge.tensors import ByteSource, BytesSource, SliceSource, TensorInfo

if TYPE_CHECKING:
    import numpy as np

MAGIC = 0x1950A86A20F9469CFC6C
"""The number that the first pickle holds."""

_PICKLES = ("magic number", "protocol", "system", "object", "storage keys")
_COUNT = 8  # bytes of the count before each storage
_MAX_STORAGES = 500_000
_MAGIC_WITHIN = 64
_TAR_MAGIC, _TAR_MAGIC_AT = b"ustar", 257
_TAR_MEMBERS = (b"storages", b"tensors", b"pickle", b"sys_info", b"./")


class TorchLegacy:
    """See the module."""

    name = "torch-legacy"

    def sniff(self, head: bytes, source: ByteSource) -> bool:
        first = interpret(BytesSource(head[:_MAGIC_WITHIN]), budget=Budget(16))
        return first.value == MAGIC if type(first.value) is int else False

    def index(self, source: ByteSource) -> FileIndex:
        file = LegacyFile(source)
        scans = file.scans()
        file.anomalies += disguised_pickles(file.pickles)
        contents = or_anomaly(file.contents, scans, source.name)
        return file_index(self.name, contents, scans + file.after_storages(), anomalies=file.anomalies)

    def read(self, source: ByteSource, info: TensorInfo) -> np.ndarray:
        if info.extent is not None:
            return read_raw(source, info)
        return read_found(source, info, LegacyFile(source).contents().tensors.get(info.name))


class LegacyFile:
    """One file: its pickles, and the storages that follow them. `base` is where it lies in the file that holds it."""

    def __init__(self, source: ByteSource, base: int = 0) -> None:
        self.source = source
        self.base = base
        self.anomalies: list[Anomaly] = []
        self.pickles = _pickles(source)
        self._storages: dict[str, Storage] | None = None
        self._end = source.size

    @property
    def end(self) -> int:
        """Where the last storage ends, once `contents` has found it."""
        return self._end

    def scans(self) -> tuple[PickleScan, ...]:
        return tuple(describe(pickle, self.source) for pickle in self.pickles)

    def contents(self) -> Contents:
        """The tensors of the fourth pickle. Raises `FormatError` where the file does not hold them."""
        *_, saved, _ = tuple(whole(self.pickles))
        if self._storages is None:
            self._storages = self._read_storages()
        return contents_of([saved], Surroundings(self.source, self.base, self.storage))

    def storage(self, reference: Persistent | Raw) -> Storage:
        """The storage of a persistent id."""
        if isinstance(reference, Raw):
            return packed_storage(self.source, reference, self.base)
        outside = StorageId.parse(reference, self.source.name)
        if self._storages is None:
            self._storages = self._read_storages()
        found = self._storages.get(outside.key)
        if found is None or found.nbytes is None or found.nbytes < outside.nbytes:
            raise FormatError(
                f"its pickle asks for {outside.nbytes:,} bytes of storage {outside.key[:40]!r}, which has fewer",
                where=self.source.name,
            )
        return Storage(found.start, found.nbytes, outside.dtype, found.load, offset=outside.offset)

    def after_storages(self) -> tuple[PickleScan, ...]:
        """What follows the storages, once they were found: an honest file has nothing there."""
        left = self.source.size - self._end
        if not left:
            return ()
        kind = "a zip archive" if ends_as_archive(self.source) else "data"
        message = f"{left:,} bytes of {kind} follow the last storage, at offset {self._end:,}"
        self.anomalies.append(Anomaly("torch.trailing-bytes", message))
        tail = SliceSource(self.source, self._end, left)
        return scan_pickles(self.source, start=self._end) if looks_like_pickle(tail) else ()

    def _read_storages(self) -> dict[str, Storage]:
        """Where each storage lies: the counts say how far it is to the next, nothing else is read."""
        types = {}
        for reference in self.pickles[3].outside:
            referred = StorageId.parse(reference, self.source.name)
            types[referred.key] = referred
        at = self.pickles[-1].stop
        storages: dict[str, Storage] = {}
        for key in self._keys():
            outside = types.get(key)
            if outside is None:
                raise FormatError(f"stores {key[:40]!r}, which nothing in its pickle refers to", where=self.source.name)
            count = int.from_bytes(self.source.read_at(at, _COUNT), "little", signed=True)
            if count < 0:
                raise FormatError(f"a storage of {count:,} elements at offset {at:,}", where=self.source.name)
            start, nbytes = at + _COUNT, count * (outside.dtype.itemsize if outside.dtype else 1)
            at = start + nbytes
            if at > self.source.size:
                raise TruncatedError(
                    f"storage {key[:40]!r} should end at offset {at:,}, but there are only {self.source.size:,} bytes",
                    where=self.source.name,
                )
            storages[key] = self._place(start, nbytes)
        self._end = at
        return storages

    def _place(self, start: int, nbytes: int) -> Storage:
        return Storage(self.base + start, nbytes, None, lambda: self.source.read_at(start, nbytes))

    def _keys(self) -> list[str]:
        *_, keys = tuple(whole(self.pickles))
        items = keys.items if isinstance(keys, Items) else None
        if items is None or not all(isinstance(key, str) for key in items):
            raise FormatError(f"its storage keys are {brief(keys)}", where=self.source.name)
        if len(items) > _MAX_STORAGES:
            raise LimitError(f"{len(items):,} storages", where=self.source.name)
        if len(set(items)) != len(items):
            raise FormatError("two of its storages have the same key", where=self.source.name)
        return items


def _pickles(source: ByteSource) -> tuple[Pickle, ...]:
    """The pickles at the beginning: five, or fewer where one is broken."""
    pickles: list[Pickle] = []
    budget, at = Budget(), 0
    for _ in _PICKLES:
        pickle = interpret(source, at, budget)
        pickles.append(pickle)
        if pickle.broken:
            break
        at = pickle.stop
    return tuple(pickles)


def packed_storage(source: ByteSource, packed: Raw, base: int | None) -> Storage:
    """The storage that a legacy file packed in a pickle holds, and nothing else: what pickling a tensor writes."""
    inside = SliceSource(source, packed.offset, packed.length, f"{source.name} offset {packed.offset:,}")
    file = LegacyFile(inside, (base or 0) + packed.offset)
    *_, saved, _ = tuple(whole(file.pickles))
    if not isinstance(saved, Persistent):
        raise UnsupportedError("a tensor whose storage is packed as something else")
    found = file.storage(saved)
    return found if base is not None else Storage(None, found.nbytes, found.dtype, found.load, offset=found.offset)


class TorchTar:
    """The tar archives of PyTorch before 0.1.10: recognised, not read."""

    name = "torch-tar"

    def sniff(self, head: bytes, source: ByteSource) -> bool:
        is_tar = head[_TAR_MAGIC_AT : _TAR_MAGIC_AT + len(_TAR_MAGIC)] == _TAR_MAGIC
        return is_tar and head.partition(b"\0")[0].removeprefix(b"./") in _TAR_MEMBERS

    def index(self, source: ByteSource) -> FileIndex:
        raise UnsupportedError(
            "is a tar archive, as PyTorch wrote before version 0.1.10, or a copy of one",
            where=source.name,
            hint="Treat it as unsafe: loading it runs its pickles. Ask its author for safetensors.",
        )

    def read(self, source: ByteSource, info: TensorInfo) -> np.ndarray:
        raise UnsupportedError("is a tar archive, which we do not read", where=source.name)


TORCH_LEGACY = TorchLegacy()
TORCH_TAR = TorchTar()
