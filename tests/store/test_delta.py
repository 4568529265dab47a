"""Codec 6: every pair comes back, and no payload hurts."""

from __future__ import annotations

import contextlib

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.errors import CorruptError
from weighbridge.store.codecs import Layout, layout_of
from weighbridge.store.codecs.delta import Delta
from weighbridge.store.codecs.predictors import SAME

DELTA = Delta()
DTYPES = {
    "BF16": np.dtype(ml_dtypes.bfloat16),
    "F16": np.dtype(np.float16),
    "F32": np.dtype(np.float32),
    "F64": np.dtype(np.float64),
    "F8_E4M3": np.dtype(ml_dtypes.float8_e4m3fn),
    "F8_E5M2": np.dtype(ml_dtypes.float8_e5m2),
    "I64": np.dtype(np.int64),
    "I16": np.dtype(np.int16),
    "U8": np.dtype(np.uint8),
}
NAMES = st.sampled_from(sorted(DTYPES))


def pair(name, count, seed, moved=1e-4):
    """Numbers of a dtype, and the same a little further on."""
    rng = np.random.default_rng(seed)
    scale = 1 if DTYPES[name].kind == "f" or name in ("BF16", "F8_E4M3", "F8_E5M2") else 4000
    base = rng.normal(0, 0.02, count) * scale
    tuned = base + rng.normal(0, moved, count) * scale
    return base.astype(DTYPES[name]).tobytes(), tuned.astype(DTYPES[name]).tobytes()


@given(name=NAMES, base=st.binary(min_size=1, max_size=600), seed=st.integers(0, 99))
def test_any_bytes_come_back(name, base, seed):
    raw = np.random.default_rng(seed).permutation(np.frombuffer(base, np.uint8)).tobytes()
    payload = DELTA.encode(raw, layout_of(name), [base], SAME.recipe())
    assert payload is None or DELTA.decode(payload, len(raw), [base]) == raw


@settings(max_examples=60)
@given(name=NAMES, count=st.sampled_from([1, 100, 1023, 1030, 5000, 9001]), seed=st.integers(0, 2**32 - 1))
def test_neighbours_come_back(name, count, seed):
    base, tuned = pair(name, count, seed)
    payload = DELTA.encode(tuned, layout_of(name), [base], SAME.recipe())
    assert payload is None or DELTA.decode(payload, len(tuned), [base]) == tuned
    assert payload is not None or count < 5000


def test_references_are_joined_and_entered_at_an_element():
    base, tuned = pair("BF16", 4000, 1)
    references = [base[:1000], base[1000:1002], base[1002:]]
    payload = DELTA.encode(tuned[600:7000], layout_of("BF16"), references, SAME.recipe(300))
    assert DELTA.decode(payload, 6400, references) == tuned[600:7000]
    with pytest.raises(CorruptError, match=r"6,400.*have 1,002|are asked of references"):
        DELTA.decode(payload, 6400, references[:2])


def test_what_does_not_pay_is_declined():
    base, other = (np.random.default_rng(seed).bytes(5000) for seed in (1, 2))
    assert DELTA.encode(other, Layout(), [base], SAME.recipe()) is None


@settings(max_examples=300)
@given(payload=st.binary(max_size=100), length=st.integers(1, 3000))
def test_no_payload_hurts(payload, length):
    with contextlib.suppress(CorruptError):
        assert len(DELTA.decode(payload, length, [bytes(3000)])) == length
