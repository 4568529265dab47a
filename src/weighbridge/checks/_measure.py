"""The one pass over the data: every tensor's values read once, chunk by chunk, in the order in which they lie."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from blake3 import blake3

from weighbridge.checkpoint import Tensor
from weighbridge.checks._accumulate import Tally, tally_for
from weighbridge.errors import FileChangedError, LimitError, WeighbridgeError
from weighbridge.report import Statistics, TensorStatistics, Unread
from weighbridge.tensors import Extent, TensorInfo

# Small enough that values, their float64 copy and their bins stay near a processor's cache; large enough that what each
# chunk costs besides (a read, three allocations) does not count.
CHUNK_BYTES = 2 << 20
# Tensors may overlap in a storage, or repeat its elements (stride 0). Honest ones read a storage once or twice; a file
# whose tensors would read it for ever is stopped here.
MAX_READS_OF_A_STORAGE = 4

Progress = Callable[[int, int], None]
_View = tuple[object, ...]


def measure(tensors: Sequence[Tensor], progress: Progress | None = None) -> Statistics:
    """Statistics of every tensor, in the order given. Tied tensors are read once.

    A tensor that cannot be read is in `unread` with the reason. Raises `FileChangedError`: numbers of a file that
    changes while it is read are worth nothing.
    """
    measured: dict[_View, TensorStatistics | Unread] = {}
    budget = _ReadBudget()
    total, done = sum(tensor.nbytes for tensor in tensors), 0
    for tensor in sorted(tensors, key=lambda tensor: _place(tensor.info)):
        view = _view(tensor.info)
        if view not in measured:
            measured[view] = _measure_or_tell(tensor, budget)
        done += tensor.nbytes
        if progress:
            progress(done, total)
    results = [replace(measured[_view(tensor.info)], name=tensor.name) for tensor in tensors]
    return Statistics(
        tensors=tuple(each for each in results if isinstance(each, TensorStatistics)),
        unread=tuple(each for each in results if isinstance(each, Unread)),
    )


def _place(info: TensorInfo) -> tuple[str, int, int]:
    return (info.file, info.extent.offset if info.extent else -1, info.offset)


def _view(info: TensorInfo) -> _View:
    """What makes two tensors the same elements of the same file."""
    if info.extent is None:
        return (info.file, info.name)
    return (info.file, info.extent, info.offset, info.strides, info.shape, info.dtype, info.byteorder)


class _ReadBudget:
    """How often each storage may still be read."""

    def __init__(self) -> None:
        self._read: defaultdict[tuple[str, Extent], int] = defaultdict(int)

    def spend(self, info: TensorInfo) -> None:
        if info.extent is None:
            return
        key = (info.file, info.extent)
        self._read[key] += info.nbytes
        if self._read[key] > MAX_READS_OF_A_STORAGE * info.extent.nbytes:
            raise LimitError(
                f"views of one storage of {info.extent.nbytes:,} bytes hold more than {MAX_READS_OF_A_STORAGE} times "
                "as many bytes; the values of further ones were not read",
                where=info.name,
            )


def _measure_or_tell(tensor: Tensor, budget: _ReadBudget) -> TensorStatistics | Unread:
    try:
        budget.spend(tensor.info)
        return _measure(tensor)
    except FileChangedError:
        raise
    except WeighbridgeError as error:
        return Unread(tensor.name, error.code, str(error))


def _measure(tensor: Tensor) -> TensorStatistics:
    tally = None
    digest = blake3()
    for chunk in tensor.chunks(CHUNK_BYTES):
        values = np.ascontiguousarray(chunk).reshape(-1)
        tally = tally or tally_for(tensor.info.items, values.dtype)
        tally.add(values)
        digest.update(values.view(np.uint8).data)
    result = tally.result() if tally else Tally(0, 0, 0, 0, None, None, None, None, None)
    return TensorStatistics(
        name=tensor.name,
        count=result.count,
        nan=result.nan,
        infinite=result.infinite,
        zeros=result.zeros,
        minimum=result.minimum,
        maximum=result.maximum,
        mean=result.mean,
        std=result.std,
        absolute_maximum=_larger(result.minimum, result.maximum),
        histogram=result.histogram,
        digest=f"blake3:{digest.hexdigest()}",
    )


def _larger(low: float | None, high: float | None) -> float | None:
    return None if low is None or high is None else max(abs(low), abs(high))
