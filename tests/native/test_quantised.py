"""Quantised blocks and booleans: both paths write the same bytes, and no bytes harm the decoder."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge import native

RECORDS = (18, 22, 34, 144, 176, 210, 8)
FORMATS = st.sampled_from(range(len(RECORDS)))


def records(number, count, seed):
    """Numbers like those of weights under scales that differ, or noise."""
    rng = np.random.default_rng(seed)
    if number == 6:
        return (rng.random(8 * count) < 0.3).tobytes()
    rows = rng.normal(0, 20, (count, RECORDS[number])).clip(-128, 127).astype(np.int8).view(np.uint8)
    rows[:, :2] = (0.01 * 2.0 ** rng.integers(-8, 8, count)).astype("<f2")[:, None].view(np.uint8)
    return rows.tobytes()


@given(number=FORMATS, count=st.integers(0, 400), seed=st.integers(0, 999), tail=st.binary(max_size=30))
def test_both_paths_write_the_same_and_bring_it_back(number, count, seed, tail):
    raw = records(number, count, seed) + tail
    packed = native.encode_quantised(raw, number)
    assert packed == native.encode_quantised(raw, number, portable=True)
    for portable in (False, True):
        assert native.decode_quantised(packed, len(raw), portable=portable) == raw


@pytest.mark.parametrize("number", range(len(RECORDS)))
def test_blocks_of_several_parts_come_back(number):
    raw = records(number, (9 << 20) // RECORDS[number], 1)
    packed = native.encode_quantised(raw, number)
    assert len(packed) < len(raw)
    assert native.decode_quantised(packed, len(raw)) == raw


@given(number=FORMATS, raw=st.binary(max_size=700))
def test_any_bytes_come_back(number, raw):
    assert native.decode_quantised(native.encode_quantised(raw, number), len(raw)) == raw


@given(number=FORMATS, count=st.integers(1, 300), changes=st.lists(st.tuples(st.integers(0), st.integers(0, 255))))
def test_changed_bytes_are_refused_or_decode_to_something(number, count, changes):
    raw = records(number, count, 7)
    packed = bytearray(native.encode_quantised(raw, number))
    for at, value in changes:
        packed[at % len(packed)] = value
    try:
        decoded = native.decode_quantised(bytes(packed), len(raw))
    except ValueError as error:
        refusal = str(error)
    else:
        refusal = f"quantised block of {len(decoded)}"
        assert len(decoded) == len(raw)
    assert "quantised block" in refusal


def test_what_is_wrong_is_named():
    raw = records(2, 2000, 3)
    packed = native.encode_quantised(raw, 2)
    for changed, why in (
        (b"\x02" + packed[1:], "unknown version"),
        (packed[:1] + b"\x07" + packed[2:], "unknown format"),
        (packed[:2] + b"\x02" + packed[3:], "header of a part"),
        (packed[:-1], "cut short|Huffman"),
        (packed + b"x", "left over"),
        (b"", "cut short"),
    ):
        with pytest.raises(ValueError, match=why):
            native.decode_quantised(changed, len(raw))
    with pytest.raises(ValueError, match="unknown format"):
        native.encode_quantised(raw, 7)
