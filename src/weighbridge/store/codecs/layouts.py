"""What a dtype says of how its bytes divide: the hint that codecs work by."""

from __future__ import annotations

from weighbridge.store.codecs.base import OPAQUE, Layout
from weighbridge.tensors import dtype_named

# Fields of ggml's quantised blocks in order (ggml-common.h). Scales are split into their bytes, since the upper one of
# an f16 is much the more predictable.
_QUANTISED = {
    "Q4_0": (1, 1, 16),
    "Q4_1": (1, 1, 1, 1, 16),
    "Q5_0": (1, 1, 4, 16),
    "Q5_1": (1, 1, 1, 1, 4, 16),
    "Q8_0": (1, 1, 32),
    "Q2_K": (16, 64, 1, 1, 1, 1),
    "Q3_K": (32, 64, 12, 1, 1),
    "Q4_K": (1, 1, 1, 1, 12, 128),
    "Q5_K": (1, 1, 1, 1, 12, 32, 128),
    "Q6_K": (128, 64, 16, 1, 1),
    "Q8_K": (1, 1, 1, 1, 256, 32),
}
_WORDS = (2, 4, 8)
_BYTES = ("I8", "U8")
# Bytes, exponent bits and mantissa bits of the float formats whose fields a codec knows. What the highest exponents
# mean is all the same, so the FNUZ kinds of fp8 are among them.
_NUMBERS = {
    (2, 8, 7): "BF16",
    (2, 5, 10): "F16",
    (4, 8, 23): "F32",
    (8, 11, 52): "F64",
    (1, 4, 3): "F8_E4M3",
    (1, 5, 2): "F8_E5M2",
}


def layout_of(dtype: str) -> Layout:
    """The layout of elements of this dtype; `OPAQUE` for an unknown name."""
    if dtype in _QUANTISED:
        return Layout(columns=_QUANTISED[dtype], record=dtype)
    if dtype == "BOOL":
        return Layout(record=dtype)
    if dtype in _BYTES:
        return Layout(number=dtype)
    known = dtype_named(dtype)
    if known is None or known.kind == "quantised":
        return OPAQUE
    width = known.itemsize // 2 if known.kind == "complex" else known.itemsize
    number = _NUMBERS.get((width, known.exponent, known.mantissa), "")
    if width in _WORDS:
        return Layout(width, rotate=known.kind in ("float", "complex"), number=number)
    return Layout(number=number)
