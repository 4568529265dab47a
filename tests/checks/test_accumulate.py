"""Numbers from one pass are those that numpy gives for all values at once."""

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from weighbridge.checks._accumulate import BINS, PatternTally, ValueTally, tally_for

floats32 = st.floats(width=32, allow_nan=True, allow_infinity=True)


def tallied(tally, values, chunks=1):
    for part in np.array_split(values, chunks):
        tally.add(np.ascontiguousarray(part))
    return tally.result()


def expect(result, values):
    values = np.asarray(values)
    wide = values.astype(np.float64)
    finite = wide[np.isfinite(wide)]
    assert result.count == values.size
    assert result.nan == np.isnan(wide).sum()
    assert result.infinite == np.isinf(wide).sum()
    if not finite.size:
        assert result.minimum is result.maximum is result.mean is result.std is result.histogram is None
        return
    assert (result.minimum, result.maximum) == (finite.min(), finite.max())
    assert result.zeros == (finite == 0).sum()
    assert result.mean == pytest.approx(finite.mean(), rel=1e-9, abs=1e-9 * np.abs(finite).max() + 1e-300)
    assert result.std == pytest.approx(finite.std(), rel=1e-6, abs=1e-9 * np.abs(finite).max() + 1e-300)
    assert sum(result.histogram.counts) == finite.size
    assert len(result.histogram.counts) == BINS


@settings(max_examples=60)
@given(arrays(np.float32, st.integers(1, 50), elements=floats32), st.integers(1, 4))
def test_floats_of_any_kind_in_any_chunks(values, chunks):
    expect(tallied(ValueTally(), values, chunks), values)


@settings(max_examples=40)
@given(arrays(np.uint16, st.integers(1, 200)), st.sampled_from([np.float16, ml_dtypes.bfloat16, np.int16]))
def test_patterns_and_values_agree(bits, dtype):
    values = bits.view(dtype)
    by_pattern, by_value = tallied(PatternTally(values.dtype), values, 2), tallied(ValueTally(), values, 2)
    expect(by_pattern, values)
    expect(by_value, values)
    assert by_pattern.minimum == by_value.minimum


@pytest.mark.parametrize(
    "name",
    ["float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu", "int8", "uint8", "bool"],
)
def test_every_pattern_of_one_byte(name):
    dtype = np.dtype(getattr(ml_dtypes, name, name))
    bits = np.arange(2 if name == "bool" else 256, dtype=np.uint8)
    tally = tally_for(bits.size, dtype)
    assert isinstance(tally, PatternTally)
    expect(tallied(tally, bits.view(dtype)), bits.view(dtype))


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint32", "uint64", "float64", "float32"])
def test_wide_types(dtype):
    values = (np.random.default_rng(1).standard_normal(5000) * 1000).astype(dtype)
    expect(tallied(ValueTally(), values, 3), values)


def test_whole_numbers_keep_all_their_digits():
    result = tallied(ValueTally(), np.array([-(2**63), 2**63 - 1], np.int64))
    assert (result.minimum, result.maximum) == (-(2**63), 2**63 - 1)
    assert isinstance(result.minimum, int)


def test_complex_values_count_by_magnitude():
    result = tallied(ValueTally(), np.array([3 + 4j, 0, complex(np.nan, 1)], np.complex64))
    assert (result.minimum, result.maximum, result.zeros, result.nan) == (0.0, 5.0, 1, 1)


def test_a_byte_that_is_no_truth_value_counts_as_true():
    result = tallied(tally_for(3, np.dtype(bool)), np.array([0, 1, 7], np.uint8).view(bool))
    assert (result.minimum, result.maximum, result.zeros) == (0, 1, 1)


def test_a_single_chunk_is_counted_exactly():
    values = np.random.default_rng(2).standard_normal(100_000).astype(np.float32)
    result = tallied(ValueTally(), values)
    expected, _ = np.histogram(values.astype(np.float64), BINS, (result.minimum, result.maximum))
    assert np.abs(np.array(result.histogram.counts) - expected).sum() <= 4  # values on a border, by rounding


def test_a_range_that_grows_stays_close():
    rng = np.random.default_rng(3)
    values = np.concatenate([rng.standard_normal(50_000) * scale for scale in (1e-3, 1, 5)])
    result = tallied(ValueTally(), values, 30)
    expected, _ = np.histogram(values, BINS, (result.minimum, result.maximum))
    assert np.abs(np.array(result.histogram.counts) - expected).max() <= 0.02 * expected.max()


def test_a_narrow_range_far_from_zero_is_resolved():
    values = np.random.default_rng(4).uniform(1000, 1000.001, 50_000)
    counts = np.array(tallied(ValueTally(), values, 10).histogram.counts)
    assert counts.min() > 0.8 * values.size / BINS


@pytest.mark.parametrize(
    "values",
    [
        [1e308, -1e308, 1e308],
        [1.7976931348623157e308] * 3,
        [5e-324, 0.0, 5e-324],
        [0.0, 1e300, 1e-300],
        [1.0] * 5,
        [-0.0, 0.0],
    ],
)
def test_extremes_neither_warn_nor_loop(values, recwarn):
    result = tallied(ValueTally(), np.array(values), len(values))
    assert (result.minimum, result.maximum) == (min(values), max(values))
    assert result.histogram is None or sum(result.histogram.counts) == len(values)
    assert all(number is None or np.isfinite(number) for number in (result.mean, result.std))
    assert not recwarn


def test_nothing_at_all():
    assert ValueTally().result().count == 0
    assert PatternTally(np.dtype(np.int8)).result().mean is None
