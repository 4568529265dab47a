"""The compiled kernel does what its readable twin does, on every input, in both of its paths."""

from __future__ import annotations

import threading
import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge import native
from weighbridge.native import reference

WIDTHS = st.sampled_from([2, 4, 8])


@given(data=st.binary(max_size=1200), width=WIDTHS, rotate=st.booleans(), portable=st.booleans())
def test_splitting_and_merging_planes_agree_with_the_reference(data, width, rotate, portable):
    whole = data[: len(data) // width * width]
    planes = native.split_planes(whole, width, rotate, portable)
    assert planes == reference.split_planes(whole, width, rotate)
    count = len(whole) // width
    parts = [planes[p * count : (p + 1) * count] for p in range(width)]
    assert native.merge_planes(parts, rotate, portable) == whole
    assert reference.merge_planes(parts, rotate) == whole


@given(
    widths=st.lists(st.integers(1, 40), min_size=1, max_size=6),
    count=st.integers(0, 30),
    seed=st.integers(0, 2**32 - 1),
)
def test_splitting_and_merging_records_agree_with_the_reference(widths, count, seed):
    records = np.random.default_rng(seed).bytes(sum(widths) * count)
    columns = native.split_records(records, widths)
    assert columns == reference.split_records(records, widths)
    ends = [0, *np.cumsum(widths).tolist()]
    parts = [columns[a * count : b * count] for a, b in pairwise(ends)]
    assert native.merge_records(parts, widths) == records
    assert reference.merge_records(parts, widths) == records


@settings(max_examples=40, deadline=None)
@given(
    data=st.binary(max_size=700),
    least=st.integers(64, 200),
    bits=st.integers(1, 63),
    more=st.integers(0, 500),
)
def test_cutting_by_content_agrees_with_the_reference(data, least, bits, more):
    assert native.next_cut(data, least, bits, least + more) == reference.next_cut(data, least, bits, least + more)


def test_a_cut_depends_on_the_64_bytes_before_it_alone():
    data = np.random.default_rng(3).bytes(100_000)
    cut = native.next_cut(data, 1000, 12, 100_000)
    assert 1000 < cut < 50_000
    moved = np.random.default_rng(4).bytes(500) + data[cut - 64 :]
    assert native.next_cut(moved, 564, 12, 100_000) == 564


def test_cuts_come_about_as_often_as_their_bits_say():
    data = memoryview(np.random.default_rng(5).bytes(8 << 20))
    lengths = []
    while data:
        lengths.append(native.next_cut(data, 64, 13, 1 << 20))
        data = data[lengths[-1] :]
    assert 7_000 < np.mean(lengths) < 10_000


@given(data=st.binary(max_size=2000), window=st.integers(1, 700), sample=st.integers(1, 900))
def test_the_entropy_agrees_with_the_reference(data, window, sample):
    expected = reference.least_entropy(data, window, sample)
    assert native.least_entropy(data, window, sample) == pytest.approx(expected, abs=1e-9)


@given(values=st.lists(st.integers(0, 40), max_size=300), words=st.sampled_from([1, 2, 4]), end=st.binary(max_size=9))
def test_the_share_of_repeats_agrees_with_the_reference(values, words, end):
    data = (np.array(values, "<u8") << np.uint64(28)).tobytes() + end
    expected = reference.repeat_share(data, words)
    assert native.repeat_share(data, words) == native.repeat_share(data, words, portable=True) == expected


def test_repeats_are_seen_and_noise_has_none():
    noise = np.random.default_rng(6).bytes(1 << 18)
    assert native.repeat_share(noise) == 0
    assert native.repeat_share(noise + noise) > 0.7
    assert native.repeat_share(bytes(1 << 18)) == 0
    assert native.repeat_share(bytes(1 << 17) + noise) < 0.01
    assert native.repeat_share(noise[:4096] * 64) > 0.9


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, lambda data: np.frombuffer(data, np.uint8)])
def test_any_buffer_is_taken_without_copying(kind):
    data = np.random.default_rng(7).bytes(64)
    assert native.split_planes(kind(data), 2, True) == reference.split_planes(data, 2, True)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: native.split_planes(b"123", 2, False),
        lambda: native.split_planes(b"123", 3, False),
        lambda: native.split_planes(b"", 0, False),
        lambda: native.merge_planes([], False),
        lambda: native.merge_planes([b"12", b"3"], False),
        lambda: native.merge_planes([b"1"] * 3, False),
        lambda: native.split_records(b"123", [2]),
        lambda: native.split_records(b"123", []),
        lambda: native.split_records(b"123", [0, 3]),
        lambda: native.split_records(b"123", [1 << 40]),
        lambda: native.merge_records([b"12", b"3"], [2, 2]),
        lambda: native.merge_records([b"12"], [2, 2]),
        lambda: native.next_cut(b"123", 63, 5, 100),
        lambda: native.next_cut(b"123", 100, 5, 99),
        lambda: native.next_cut(b"123", 64, 0, 100),
        lambda: native.next_cut(b"123", 64, 64, 100),
        lambda: native.least_entropy(b"123", 0, 1),
        lambda: native.least_entropy(b"123", 1, 0),
    ],
)
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises(ValueError, match=r"must|expected|differ|whole number|needs"):
        wrong()


@pytest.mark.parametrize("wrong", ["text", 5, None, np.zeros(4, np.float32), memoryview(bytes(8))[::2]])
def test_what_is_no_contiguous_run_of_bytes_is_refused(wrong):
    with pytest.raises(TypeError):
        native.split_planes(wrong, 2, False)


def test_other_threads_run_while_the_kernel_works():
    data = bytes(64 << 20)
    ticks = []
    worker = threading.Thread(target=lambda: [native.least_entropy(data, 1 << 20, 1 << 20) for _ in range(5)])
    worker.start()
    while worker.is_alive():
        ticks.append(time.perf_counter())
    worker.join()
    assert len(ticks) > 50  # where the GIL was held, one tick between two calls
