"""The readable decoder of predictor 2, written from spec/codecs.md, predicts what the kernel does."""

from __future__ import annotations

import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.errors import CorruptError
from weighbridge.store.codecs.predictors import LOW_RANK, NUMBERS, Factors, Fields

DECODER = Path(__file__).parents[2] / "spec" / "decoder"
sys.path.insert(0, str(DECODER))
import low_rank  # noqa: E402
import refusal  # noqa: E402

sys.path.remove(str(DECODER))

DTYPES = {1: ml_dtypes.bfloat16, 2: np.float16, 3: np.float32}
KINDS = st.sampled_from([1, 2, 3])


def readable(recipe, kind, length, references):
    cursor = refusal.Cursor(recipe)
    cursor.number(1, "predictor", 2, 2)
    predicted = low_rank.low_rank(cursor, kind, length, references)
    cursor.finish()
    return predicted


def fast(recipe, kind, length, references):
    return LOW_RANK.predict(Fields(memoryview(recipe)[1:]), NUMBERS[kind], length, references)


@st.composite
def cases(draw):
    rows, columns, rank = draw(st.integers(1, 5)), draw(st.integers(1, 40)), draw(st.integers(1, 4))
    width, kind, base_kind = draw(st.integers(1, 4)), draw(KINDS), draw(KINDS)
    first = draw(st.integers(0, rows * columns - 1))
    count = draw(st.integers(1, rows * columns - first))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    lowest = draw(st.sampled_from([-128, -10 - 14 * width]))
    exponents = tuple(rng.integers(lowest, draw(st.sampled_from([lowest + 8, 32])), rank).tolist())
    factors = Factors(rows, columns, exponents, width, draw(st.booleans()), rng.bytes(rank * (rows + columns) * width))
    offset = draw(st.integers(0, 3))
    size = (offset + count) * NUMBERS[base_kind].width
    base = rng.normal(0, 0.05, offset + count).astype(DTYPES[base_kind]).tobytes()
    base = draw(st.sampled_from([base, rng.bytes(size)]))
    references = [base[: size // 3], base[size // 3 :], factors.block]
    return LOW_RANK.recipe(factors, NUMBERS[base_kind], first, offset), kind, count * NUMBERS[kind].width, references


@settings(max_examples=150)
@given(cases())
def test_both_decoders_predict_the_same(case):
    assert readable(*case) == fast(*case)


@settings(max_examples=200)
@given(case=cases(), at=st.integers(0, 30), flip=st.integers(1, 255), dropped=st.integers(0, 1), kind=st.integers(0, 9))
def test_both_decoders_refuse_the_same(case, at, flip, dropped, kind):
    recipe, right_kind, length, references = case
    changed = bytearray(recipe)
    changed[1 + at % (len(recipe) - 1)] ^= flip
    kind = right_kind if kind < 5 else kind
    length -= length % NUMBERS[kind].width
    references = references[: len(references) - dropped]
    try:
        expected = readable(bytes(changed), kind, length, references)
    except refusal.RefusedError:
        with pytest.raises(CorruptError):
            fast(bytes(changed), kind, length, references)
    else:
        assert fast(bytes(changed), kind, length, references) == expected
