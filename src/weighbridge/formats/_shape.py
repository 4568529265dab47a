"""What a header may claim before anything is allocated: shapes, ranks, numbers of tensors, names."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

from weighbridge.errors import FormatError, LimitError
from weighbridge.formats.base import Anomaly, shown
from weighbridge.tensors import DType

MAX_TENSORS = 500_000  # in one file; the largest models published keep about 100,000, spread over many
MAX_RANK = 64  # numpy's own limit
MAX_BYTES = 2**63 - 1  # what an offset in a file can reach
MAX_ANOMALIES = 20  # of one kind in one file: the first ones tell the story
_SHOWN = 120


def checked_nbytes(dtype: DType, shape: tuple[int, ...], where: str) -> int:
    """Bytes that a tensor takes. Raises `FormatError` for a shape that no memory could hold."""
    if len(shape) > MAX_RANK:
        raise FormatError(f"has {len(shape)} dimensions, more than the {MAX_RANK} that any array may have", where=where)
    items = prod(shape)
    # A zero hides its neighbours from the product, but numpy still refuses the array: count without it.
    if items > MAX_BYTES or (items == 0 and prod(size for size in shape if size) > MAX_BYTES):
        raise FormatError(f"shape {_short(shape)} has more elements than any file could hold", where=where)
    try:
        nbytes = dtype.nbytes(items)
    except ValueError as error:
        raise FormatError(f"shape {_short(shape)} does not fit its type: {error}", where=where) from None
    if nbytes > MAX_BYTES:
        raise FormatError(f"shape {_short(shape)} takes more bytes than any file could hold", where=where)
    return nbytes


def check_tensor_count(count: int, where: str) -> None:
    if count > MAX_TENSORS:
        raise LimitError(f"lists {count:,} tensors, more than the {MAX_TENSORS:,} that we read", where=where)


def name_anomalies(names: Iterable[str]) -> tuple[Anomaly, ...]:
    """Names that an honest writer would not choose: empty, or with characters that nobody can see."""
    found = []
    for name in names:
        if name.isprintable() and name and name != "__metadata__":
            continue
        found.append(Anomaly("tensor.name", _name_fault(name), where=shown(name)))
        if len(found) == MAX_ANOMALIES:
            break
    return tuple(found)


def _name_fault(name: str) -> str:
    if not name:
        return "a tensor has an empty name"
    if name == "__metadata__":
        return "a tensor is named '__metadata__', which safetensors keeps for its own use"
    return "a tensor's name holds control or invisible characters"


def _short(shape: tuple[int, ...]) -> str:
    text = str(list(shape))
    return text if len(text) <= _SHOWN else text[: _SHOWN - 2] + "…]"
