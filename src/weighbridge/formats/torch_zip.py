"""PyTorch's zip files (``.pt .pth .bin .ckpt``), as ``torch.save`` writes them since version 1.6.

A zip archive of one folder: ``data.pkl`` is the pickled object, ``data/0``, ``data/1`` … are the storages, each stored
uncompressed, so that an index reads the archive's directory and the pickle and leaves the storages where they are.
TorchScript archives have the same shape and a ``code/`` folder besides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.errors import FormatError, UnsupportedError, WeighbridgeError
from weighbridge.formats._raw import read_raw
from weighbridge.formats._zip import LOCAL_MAGIC, Archive, Member, checksum_anomaly, open_member, read_archive
from weighbridge.formats._zip_directory import has_entry_named
from weighbridge.formats.base import Anomaly, FileIndex, Json, PickleScan, shown
from weighbridge.formats.pickle.contents import file_index, or_anomaly, read_found, whole
from weighbridge.formats.pickle.disguised import disguised_pickles
from weighbridge.formats.pickle.found import ByteOrder, Storage, Surroundings
from weighbridge.formats.pickle.render import shorten
from weighbridge.formats.pickle.scan import interpret_all, scan_pickles
from weighbridge.formats.pickle.sniff import looks_like_pickle
from weighbridge.formats.pickle.torch_objects import StorageId
from weighbridge.formats.pickle.values import Persistent, Raw
from weighbridge.formats.pickle.walk import Contents, contents_of
from weighbridge.tensors import ByteSource, TensorInfo

if TYPE_CHECKING:
    import numpy as np

MAX_PICKLE = 512 << 20
"""Bytes that a compressed pickle may inflate to."""

MAX_INFLATED = 2 << 30
"""Bytes that a compressed storage may inflate to."""

_MAX_CHECKED = 64 << 20  # longer pickles hold arrays, and to check their sums would read those
_MOST_SNIFFED = 1_000  # members that are no storage, looked at for hidden pickles
_SMALL = 4_096


@dataclass(frozen=True, slots=True)
class _Reading:
    """Everything that one pass over the file's structure gives."""

    contents: Contents
    scans: tuple[PickleScan, ...]
    anomalies: list[Anomaly]
    metadata: dict[str, Json]


class TorchZip:
    """See the module."""

    name = "torch-zip"

    def sniff(self, head: bytes, source: ByteSource) -> bool:
        return head.startswith(LOCAL_MAGIC) and has_entry_named(source, b"data.pkl")

    def index(self, source: ByteSource) -> FileIndex:
        reading = _Reader(source).read()
        return file_index(
            self.name,
            reading.contents,
            reading.scans,
            anomalies=reading.anomalies,
            metadata=reading.metadata,
        )

    def read(self, source: ByteSource, info: TensorInfo) -> np.ndarray:
        if info.extent is not None:
            return read_raw(source, info)
        return read_found(source, info, _Reader(source).read().contents.tensors.get(info.name))


class _Reader:
    """One pass over one file."""

    def __init__(self, source: ByteSource) -> None:
        self.source = source
        self.archive: Archive = read_archive(source)
        self.folder = _folder(source, self.archive)
        self.used: set[str] = set()
        self.anomalies = list(self.archive.anomalies)
        self.byteorder: ByteOrder = ">" if self._text("byteorder") == "big" else "<"

    def read(self) -> _Reading:
        member = self.archive.members[self.folder + "data.pkl"]
        opened = open_member(self.source, member, MAX_PICKLE)
        if opened.size <= _MAX_CHECKED:
            self.anomalies += checksum_anomaly(opened, member)
        stream = interpret_all(opened)
        scans = stream.describe(opened, member.name)
        self.anomalies += disguised_pickles(stream.pickles)
        around = Surroundings(opened, member.offset if member.raw else None, self._storage)
        contents = or_anomaly(lambda: contents_of(whole(stream.pickles[:1]), around), scans, opened.name)
        self.used.add(member.name)
        others = self._other_pickles()
        self._note_code()
        return _Reading(contents, scans + others, self.anomalies, self._metadata())

    def _storage(self, reference: Persistent | Raw) -> Storage:
        """The storage of a persistent id, which is a member of the archive."""
        if isinstance(reference, Raw):
            raise UnsupportedError("a tensor packed in the pickle as bytes")
        outside = StorageId.parse(reference, self.source.name)
        name, nbytes, dtype = f"{self.folder}data/{outside.key}", outside.nbytes, outside.dtype
        member = self.archive.members.get(name)
        if member is None:
            raise FormatError(
                f"its pickle asks for the storage {name[:120]!r}, which is not there", where=self.source.name
            )
        where = f"{self.source.name} member {name[:120]!r}"
        if member.size < nbytes:
            raise FormatError(f"holds {member.size:,} bytes, but its pickle asks for {nbytes:,}", where=where)
        if member.size > nbytes and name not in self.used:
            message = f"holds {member.size:,} bytes, of which its pickle uses {nbytes:,}"
            self.anomalies.append(Anomaly("torch.storage-size", message, shown(name)))
        self.used.add(name)
        start = member.offset if member.raw else None
        return Storage(start, member.size, dtype, lambda: self._inflated(member), self.byteorder)

    def _inflated(self, member: Member) -> bytes:
        opened = open_member(self.source, member, MAX_INFLATED)
        return opened.read_at(0, opened.size)

    def _other_pickles(self) -> tuple[PickleScan, ...]:
        """Pickles besides data.pkl: TorchScript's constants, and what hides where nothing asks for it."""
        scans: list[PickleScan] = []
        others = [member for member in self.archive.members.values() if member.name not in self.used and member.size]
        unused = [member.name for member in others if member.name.startswith(self.folder + "data/")]
        if unused:
            message = f"holds {len(unused)} storages that its pickle does not use"
            self.anomalies.append(Anomaly("torch.unused-storages", message, shown(unused[0]), severe=False))
        if len(others) > _MOST_SNIFFED:
            message = f"holds {len(others):,} members that are no storages; only {_MOST_SNIFFED:,} were looked into"
            self.anomalies.append(Anomaly("zip.unread-member", message))
        for member in others[:_MOST_SNIFFED]:
            try:
                opened = open_member(self.source, member, MAX_PICKLE)
            except WeighbridgeError as error:
                self.anomalies.append(Anomaly("zip.unread-member", error.message, shown(member.name)))
                continue
            if member.name.endswith(".pkl") or looks_like_pickle(opened):
                found = scan_pickles(opened, member.name)
                scans += found
                broken = [scan.broken for scan in found if scan.broken]
                self.anomalies += [Anomaly("pickle.broken", message, shown(member.name)) for message in broken]
        return tuple(scans)

    def _note_code(self) -> None:
        """TorchScript and torch.package keep programs in the archive; loading them runs those."""
        code = [name for name in self.archive.members if name.startswith(self.folder + "code/")]
        native = [name for name in self.archive.members if name.endswith((".so", ".dll", ".dylib", ".pyd"))]
        if code:
            message = f"holds {len(code)} files of TorchScript: torch.jit.load runs such code when the model is used"
            self.anomalies.append(Anomaly("torch.script-code", message, shown(code[0]), severe=False))
        if native:
            message = "holds compiled code, which no weights need"
            self.anomalies.append(Anomaly("torch.native-code", message, shown(native[0])))

    def _metadata(self) -> dict[str, Json]:
        """What the archive says of itself."""
        names = ("version", ".format_version", "byteorder")
        records = {f"archive.{name.lstrip('.')}": self._text(name) for name in names}
        return {name: text for name, text in records.items() if text}

    def _text(self, name: str) -> str:
        member = self.archive.members.get(self.folder + name)
        if member is None or not member.raw or member.size > _SMALL:
            return ""
        self.used.add(member.name)
        text = self.source.read_at(member.offset, member.size).decode("utf-8", "replace")
        return shorten(text.strip(), 100)


def _folder(source: ByteSource, archive: Archive) -> str:
    """The archive's one folder, with its slash: where PyTorch looks for data.pkl."""
    found = [name for name in archive.members if name == "data.pkl" or name.endswith("/data.pkl")]
    top = [name for name in found if name.count("/") <= 1]
    if len(top) != 1:
        raise FormatError(f"has {len(top)} files named data.pkl where PyTorch expects one", where=source.name)
    if len({name.lower() for name in archive.members}) != len(archive.members):
        raise FormatError("has members whose names differ in case only, which PyTorch takes for one", where=source.name)
    return top[0].removesuffix("data.pkl")


TORCH_ZIP = TorchZip()
