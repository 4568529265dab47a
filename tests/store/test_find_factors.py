"""Factors of merged tensors are found, however they were rounded, and none are found where there are none."""

from __future__ import annotations

import tracemalloc

import ml_dtypes
import numpy as np
import pytest

from weighbridge.store import codecs
from weighbridge.store._lowrank import Suspicion, find_factors
from weighbridge.store._lowrank_integers import predicted
from weighbridge.store._lowrank_pair import Pair
from weighbridge.store.codecs import layout_of
from weighbridge.store.codecs.delta import Delta
from weighbridge.store.codecs.predictors import LOW_RANK, NUMBERS

DTYPES = {"BF16": ml_dtypes.bfloat16, "F16": np.float16, "F32": np.float32}
NUMBER = {number.name: number for number in NUMBERS if number.name}


def weights(shape, seed=0):
    """Weights whose rows differ in scale, as those of models do."""
    rng = np.random.default_rng(seed)
    return rng.normal(0, 0.05, shape) * np.exp(rng.normal(0, 0.5, (shape[0], 1)))


def merged(base, rank, dtype, *, low=False, strength=0.03, seed=1):
    """A base after a merge as peft does it: the product in binary32, or (`low`) rounded before it is added."""
    rng = np.random.default_rng(seed)
    a = rng.uniform(-1, 1, (rank, base.shape[1])).astype(np.float32)
    b = rng.normal(0, 1, (base.shape[0], rank)).astype(np.float32) * np.exp(-np.arange(rank) / rank).astype(np.float32)
    difference = b @ a
    difference *= np.float32(strength * 0.05) / difference.std()
    if low:
        difference = difference.astype(dtype).astype(np.float32)
    return (base.astype(dtype).astype(np.float32) + difference).astype(dtype)


def reader(array):
    data, width = array.tobytes(), array.dtype.itemsize
    return lambda first, count: data[first * width : (first + count) * width]


def find(base, new, name, base_name=None):
    return find_factors(reader(base), reader(new), *new.shape, NUMBER[name], NUMBER[base_name or name])


def share(base, new, name, factors, base_name=None):
    """What the tensor takes as blocks of 100,000 bytes or so, factors included, of what it had."""
    width, base_width = NUMBER[name].width, NUMBER[base_name or name].width
    raw, old = new.tobytes(), base.tobytes()
    size, step = len(codecs.encode(factors.block)[1]), 50_001
    for first in range(0, new.size, step):
        recipe = LOW_RANK.recipe(factors, NUMBER[base_name or name], first)
        block = raw[first * width : (first + step) * width]
        references = [old[first * base_width : (first + step) * base_width], factors.block]
        payload = Delta().encode(block, layout_of(name), references, recipe)
        assert Delta().decode(payload, len(block), references) == block
        size += len(payload)
    return size / len(raw)


@pytest.mark.parametrize(
    ("name", "low"), [("BF16", False), ("BF16", True), ("F16", False), ("F16", True), ("F32", False)]
)
@pytest.mark.parametrize("rank", [4, 16])
def test_a_merged_tensor_costs_little_more_than_its_factors(name, low, rank):
    base = weights((512, 384)).astype(DTYPES[name])
    new = merged(base, rank, DTYPES[name], low=low)
    factors = find(base, new, name)
    assert factors is not None
    assert rank <= len(factors.exponents) <= rank + 1
    assert factors.rounded == low or name == "F32"
    assert share(base, new, name, factors) < (0.07 if rank == 4 else 0.14)


def test_a_high_rank_is_found():
    base = weights((640, 640)).astype(ml_dtypes.bfloat16)
    factors = find(base, merged(base, 64, ml_dtypes.bfloat16), "BF16")
    assert factors is not None
    assert 60 <= len(factors.exponents) <= 64


def test_a_tall_table_is_fitted_on_some_rows_and_every_row_is_predicted():
    base = weights((20_000, 128)).astype(ml_dtypes.bfloat16)
    new = merged(base, 8, ml_dtypes.bfloat16)
    factors = find(base, new, "BF16")
    assert factors is not None
    prediction = predicted(Pair(base.tobytes(), new.tobytes(), NUMBER["BF16"], NUMBER["BF16"], 128), factors)
    assert np.mean(np.frombuffer(prediction, "<u2") == new.view("<u2").ravel()) > 0.85


def test_a_merge_of_an_fp32_base_that_was_saved_as_bf16_is_found():
    base = weights((512, 384)).astype(np.float32)
    new = merged(base, 8, np.float32).astype(ml_dtypes.bfloat16)
    factors = find(base, new, "BF16", "F32")
    assert factors is not None
    assert share(base, new, "BF16", factors, "F32") < 0.1


@pytest.mark.parametrize("name", sorted(DTYPES))
@pytest.mark.parametrize("strength", [1e-4, 1e-3, 3e-2, 1])
def test_a_full_fine_tune_has_no_factors(name, strength):
    base = weights((512, 384))
    new = base + np.random.default_rng(5).normal(0, 0.05 * strength, base.shape)
    assert find(base.astype(DTYPES[name]), new.astype(DTYPES[name]), name) is None


def test_equal_tensors_and_unrelated_ones_have_no_factors():
    base = weights((256, 256)).astype(ml_dtypes.bfloat16)
    assert find(base, base, "BF16") is None
    assert find(base, weights((256, 256), seed=9).astype(ml_dtypes.bfloat16), "BF16") is None


def test_what_is_too_small_or_of_another_dtype_is_not_read():
    def never(first, count):
        raise AssertionError("this should not be read")

    bf16, integers = NUMBERS[1], NUMBERS[7]
    shapes = [(1, 100_000), (100_000, 1), (8, 8), (100_000, 100_000), (16, 2 << 20)]
    assert all(find_factors(never, never, rows, columns, bf16) is None for rows, columns in shapes)
    assert find_factors(never, never, 500, 500, integers) is None


@pytest.mark.parametrize("name", sorted(DTYPES))
def test_infinities_nan_and_huge_numbers_do_no_harm(name):
    base = weights((256, 256)).astype(DTYPES[name])
    new = merged(base, 4, DTYPES[name])
    special = np.array([np.nan, np.inf, -np.inf, 0, np.finfo(np.float32).max], np.float32)
    with np.errstate(over="ignore"):
        new[3, :5], base[9, 7:12], new[20, 20:25] = (special.astype(DTYPES[name]),) * 3
    factors = find(base, new, name)
    if factors is not None:
        assert share(base, new, name, factors) < 1
    random = np.frombuffer(np.random.default_rng(3).bytes(base.nbytes), base.dtype).reshape(base.shape)
    assert find(base, random, name) is None


def test_errors_of_readers_pass_through():
    def broken(first, count):
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        find_factors(broken, broken, 500, 500, NUMBERS[1])


def test_a_large_full_fine_tune_costs_a_look_at_its_beginning():
    asked = []

    def noise(first, count):
        asked.append(count)
        return np.random.default_rng(len(asked)).normal(0, 0.05, count).astype(np.float16).tobytes()

    tracemalloc.start()
    assert find_factors(noise, noise, 8000, 8000, NUMBERS[2]) is None
    assert tracemalloc.get_traced_memory()[1] < 32 << 20
    tracemalloc.stop()
    assert sum(asked) <= 2 * 300 * 8000


def test_suspicion_grows_weary_and_wakes_up():
    suspicion = Suspicion()
    asked = 0
    for _ in range(200):
        if suspicion.asks():
            asked += 1
            suspicion.learned(found=False)
    assert asked < 15
    while not suspicion.asks():
        pass
    suspicion.learned(found=True)
    assert all(suspicion.asks() for _ in range(20))
