"""NumPy's .npy: an array of objects is a pickle behind a header, which numpy loads where it is allowed to."""

from __future__ import annotations

import re
from collections.abc import Iterator

from weighbridge.errors import TruncatedError
from weighbridge.formats.npy import MAGIC, names_objects
from weighbridge.formats.pickle.scan import interpret_all
from weighbridge.scan.item import Inside, Item
from weighbridge.scan.judges.pickles import judge_stream
from weighbridge.scan.model import Found
from weighbridge.tensors import SliceSource

_DESCR = re.compile(rb"""['"]descr['"]\s*:\s*(.*)""", re.DOTALL)


class ArrayJudge:
    """See the module."""

    name = "npy"
    rules = ()

    def recognises(self, item: Item) -> bool:
        return item.head.startswith(MAGIC)

    def judge(self, item: Item) -> Iterator[Found | Inside]:
        data = _data_offset(item)
        if data >= item.source.size:
            return
        header = item.source.read_at(0, min(data, 1 << 16))
        described = _DESCR.search(header)
        if described is None or names_objects(described[1].decode("latin-1")):
            source = SliceSource(item.source, data, item.source.size - data)
            yield from judge_stream(interpret_all(source), item, data)


def _data_offset(item: Item) -> int:
    """Where the elements begin, by the header's own length."""
    width = 2 if item.head[6:7] <= b"\x01" else 4
    if len(item.head) < 8 + width:
        raise TruncatedError("ends inside its header")
    return 8 + width + int.from_bytes(item.head[8 : 8 + width], "little")


ARRAYS = ArrayJudge()
