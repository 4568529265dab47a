"""The compiled kernel: splitting numbers into planes, cutting by content, and two quick looks at data.

Every function takes any contiguous buffer of bytes without copying it, releases the GIL while it works, and has a
readable twin in `weighbridge.native.reference` that tests compare it with. Wrong arguments raise `ValueError`.
A leaf: it knows nothing of tensors, files or stores. AVX2 is used where the processor has it.
"""

from weighbridge._native import (
    has_avx2,
    least_entropy,
    merge_planes,
    merge_records,
    next_cut,
    repeat_share,
    split_planes,
    split_records,
)

__all__ = [
    "has_avx2",
    "least_entropy",
    "merge_planes",
    "merge_records",
    "next_cut",
    "repeat_share",
    "split_planes",
    "split_records",
]
