"""Low rank predictions have the same bits in the kernel's two paths and in the readable twin, whatever the numbers."""

from __future__ import annotations

import ctypes
import ctypes.util

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge import native
from weighbridge.native import lowrank_reference as reference

KINDS = st.sampled_from([1, 2, 3])
SIZES = {1: 2, 2: 2, 3: 4}
UPWARD = 0x800  # FE_UPWARD of glibc on x86


def call(function, base, plan, **options):
    return function(base, plan["base_kind"], plan["kind"], plan["factors"], plan["exponents"], plan["rows"],
                    plan["columns"], plan["width"], plan["first"], plan["rounded"], **options)  # fmt: skip


def kernel(base, plan, portable=False):
    exponents = np.array(plan["exponents"], np.int8).tobytes()
    return call(native.predict_low_rank, base, plan | {"exponents": exponents}, portable=portable)


@st.composite
def plans(draw):
    """A stretch of a small tensor, its numbers and factors of any bytes, or of the sizes that weights have."""
    rows, columns = draw(st.integers(1, 6)), draw(st.integers(1, 700))
    first = draw(st.integers(0, rows * columns - 1))
    count = min(draw(st.integers(0, 300)), rows * columns - first)
    rank, width = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    plan = {"base_kind": draw(KINDS), "kind": draw(KINDS), "rows": rows, "columns": columns, "width": width}
    plan |= {"first": first, "rounded": draw(st.booleans()), "factors": rng.bytes(rank * (rows + columns) * width)}
    usual = 4 - 8 * width
    lowest, highest = draw(st.sampled_from([(2 * usual - 8, 2 * usual), (-128, 32)]))
    plan["exponents"] = rng.integers(lowest, highest, rank, endpoint=True).tolist()
    if draw(st.booleans()):
        return rng.bytes(count * SIZES[plan["base_kind"]]), plan
    weights = rng.normal(0, 0.05, count).astype(np.float32) * draw(st.sampled_from([1, 1e-6, 1e4]))
    narrow = {1: lambda w: (w.view(np.uint32) >> 16).astype("<u2"), 2: lambda w: w.astype("<f2"), 3: lambda w: w}
    with np.errstate(over="ignore"):
        return narrow[plan["base_kind"]](weights.astype(np.float32)).tobytes(), plan


@given(plans())
def test_both_paths_and_the_readable_twin_give_the_same_bits(case):
    base, plan = case
    expected = call(reference.predict_low_rank, base, plan)
    assert kernel(base, plan) == expected
    assert kernel(base, plan, portable=True) == expected


def every_half():
    """Every fp16, which the difference leaves as it is or moves by a little."""
    return np.arange(65536, dtype="<u2").tobytes()


@pytest.mark.parametrize("kind", [1, 2, 3])
@pytest.mark.parametrize("base_kind", [1, 2])
def test_every_16_bit_number_is_read_and_rounded_as_it_should(base_kind, kind):
    plan = {"base_kind": base_kind, "kind": kind, "rows": 1, "columns": 65536, "width": 1, "first": 0}
    factors = np.zeros(65537, np.uint8)
    factors[-1] = 2
    factors[:65536:3], factors[1:65536:3] = 8, 5
    plan |= {"rounded": False, "exponents": [-26], "factors": factors.tobytes()}
    expected = call(reference.predict_low_rank, every_half(), plan)
    assert kernel(every_half(), plan) == expected
    assert kernel(every_half(), plan, portable=True) == expected


@pytest.mark.parametrize("portable", [False, True])
def test_a_block_is_the_same_alone_and_within_its_tensor(portable):
    rng = np.random.default_rng(3)
    rows, columns, rank = 40, 999, 7
    plan = {"base_kind": 1, "kind": 1, "rows": rows, "columns": columns, "width": 2, "first": 0, "rounded": True}
    plan |= {"factors": rng.bytes(rank * (rows + columns) * 2), "exponents": [-40] * rank}
    base = (rng.normal(0, 0.05, rows * columns).astype(np.float32).view(np.uint32) >> 16).astype("<u2").tobytes()
    whole = kernel(base, plan, portable)
    for first, count in [(0, 1), (998, 2), (5000, 20_000), (39_959, 1)]:
        part = kernel(base[2 * first : 2 * (first + count)], plan | {"first": first}, portable)
        assert part == whole[2 * first : 2 * (first + count)]


def test_the_threads_own_rounding_mode_does_not_matter_and_is_left_as_it_was():
    library = ctypes.util.find_library("m")
    if library is None:
        pytest.skip("no C library to change the rounding mode with")
    libm = ctypes.CDLL(library)
    rng = np.random.default_rng(4)
    plan = {"base_kind": 3, "kind": 3, "rows": 8, "columns": 64, "width": 3, "first": 0, "rounded": False}
    plan |= {"factors": rng.bytes(4 * 72 * 3), "exponents": [-50] * 4}
    base = rng.normal(0, 0.05, 512).astype("<f4").tobytes()
    expected = kernel(base, plan)
    before = libm.fegetround()
    if libm.fesetround(UPWARD) != 0:
        pytest.skip("this machine has another number for rounding upward")
    try:
        got, after = kernel(base, plan), libm.fegetround()
    finally:
        libm.fesetround(before)
    assert (got, after) == (expected, UPWARD)


GOOD = {"base_kind": 1, "kind": 1, "factors": bytes(60), "exponents": [-20, 0], "rows": 5, "columns": 10}
GOOD |= {"width": 2, "first": 0, "rounded": False}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"exponents": []}, "rank must be 1 to 256"),
        ({"exponents": [0] * 257}, "rank must be 1 to 256"),
        ({"exponents": [0, 33]}, "above 32"),
        ({"rows": 0}, "rows and columns"),
        ({"columns": 2**40}, "rows and columns"),
        ({"columns": 11}, "do not have the size"),
        ({"width": 0}, "1 to 4 bytes"),
        ({"width": 5}, "1 to 4 bytes"),
        ({"kind": 4}, "kind 1"),
        ({"base_kind": 0}, "kind 1"),
        ({"first": 31}, "within rows and columns"),
        ({"first": 2**63}, "within rows and columns"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(change, message):
    assert len(kernel(bytes(40), GOOD)) == 40
    with pytest.raises(ValueError, match=message):
        kernel(bytes(40), GOOD | change)


def test_half_an_element_is_refused():
    with pytest.raises(ValueError, match="whole number"):
        kernel(bytes(41), GOOD)
