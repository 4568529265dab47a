"""Plain pickles: dictionaries and lists of NumPy arrays, or of anything else, of which we then only judge the safety.

Protocols 0 to 5, one pickle or several in a row. Array bytes that lie raw in the stream have an extent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.errors import UnsupportedError
from weighbridge.formats._raw import read_raw
from weighbridge.formats.base import Anomaly, FileIndex
from weighbridge.formats.pickle.contents import file_index, or_anomaly, read_found, whole
from weighbridge.formats.pickle.disguised import disguised_pickles
from weighbridge.formats.pickle.found import Storage, Surroundings
from weighbridge.formats.pickle.scan import Stream, interpret_all
from weighbridge.formats.pickle.sniff import looks_like_pickle
from weighbridge.formats.pickle.values import Persistent, Raw
from weighbridge.formats.pickle.walk import Contents, contents_of
from weighbridge.formats.torch_legacy import packed_storage
from weighbridge.tensors import ByteSource, TensorInfo

if TYPE_CHECKING:
    import numpy as np


class PickleFile:
    """See the module."""

    name = "pickle"

    def sniff(self, head: bytes, source: ByteSource) -> bool:
        return looks_like_pickle(source)

    def index(self, source: ByteSource) -> FileIndex:
        return index_pickles(self.name, source, base=0)

    def read(self, source: ByteSource, info: TensorInfo) -> np.ndarray:
        if info.extent is not None:
            return read_raw(source, info)
        return read_pickled(source, info, base=0)


def index_pickles(format_name: str, source: ByteSource, base: int | None) -> FileIndex:
    """The index of a source that is pickles; `base` is where it lies raw in its file, None where it does not."""
    stream = interpret_all(source)
    scans = stream.describe(source)
    contents = or_anomaly(lambda: _contents(source, stream, base), scans, source.name)
    anomalies = _trailing(source, stream) + disguised_pickles(stream.pickles)
    return file_index(format_name, contents, scans, anomalies=anomalies)


def read_pickled(source: ByteSource, info: TensorInfo, base: int | None) -> np.ndarray:
    """The values of a tensor that has to be found in the pickles once more."""
    return read_found(source, info, _contents(source, interpret_all(source), base).tensors.get(info.name))


def _contents(source: ByteSource, stream: Stream, base: int | None) -> Contents:
    packed: dict[int, Storage] = {}

    def storage(reference: Persistent | Raw) -> Storage:
        if isinstance(reference, Persistent):
            raise UnsupportedError("a tensor whose values lie outside the pickle")
        if reference.offset not in packed:
            packed[reference.offset] = packed_storage(source, reference, base)
        return packed[reference.offset]

    return contents_of(whole(stream.pickles), Surroundings(source, base, storage))


def _trailing(source: ByteSource, stream: Stream) -> list[Anomaly]:
    left = source.size - stream.stop
    if not left or stream.pickles[-1].broken:
        return []
    message = f"{left:,} bytes that are no pickle follow at offset {stream.stop:,}"
    return [Anomaly("pickle.trailing-bytes", message, severe=False)]


PICKLE = PickleFile()
