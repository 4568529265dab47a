"""Predictor 2 within codec 6: merges come back bit for bit, and no recipe hurts."""

from __future__ import annotations

import contextlib
import tracemalloc

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.errors import CorruptError
from weighbridge.store.codecs import layout_of
from weighbridge.store.codecs.delta import Delta
from weighbridge.store.codecs.predictors import LOW_RANK, NUMBERS, Factors

DELTA = Delta()
BF16 = NUMBERS[1]


def factors(rows=20, columns=30, rank=2, width=2, seed=0):
    block = np.random.default_rng(seed).bytes(rank * (rows + columns) * width)
    return Factors(rows, columns, (-44,) * rank, width, False, block)


@settings(max_examples=50)
@given(first=st.integers(0, 500), offset=st.integers(0, 9), seed=st.integers(0, 99))
def test_any_bytes_come_back(first, offset, seed):
    rng = np.random.default_rng(seed)
    base = rng.normal(0, 0.1, 109).astype(ml_dtypes.bfloat16).tobytes()
    found = factors(seed=seed)
    recipe = LOW_RANK.recipe(found, BF16, first, offset)
    references = [base[:50], base[50:], found.block]
    raw = base[2 * offset : 2 * offset + 200]
    payload = DELTA.encode(raw, layout_of("BF16"), references, recipe)
    assert payload is None or DELTA.decode(payload, len(raw), references) == raw


@settings(max_examples=200)
@given(recipe=st.binary(max_size=60), length=st.integers(1, 1000).map(lambda n: 2 * n))
def test_no_payload_hurts(recipe, length):
    with contextlib.suppress(CorruptError):
        assert len(DELTA.decode(b"\x01\x02" + recipe, length, [bytes(2000), bytes(200)])) == length


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"exponents": ()}, "rank 0"),
        ({"exponents": (0,) * 300}, "rank 300"),
        ({"exponents": (100, 0)}, "above 32"),
        ({"rows": 2**31 + 1}, "rows and columns"),
        ({"columns": 31}, "do not have the size"),
        ({"width": 7}, "1 to 4 bytes"),
    ],
)
def test_hostile_factors_are_damage(change, message):
    good = factors()
    fields = {name: getattr(good, name) for name in ("rows", "columns", "exponents", "width", "rounded", "block")}
    recipe = LOW_RANK.recipe(Factors(**fields | change), BF16, 0)
    with pytest.raises(CorruptError, match=message):
        DELTA.decode(b"\x01" + recipe + bytes(8), 1200, [bytes(1200), good.block])


def test_a_block_outside_of_the_tensor_or_the_base_is_damage():
    good = factors()
    with pytest.raises(CorruptError, match="within rows and columns"):
        DELTA.decode(b"\x01" + LOW_RANK.recipe(good, BF16, 1), 1200, [bytes(1200), good.block])
    with pytest.raises(CorruptError, match="references that have 1,200"):
        DELTA.decode(b"\x01" + LOW_RANK.recipe(good, BF16, 0, offset=1), 1200, [bytes(1200), good.block])
    with pytest.raises(CorruptError, match="has no reference"):
        DELTA.decode(b"\x01" + LOW_RANK.recipe(good, BF16, 0), 1200, [])


def test_decoding_a_small_block_of_a_large_tensor_takes_little_memory():
    large = factors(100_000, 100_000, rank=8, width=2)
    recipe = LOW_RANK.recipe(large, BF16, 5_000_000_000)
    tracemalloc.start()
    with contextlib.suppress(CorruptError):
        DELTA.decode(b"\x01" + recipe, 2000, [bytes(2000), large.block])
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()
