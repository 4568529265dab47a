"""The compiled kernel: numbers packed or split into planes, cutting by content, quick looks at data.

Every function takes any contiguous buffer of bytes without copying it, releases the GIL while it works, and has a
readable twin that tests compare it with: in `weighbridge.native.reference`, and for packed numbers among the tests.
Wrong arguments and, in `decode_block` and `decode_quantised`, damaged bytes raise `ValueError`.
A leaf: it knows nothing of tensors, files or stores. AVX2 is used where the processor has it.
"""

from weighbridge._native import (
    cast_words,
    decode_block,
    decode_block_into,
    decode_quantised,
    decode_residual,
    decode_residual_into,
    encode_block,
    encode_quantised,
    encode_residual,
    has_avx2,
    least_entropy,
    merge_planes,
    merge_records,
    next_cut,
    predict_low_rank,
    repeat_share,
    split_planes,
    split_records,
)

__all__ = [
    "cast_words",
    "decode_block",
    "decode_block_into",
    "decode_quantised",
    "decode_residual",
    "decode_residual_into",
    "encode_block",
    "encode_quantised",
    "encode_residual",
    "has_avx2",
    "least_entropy",
    "merge_planes",
    "merge_records",
    "next_cut",
    "predict_low_rank",
    "repeat_share",
    "split_planes",
    "split_records",
]
