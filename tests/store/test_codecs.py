"""Codecs lose nothing, save what they should, and believe no payload."""

from __future__ import annotations

import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import gguf
import ml_dtypes
import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge import native
from weighbridge.errors import CorruptError, StoreVersionError
from weighbridge.store import codecs
from weighbridge.store.codecs import CODECS, Layout, decode, encode, layout_of
from weighbridge.store.codecs.layouts import _QUANTISED
from weighbridge.tensors import dtype_named

LAYOUTS = st.one_of(
    st.sampled_from([Layout(), *(Layout(width, rotate) for width in (2, 4, 8) for rotate in (False, True))]),
    st.lists(st.integers(1, 50), min_size=1, max_size=8).map(lambda columns: Layout(columns=tuple(columns))),
    st.sampled_from(["F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"]).map(layout_of),
    st.sampled_from(["Q4_0", "Q5_0", "Q8_0", "Q4_K", "Q5_K", "Q6_K", "BOOL", "I8"]).map(layout_of),
)


def blocks():
    """Blocks of every nature: bytes as they come, repeats, constants, a few values, numbers like weights."""
    noise = st.builds(lambda seed, size: np.random.default_rng(seed).bytes(size), st.integers(0, 999), SIZES)
    weights = st.builds(lambda seed, n: normal(n, seed).tobytes()[:n], st.integers(0, 999), SIZES)
    repeats = st.builds(lambda unit, times: unit * times, st.binary(min_size=1, max_size=40), st.integers(1, 500))
    return st.one_of(st.binary(min_size=1, max_size=300), noise, weights, repeats)


SIZES = st.integers(1, 20_000)


def normal(count, seed=0):
    return np.random.default_rng(seed).normal(0, 0.02, count).astype(np.float32)


@settings(max_examples=200, deadline=None)
@given(raw=blocks(), layout=LAYOUTS)
def test_every_block_comes_back(raw, layout):
    codec, payload = encode(raw, layout)
    assert len(payload) <= len(raw)
    assert decode(codec.id, codec.version, payload, len(raw)) == raw


@settings(max_examples=100, deadline=None)
@given(raw=blocks(), layout=LAYOUTS, repeats=st.booleans(), codec=st.sampled_from(CODECS))
def test_every_codec_returns_what_it_does_not_decline(raw, layout, repeats, codec):
    payload = codec.encode(raw, layout, repeats)
    if payload is not None:
        assert codec.decode(payload, len(raw)) == raw


@settings(max_examples=300, deadline=None)
@given(payload=st.binary(max_size=200), length=st.integers(1, 5000), codec=st.sampled_from(CODECS))
def test_a_payload_of_any_bytes_gives_a_block_or_a_clear_error(payload, length, codec):
    try:
        assert len(decode(codec.id, codec.version, payload, length)) == length
    except CorruptError as error:
        told = str(error)
        if codec.name not in told:
            raise


@settings(max_examples=200, deadline=None)
@given(data=st.data(), raw=blocks(), layout=LAYOUTS)
def test_a_payload_that_was_changed_gives_a_block_or_a_clear_error(data, raw, layout):
    codec, payload = encode(raw, layout)
    changed = bytearray(payload)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    changed = changed[: data.draw(st.integers(0, len(changed)))] if data.draw(st.booleans()) else changed
    length = data.draw(st.sampled_from([len(raw), len(raw) + 1, 1]))
    try:
        assert len(decode(codec.id, codec.version, bytes(changed), length)) == length
    except CorruptError:
        return


def test_a_bomb_allocates_nothing():
    bombs = [
        (1, zstandard.ZstdCompressor().compress(bytes(1 << 27))),
        (1, zstandard.ZstdCompressor(write_content_size=False).compress(bytes(1 << 27))),
        (3, b"\x02\x00" + b"\x01\xff\xff\xff\xff" * 2),
        (4, b"\x40" + b"\xff\xff" * 64),
        (5, b"\x01\x03\x01\xff\xff\xff\xff" + bytes(4)),
    ]
    tracemalloc.start()
    for codec, payload in bombs:
        with pytest.raises(CorruptError):
            decode(codec, 1, payload, 5000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20


def test_a_block_beyond_the_limit_is_refused():
    for length in (codecs.MAX_BLOCK + 1, -1):
        with pytest.raises(CorruptError, match="beyond every limit"):
            decode(2, 1, bytes(16), length)


def test_an_unknown_codec_or_version_is_refused_by_name():
    with pytest.raises(StoreVersionError, match="version 1 of codec 77"):
        decode(77, 1, b"", 1)
    with pytest.raises(StoreVersionError, match="version 9 of planes"):
        decode(3, 9, b"", 1)


def test_numbers_and_versions_of_codecs_never_change():
    assert [(codec.id, codec.version, codec.name) for codec in CODECS] == [
        (0, 1, "raw"),
        (1, 1, "zstd"),
        (2, 1, "fill"),
        (3, 1, "planes"),
        (4, 1, "records"),
        (5, 1, "floats"),
        (7, 1, "quantised"),
    ]


def ratio(raw, dtype):
    codec, payload = encode(raw, layout_of(dtype))
    assert decode(codec.id, codec.version, payload, len(raw)) == raw
    return codec.name, len(payload) / len(raw)


def test_floats_cost_what_their_exponents_and_mantissas_hold():
    weights = normal(1 << 19)
    cases = {
        "F32": (weights, 0.835),
        "BF16": (weights.astype(ml_dtypes.bfloat16), 0.66),
        "F16": (weights.astype(np.float16), 0.85),
        "F64": (weights.astype(np.float64) * np.pi, 0.925),
        "C64": (weights.view(np.complex64), 0.835),
        "F8_E4M3": (weights.astype(ml_dtypes.float8_e4m3fn), 0.85),
        "F8_E5M2FNUZ": (weights.astype(ml_dtypes.float8_e5m2fnuz), 0.75),
    }
    for dtype, (values, most) in cases.items():
        name, share = ratio(values[: 1 << 18].tobytes(), dtype)
        assert (name, share < most) == ("floats", True), (dtype, share)


def test_floats_whose_mantissas_are_no_noise_are_split_into_planes_or_matched():
    rng = np.random.default_rng(5)
    pruned = normal(1 << 17) * (rng.random(1 << 17) < 0.2)
    cases = {
        "F32": (np.linspace(0, 1, 1 << 17, dtype=np.float32), 0.3),
        "BF16": (rng.choice(normal(256), 1 << 17).astype(ml_dtypes.bfloat16), 0.62),
        "F64": (np.arange(1 << 17, dtype=np.float64), 0.15),
        "C64": (pruned.astype(np.float32).view(np.complex64), 0.35),
    }
    for dtype, (values, most) in cases.items():
        name, share = ratio(values.tobytes(), dtype)
        assert (name in ("planes", "zstd"), share < most) == (True, True), (dtype, share)


def test_floats_that_are_narrower_inside_cost_what_they_should():
    narrow = normal(1 << 18).astype(ml_dtypes.bfloat16)
    assert ratio(narrow.astype(np.float32).tobytes(), "F32")[1] < 0.34
    assert ratio(normal(1 << 18).astype(np.float16).astype(np.float32).tobytes(), "F32")[1] < 0.46


def test_fp8_and_integers_are_coded_too():
    assert ratio(normal(1 << 19).astype(ml_dtypes.float8_e4m3fn).tobytes(), "F8_E4M3")[1] < 0.85
    assert ratio(np.arange(1 << 17, dtype=np.int64).tobytes(), "I64")[1] < 0.1
    assert ratio(np.zeros(1 << 19, bool).tobytes(), "BOOL") == ("fill", 16 / (1 << 19))


def quantised(kind):
    values = normal(1 << 19).reshape(-1, 256)
    return gguf.quants.quantize(values, gguf.GGMLQuantizationType[kind]).tobytes()


@pytest.mark.parametrize(("kind", "most"), [("Q8_0", 0.95), ("Q5_0", 0.945), ("Q4_0", 0.945)])
def test_quantised_blocks_cost_what_their_numbers_hold(kind, most):
    raw = quantised(kind)
    name, share = ratio(raw, kind)
    assert (name, share < most) == ("quantised", True), share
    assert share < len(codecs.RECORDS.encode(raw, layout_of(kind), False)) / len(raw)


def test_the_scale_of_a_block_tells_how_far_its_numbers_spread():
    rng = np.random.default_rng(0)
    spread = rng.choice([1, 2, 4, 8], 20_000)
    numbers = np.rint(rng.normal(0, 12, (20_000, 32)) * spread[:, None] / 4).clip(-127, 127).astype(np.int8)
    scales = (0.01 / spread).astype(np.float16)[:, None].view(np.uint8)
    raw = np.concatenate([scales, numbers.view(np.uint8)], axis=1).tobytes()
    shuffled = np.concatenate([rng.permutation(scales), numbers.view(np.uint8)], axis=1).tobytes()
    assert ratio(raw, "Q8_0")[1] < ratio(shuffled, "Q8_0")[1] - 0.03


def test_other_quantised_blocks_are_split_into_their_fields():
    raw = quantised("Q4_1")
    name, share = ratio(raw, "Q4_1")
    assert (name, share < 0.96) == ("records", True)
    assert share < ratio(raw, "unknown")[1]


def test_booleans_cost_a_bit_or_less():
    rng = np.random.default_rng(3)
    assert ratio((rng.random(1 << 19) < 0.5).tobytes(), "BOOL")[1] < 0.126
    assert ratio((rng.random(1 << 19) < 0.9).tobytes(), "BOOL")[1] < 0.065
    assert ratio(np.tile(rng.random(512) < 0.5, 1 << 10).tobytes(), "BOOL")[1] < 0.01
    assert ratio(rng.integers(0, 3, 1 << 16).astype(np.uint8).tobytes(), "BOOL")[1] < 0.3


def test_integers_of_a_byte_are_coded_by_clusters():
    rows = np.random.default_rng(4).normal(0, 1, (256, 2048)) * np.array([[5], [40]] * 128)
    name, share = ratio(np.rint(rows).clip(-127, 127).astype(np.int8).tobytes(), "I8")
    assert (name, share < 0.8) == ("floats", True), share


def test_floats_that_were_bf16_are_not_searched_for_repeats(monkeypatch):
    narrow = normal(1 << 19).astype(ml_dtypes.bfloat16).astype(np.float32).tobytes()
    assert native.repeat_share(narrow) > 0.02
    monkeypatch.setattr(codecs.ZSTD, "encode", None)  # would raise if it were called
    assert encode(narrow, layout_of("F32"))[0].name == "floats"


def test_repeats_of_two_floats_are_found():
    pairs = normal(1 << 13).reshape(-1, 2)
    waves = pairs[np.random.default_rng(8).integers(0, len(pairs), 1 << 15)]
    assert ratio(waves.tobytes(), "F32")[1] < 0.5


def test_repeats_are_found_where_floats_alone_would_not_shrink():
    rows = normal(1 << 15)
    assert ratio(np.tile(rows, 8).tobytes(), "F32")[1] < 0.2


@pytest.mark.parametrize("dtype", ["F32", "BF16", "U8", "Q8_0", ""])
def test_noise_stays_raw_at_its_own_size(dtype):
    raw = np.random.default_rng(1).bytes(1 << 20)
    assert ratio(raw, dtype) == ("raw", 1.0)


def test_layouts_fit_the_blocks_of_their_dtype():
    for name, columns in _QUANTISED.items():
        assert sum(columns) == dtype_named(name).block_bytes, name


def test_decoding_is_the_same_in_every_thread():
    raws = [normal(20_000, seed).tobytes() for seed in range(8)]
    with ThreadPoolExecutor(4) as pool:
        coded = list(pool.map(lambda raw: encode(raw, Layout(4, True)), raws * 5))
        back = pool.map(lambda pair: decode(pair[0].id, pair[0].version, pair[1], 80_000), coded)
        assert list(back) == raws * 5
