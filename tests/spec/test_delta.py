"""Codec 6 as weighbridge writes and reads it, beside the decoder under spec/ that was written from the text."""

import random
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from weighbridge import native
from weighbridge.errors import CorruptError
from weighbridge.store.codecs import DELTA, decode, layout_of
from weighbridge.store.codecs.predictors import CAST, SAME

DECODER = Path(__file__).parents[2] / "spec" / "decoder"
sys.path.insert(0, str(DECODER))
import delta  # noqa: E402
import payload as payloads  # noqa: E402
import refusal  # noqa: E402

sys.path.remove(str(DECODER))

DTYPES = {
    0: np.dtype(np.uint8),
    1: np.dtype(ml_dtypes.bfloat16),
    2: np.dtype(np.float16),
    3: np.dtype(np.float32),
    4: np.dtype(np.float64),
    5: np.dtype(ml_dtypes.float8_e4m3fn),
    6: np.dtype(ml_dtypes.float8_e5m2),
    7: np.dtype(np.int16),
    8: np.dtype(np.int32),
    9: np.dtype(np.int64),
}
NAMES = {1: "BF16", 2: "F16", 3: "F32", 4: "F64", 5: "F8_E4M3", 6: "F8_E5M2", 0: "U8", 7: "I16", 8: "I32", 9: "I64"}
KINDS = st.sampled_from(sorted(DTYPES))


def pair(kind, count, seed, moved, still=0.3, zeros=0):
    """Numbers in rows of different scale, and the same with rows of 100 moved, some far, some not at all."""
    rng = np.random.default_rng(seed)
    rows = -(-count // 100)
    scales, steps = (np.exp2(rng.uniform(-5, 0, rows)).repeat(100)[:count] for _ in range(2))
    steps *= (rng.random(rows) >= still).repeat(100)[:count] * moved
    large = 1 if kind in range(1, 7) else 100 if kind == 0 else 8000
    base = rng.normal(0, 1, count) * scales * large
    tuned = base + rng.normal(0, 1, count) * steps * large
    words = [np.clip(values, -60000, 60000).astype(DTYPES[kind]) for values in (base, tuned)]
    if zeros:
        cut = np.array(~((1 << zeros) - 1) & (256 ** DTYPES[kind].itemsize - 1)).astype(f"u{DTYPES[kind].itemsize}")
        words = [(values.view(cut.dtype) & cut).view(DTYPES[kind]) for values in words]
    return tuple(values.tobytes() for values in words)


def everywhere(kind, base, raw):
    """The residual, once every path wrote and read it alike."""
    residual = native.encode_residual(raw, base, kind)
    assert native.encode_residual(raw, base, kind, portable=True) == residual
    for portable in (False, True):
        assert native.decode_residual(residual, base, kind, portable) == raw
    return residual


def recipe_payload(kind, residual):
    return bytes([kind]) + SAME.recipe() + residual


@given(kind=KINDS, base=st.binary(min_size=8, max_size=800), seed=st.integers(0, 999))
def test_any_two_blocks_come_back(kind, base, seed):
    base = base[: len(base) // 8 * 8]
    raw = np.random.default_rng(seed).permutation(np.frombuffer(base, np.uint8)).tobytes()
    residual = everywhere(kind, base, raw)
    assert payloads.decode(6, 1, recipe_payload(kind, residual), len(raw), [base]) == raw


@settings(max_examples=60)
@given(
    kind=KINDS,
    count=st.sampled_from([1, 127, 129, 1023, 2000, 5000]),
    moved=st.sampled_from([0, 1e-4, 1e-3, 0.02, 1]),
    zeros=st.sampled_from([0, 0, 1, 2]),
    seed=st.integers(0, 2**32 - 1),
)
def test_neighbours_come_back_by_both_decoders(kind, count, moved, zeros, seed):
    base, raw = pair(kind, count, seed, moved, zeros=zeros)
    residual = everywhere(kind, base, raw)
    assert payloads.decode(6, 1, recipe_payload(kind, residual), len(raw), [base]) == raw


@pytest.mark.parametrize("kind", [1, 3, 4, 5, 9])
@pytest.mark.parametrize("still", [0, 0.97])
def test_long_blocks_come_back(kind, still):
    base, raw = pair(kind, 40_000, kind, 0.01, still)
    residual = everywhere(kind, base, raw)
    assert payloads.decode(6, 1, recipe_payload(kind, residual), len(raw), [base]) == raw


def test_a_block_of_several_parts_comes_back():
    base, raw = pair(1, 1_200_000, 5, 0.003)
    raw = raw[:-100_000] + base[-100_000:]
    assert len(everywhere(1, base, raw)) < 0.35 * len(raw)
    assert len(everywhere(1, base, base)) == 3 * 5  # three parts that are as predicted


def test_what_hardly_moved_costs_next_to_nothing():
    base, _ = pair(1, 500_000, 3, 0)
    words = np.frombuffer(base, np.uint16).copy()
    chosen = np.random.default_rng(4).choice(len(words), len(words) // 1000, replace=False)
    words[chosen] += 1
    residual = everywhere(1, base, words.tobytes())
    assert 8 * len(residual) < 0.04 * len(words)  # bits an element; the entropy is 0.0114


def verdict(read, *arguments):
    """What a decoder makes of a payload: a block, or "damage"."""
    try:
        return read(*arguments)
    except (CorruptError, refusal.RefusedError):
        return "damage"


@settings(max_examples=150)
@given(kind=KINDS, seed=st.integers(0, 2**32 - 1))
def test_both_decoders_agree_on_damage(kind, seed):
    luck = random.Random(seed)
    base, raw = pair(kind, luck.choice([50, 300, 1500]), seed, luck.choice([1e-3, 0.02, 1]))
    payload = bytearray(recipe_payload(kind, native.encode_residual(raw, base, kind)))
    for _ in range(luck.randint(1, 3)):
        at = luck.randrange(min(len(payload), luck.choice([8, 40, 120, len(payload)])))
        change = luck.choice(["flip", "set", "cut", "add"])
        if change == "flip":
            payload[at] ^= 1 << luck.randrange(8)
        elif change == "set":
            payload[at] = luck.choice([0, 1, 2, 4, 8, 255])
        elif change == "cut":
            del payload[at : at + luck.randint(1, 3)]
        else:
            payload[at:at] = luck.randbytes(luck.randint(1, 3))
        payload = payload or bytearray(1)
    theirs = verdict(payloads.decode, 6, 1, bytes(payload), len(raw), [base])
    assert verdict(decode, 6, 1, bytes(payload), len(raw), [base]) == theirs


@settings(max_examples=200)
@given(payload=st.binary(max_size=80), length=st.integers(1, 600), form=st.sampled_from([None, 0, 1, 2]))
@example(payload=b"", length=1, form=None)
def test_both_decoders_agree_on_anything(payload, length, form):
    if form is not None:
        payload = recipe_payload(payload[0] % 10 if payload else 0, bytes([form]) + payload[1:])
    theirs = verdict(payloads.decode, 6, 1, payload, length, [bytes(range(256)) * 3])
    assert verdict(decode, 6, 1, payload, length, [bytes(range(256)) * 3]) == theirs


@settings(max_examples=100)
@given(words=st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=50), kinds=st.permutations([1, 2, 3]))
def test_casts_agree_with_the_text_and_with_others(words, kinds):
    source, target = kinds[:2]
    narrow = np.array(words, np.uint32).astype(f"<u{DTYPES[source].itemsize}")
    told = [delta._narrow(delta._widen(int(word), source), target) for word in narrow]
    expected = np.array(told, f"<u{DTYPES[target].itemsize}")
    for portable in (False, True):
        cast = native.cast_words(narrow.tobytes(), source, target, portable)
        assert cast == expected.tobytes()
    with np.errstate(all="ignore"):
        other = narrow.view(DTYPES[source]).astype(np.float32).astype(DTYPES[target])
    same = (other.view(expected.dtype) == expected) | np.isnan(other.astype(np.float32))
    assert same.all()
    assert (np.isnan(expected.view(DTYPES[target]).astype(np.float32)) == np.isnan(other.astype(np.float32))).all()


def test_a_cast_predicts_what_was_rounded():
    rng = np.random.default_rng(1)
    full = rng.normal(0, 0.02, 3000).astype(np.float32)
    for name, dtype in (("BF16", DTYPES[1]), ("F16", DTYPES[2])):
        rounded = full.astype(dtype)
        payload = DELTA.encode(rounded[100:].tobytes(), layout_of(name), [full.tobytes()], CAST.recipe("F32", 100))
        assert len(payload) < 20
        assert decode(6, 1, payload, 5800, [full.tobytes()]) == rounded[100:].tobytes()
        assert payloads.decode(6, 1, payload, 5800, [full.tobytes()]) == rounded[100:].tobytes()
        back = DELTA.encode(
            rounded.astype(np.float32).tobytes(), layout_of("F32"), [rounded.tobytes()], CAST.recipe(name)
        )
        assert len(back) < 20
        with pytest.raises(CorruptError, match="are asked of references"):
            decode(6, 1, payload, 5800, [full.tobytes()[:-1]])
