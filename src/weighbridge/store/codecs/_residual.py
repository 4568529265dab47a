"""What is left of a block once its prediction is taken away, as byte planes of the differences under zstd."""

from __future__ import annotations

from typing import Any

import numpy as np

from weighbridge import native
from weighbridge.store.codecs import _streams
from weighbridge.store.codecs.base import Buffer
from weighbridge.store.codecs.predictors import Number


def encode_residual(raw: Buffer, prediction: Buffer, number: Number) -> bytes:
    ours, theirs = (_ordered(data, number) for data in (raw, prediction))
    moved = ours - theirs
    signed = moved.view(f"i{number.width}")
    folded = (moved << moved.dtype.type(1)) ^ (signed >> signed.dtype.type(8 * number.width - 1)).view(moved.dtype)
    planes = native.split_planes(folded.tobytes(), number.width, False) if number.width > 1 else folded.tobytes()
    count = len(moved)
    return _streams.pack([planes[p * count : (p + 1) * count] for p in range(number.width)], False)


def decode_residual(payload: Buffer, prediction: Buffer, number: Number) -> bytes:
    count = len(prediction) // number.width
    planes, _ = _streams.unpack(payload, [count] * number.width, "delta")
    merged = native.merge_planes(planes, False) if number.width > 1 else bytes(planes[0])
    folded = np.frombuffer(merged, f"<u{number.width}")
    one = folded.dtype.type(1)
    moved = (folded >> one) ^ (-(folded & one).view(f"i{number.width}")).view(folded.dtype)
    return _ordered((_ordered(prediction, number) + moved).tobytes(), number).tobytes()


def _ordered(data: Buffer, number: Number) -> np.ndarray[tuple[int], np.dtype[np.unsignedinteger[Any]]]:
    """Words whose order as signed integers is that of the floats they are; taken twice, they are what they were."""
    words = np.frombuffer(data, f"<u{number.width}")
    top = words.dtype.type(1 << (8 * number.width - 1))
    return np.where(words & top, words ^ ~top, words) if number.name else words
