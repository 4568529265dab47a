"""Packed blocks: what goes in comes out, on every path, by two decoders; and no bytes can hurt the decoder."""

from __future__ import annotations

import importlib.util
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from weighbridge import _native

_spec = importlib.util.spec_from_file_location("huffman_reference", Path(__file__).with_name("huffman_reference.py"))
reference = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(reference)

DTYPES = {0: np.dtype(np.int8), 1: np.dtype(ml_dtypes.bfloat16), 2: np.dtype(np.float16), 3: np.dtype(np.float32)}
DTYPES |= {4: np.dtype(np.float64), 5: np.dtype(ml_dtypes.float8_e4m3fn), 6: np.dtype(ml_dtypes.float8_e5m2)}
KINDS = st.sampled_from(sorted(DTYPES))


def numbers(kind, count, row, seed, zeros=0):
    """Normal numbers, each row of a scale of its own; the lowest `zeros` bits cleared."""
    rng = np.random.default_rng(seed)
    scales = np.exp2(rng.uniform(-6, 0, count // row + 1)).repeat(row)[:count]
    values = (rng.standard_normal(count) * scales * (40 if kind == 0 else 1)).astype(DTYPES[kind])
    words = values.view(f"u{values.itemsize}")
    return (words & words.dtype.type(~((1 << zeros) - 1) & (256**values.itemsize - 1))).tobytes()


def pack(raw, kind, row=0, offset=0):
    block = _native.encode_block(raw, kind, row, offset)
    assert _native.encode_block(raw, kind, row, offset, portable=True) == block
    out = np.empty(_native.encode_bound(len(raw)), np.uint8)
    assert out[: _native.encode_block_into(raw, kind, out, row, offset)].tobytes() == block
    return block


def unpack_everywhere(block, size):
    raw = _native.decode_block(block, size)
    assert _native.decode_block(block, size, portable=True) == raw
    out = np.full(size, 0xA5, np.uint8)
    _native.decode_block_into(block, out)
    assert out.tobytes() == raw
    return raw


@given(kind=KINDS, raw=st.binary(max_size=600), row=st.integers(0, 70), offset=st.integers(0, 500))
@example(kind=1, raw=b"", row=0, offset=0)
def test_any_bytes_come_back(kind, raw, row, offset):
    raw = raw[: len(raw) // DTYPES[kind].itemsize * DTYPES[kind].itemsize]
    block = pack(raw, kind, row, offset)
    assert unpack_everywhere(block, len(raw)) == raw
    assert reference.decode_block(block, len(raw)) == raw


@settings(max_examples=40, deadline=None)
@given(
    kind=KINDS,
    count=st.sampled_from([1, 255, 256, 257, 1023, 1024, 1029, 4095, 5000, 9001]),
    row=st.sampled_from([1, 40, 200, 384, 1000]),
    zeros=st.sampled_from([0, 0, 2, 4, 7]),
    seed=st.integers(0, 2**32 - 1),
)
def test_numbers_come_back_by_both_decoders(kind, count, row, zeros, seed):
    raw = numbers(kind, count, row, seed, 0 if kind == 0 else min(zeros, 2) if kind > 4 else zeros)
    block = pack(raw, kind, row, seed % row)
    assert unpack_everywhere(block, len(raw)) == raw
    assert reference.decode_block(block, len(raw)) == raw


@pytest.mark.parametrize("kind", sorted(DTYPES))
def test_a_block_of_many_parts_comes_back(kind):
    width = DTYPES[kind].itemsize
    raw = numbers(kind, 20_000, 500, 1) + bytes(9000 * width) + numbers(kind, 600_001, 300, 2) + b"\x80" * width
    assert unpack_everywhere(pack(raw, kind, 300, 7), len(raw)) == raw


@pytest.mark.parametrize("kind", [1, 2, 3, 4, 5, 6])
def test_every_value_of_the_format_comes_back(kind):
    width = DTYPES[kind].itemsize
    if width == 2:
        raw = np.arange(65536, dtype=np.uint16).tobytes()
    else:
        raw = np.random.default_rng(3).integers(0, 256, 65536 * width, np.uint8).tobytes()
    assert unpack_everywhere(pack(raw, kind), len(raw)) == raw


def test_nothing_grows_by_more_than_a_thousandth():
    raw = np.random.default_rng(4).integers(0, 256, 1 << 20, np.uint8).tobytes()
    assert all(len(pack(raw, kind)) <= len(raw) * 1.001 for kind in DTYPES)


def test_rows_of_different_scale_cost_less_when_the_row_is_known():
    raw = numbers(1, 1 << 18, 256, 5)
    assert len(pack(raw, 1, 256)) < 0.985 * len(pack(raw, 1, 8))
    assert len(pack(raw, 1, 256)) < 0.66 * len(raw)


@pytest.mark.parametrize(
    ("narrow", "kind"), [(np.float16, 3), (ml_dtypes.bfloat16, 3), (np.float16, 4), (np.float32, 4)]
)
def test_narrow_numbers_in_wide_ones_cost_what_they_should(narrow, kind):
    values = np.random.default_rng(6).standard_normal(50_000).astype(narrow)
    wide = len(pack(values.astype(DTYPES[kind]).tobytes(), kind))
    own = {np.dtype(np.float16): 2, np.dtype(ml_dtypes.bfloat16): 1, np.dtype(np.float32): 3}[values.dtype]
    assert wide <= 1.01 * len(pack(values.tobytes(), own))


def test_a_part_whose_low_bits_are_free_is_found_among_others():
    free, full = numbers(3, 40_960, 320, 7, zeros=13), numbers(3, 40_960, 320, 8)
    together = len(pack(full + free + full, 3, 320))
    assert together < 1.002 * (2 * len(pack(full, 3, 320)) + len(pack(free, 3, 320)))


def test_one_repeated_number_costs_nothing():
    assert len(pack(np.ones(1 << 20, np.float32).tobytes(), 3)) <= 20


@pytest.mark.parametrize("kind", [0, 1, 3])
def test_what_a_sample_does_not_see_comes_back_and_costs_no_more_than_itself(kind):
    """Of long parts one line in four of each run is counted: here those are all the same, and the others noise."""
    width, count = DTYPES[kind].itemsize, 1 << 17
    words = np.random.default_rng(9).integers(0, 256, (count // 256, 256, width), np.uint8)
    for run in range(count // 256):
        words[run].reshape(2, 4, 32, width)[:, run % 4] = 63
    raw = words.tobytes()
    block = pack(raw, kind)
    assert unpack_everywhere(block, len(raw)) == raw
    assert len(block) <= 1.001 * len(raw)


def test_values_that_a_sample_misses_have_a_code():
    raw = np.frombuffer(numbers(1, 1 << 18, 256, 10), np.uint16).copy()
    raw[np.random.default_rng(11).integers(0, len(raw), 40)] = np.arange(40, dtype=np.uint16) * 1600
    assert unpack_everywhere(pack(raw.tobytes(), 1), raw.nbytes) == raw.tobytes()


MUTATIONS = st.lists(st.tuples(st.integers(0, 2**31), st.integers(1, 255)), min_size=1, max_size=4)


def test_stretches_of_the_rarest_symbols_come_back():
    """Their words are so long that no four pairs of them fit the bits that are put together at once.

    They lie as far above the common ones as below, so that runs which hold some are not a cluster by themselves.
    """
    rng = np.random.default_rng(3)
    values = 32 + rng.choice([-1, 1], 60_000) * np.minimum(rng.geometric(0.5, 60_000), 20)
    stretch = np.array([4, 60, 5, 59] * 6)
    for at in range(1000, 60_000, 3001):
        values[at : at + len(stretch)] = stretch
    symbols = values.astype(np.uint8).tobytes()
    block = pack(symbols, 0)
    assert len(block) < len(symbols) / 2
    assert unpack_everywhere(block, len(symbols)) == symbols
    assert reference.decode_block(block, len(symbols)) == symbols


def damaged_outcome(decode, block, size):
    try:
        return decode(block, size)
    except ValueError:
        return None


@settings(max_examples=150, deadline=None)
@given(kind=KINDS, seed=st.integers(0, 5), mutations=MUTATIONS, cut=st.integers(0, 40))
def test_damaged_blocks_are_refused_or_decoded_alike_by_all(kind, seed, mutations, cut):
    raw = numbers(kind, 5000, 160, seed)
    block = bytearray(pack(raw, kind, 160))
    for position, flip in mutations:
        block[position % len(block)] ^= flip
        block[position % 64] ^= flip if position & 64 else 0
    if cut:
        del block[-cut:]
    outcomes = [
        damaged_outcome(_native.decode_block, block, len(raw)),
        damaged_outcome(lambda b, n: _native.decode_block(b, n, portable=True), block, len(raw)),
        damaged_outcome(reference.decode_block, bytes(block), len(raw)),
    ]
    assert outcomes[0] == outcomes[1] == outcomes[2]


@settings(max_examples=300, deadline=None)
@given(kind=KINDS, tail=st.binary(max_size=400), size=st.integers(0, 5000))
def test_random_bytes_never_hurt(kind, tail, size):
    count = size // DTYPES[kind].itemsize
    for block in (tail, bytes([1, kind]) + tail, bytes([1, kind, 2]) + count.to_bytes(4, "little") + tail):
        fast = damaged_outcome(_native.decode_block, block, size)
        assert fast == damaged_outcome(reference.decode_block, block, size)


@pytest.mark.parametrize(
    ("block", "says"),
    [
        (b"", "cut short"),
        (b"\x02\x01", "version"),
        (b"\x01\x09", "kind"),
        (b"\x01\x01\x00\x02\x00\x00\x00ab", "cut short"),
        (b"\x01\x01\x00\x03\x00\x00\x00abcdef", "part"),
        (b"\x01\x01\x07\x02\x00\x00\x00abcd", "part"),
        (b"\x01\x01\x00\x02\x00\x00\x00abcd!", "left over"),
    ],
)
def test_a_refusal_names_its_reason(block, says):
    with pytest.raises(ValueError, match=says):
        _native.decode_block(block, 4)


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="whole number"):
        _native.encode_block(b"abc", 1)
    with pytest.raises(ValueError, match="kind"):
        _native.encode_block(b"abc", 7)
    with pytest.raises(ValueError, match="encode_bound"):
        _native.encode_block_into(b"abcd", 1, np.empty(4, np.uint8))
    with pytest.raises(TypeError):
        _native.encode_block(np.zeros(4, np.float32), 3)


def test_blocks_decode_in_several_threads_at_once():
    raws = [numbers(1, 60_000, 300, seed) for seed in range(8)]
    with ThreadPoolExecutor(4) as pool:
        blocks = list(pool.map(lambda raw: _native.encode_block(raw, 1, 300), raws))
        assert list(pool.map(_native.decode_block, blocks, map(len, raws))) == raws
