"""Codec 6 as weighbridge writes and reads it, beside the decoder under spec/ that was written from the text."""

import base64
import json
import random
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from weighbridge import native
from weighbridge.errors import CorruptError, StoreVersionError
from weighbridge.store.codecs import DELTA, decode, decode_into, layout_of
from weighbridge.store.codecs.predictors import CAST, SAME

SPEC = Path(__file__).parents[2] / "spec"
DECODER = SPEC / "decoder"
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
    assert payloads.decode(6, 2, recipe_payload(kind, residual), len(raw), [base]) == raw


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
    assert payloads.decode(6, 2, recipe_payload(kind, residual), len(raw), [base]) == raw


@pytest.mark.parametrize("kind", [1, 3, 4, 5, 9])
@pytest.mark.parametrize("still", [0, 0.97])
def test_long_blocks_come_back(kind, still):
    base, raw = pair(kind, 40_000, kind, 0.01, still)
    residual = everywhere(kind, base, raw)
    assert payloads.decode(6, 2, recipe_payload(kind, residual), len(raw), [base]) == raw


@pytest.mark.parametrize("kind", sorted(DTYPES))
def test_differences_of_every_size_come_back(kind):
    """In runs of elements that moved by up to so many bits, from none to all, so that every symbol occurs."""
    rng = np.random.default_rng(kind)
    width = 8 * DTYPES[kind].itemsize
    words = f"<u{DTYPES[kind].itemsize}"
    base = rng.integers(0, 2**width, 128 * (width + 1), dtype=np.uint64)
    most = np.uint64(2) ** np.arange(width + 1, dtype=np.uint64).repeat(128) - np.uint64(1)
    moved = base + (rng.integers(0, 2**64 - 1, len(base), dtype=np.uint64) & most)
    before, after = (values.astype(words).tobytes() for values in (base, moved))
    residual = everywhere(kind, before, after)
    assert payloads.decode(6, 2, recipe_payload(kind, residual), len(after), [before]) == after


@pytest.mark.parametrize("last", range(1, 34))
def test_a_last_run_of_any_length_comes_back(last):
    """Lanes of states and words of extra bits end anywhere."""
    for kind, count in ((1, 128 + last), (3, last), (5, 256 + last), (9, last)):
        base, raw = pair(kind, count, last, 1, still=0)
        everywhere(kind, base, raw)


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
    assert 8 * len(residual) < 0.02 * len(words)  # bits an element; the entropy is 0.0114


def verdict(read, *arguments):
    """What a decoder makes of a payload: a block, or "damage"."""
    try:
        return read(*arguments)
    except (CorruptError, refusal.RefusedError):
        return "damage"


def alike(payload, length, reference):
    """Whether all decoders make the same of a payload: the one under spec/, and the kernel on either path."""
    return all(alike_in(version, payload, length, reference) for version in (1, 2))


def alike_in(version, payload, length, reference):
    theirs = verdict(payloads.decode, 6, version, payload, length, [reference])
    ours = verdict(decode, 6, version, payload, length, [reference])
    told = set()
    if len(payload) > 6 and payload[0] < 10 and length % DTYPES[payload[0]].itemsize == 0 and payload[1:6] == bytes(5):
        for portable in (False, True):
            try:
                told.add(native.decode_residual(payload[6:], reference[:length], payload[0], portable, version))
            except ValueError as error:
                told.add(str(error))
    return ours == theirs and len(told) <= 1


def damaged(payload, luck):
    """One to three small changes, most of them near the front, where the headers are."""
    payload = bytearray(payload)
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
    return bytes(payload)


@settings(max_examples=150)
@given(kind=KINDS, seed=st.integers(0, 2**32 - 1))
def test_both_decoders_agree_on_damage(kind, seed):
    luck = random.Random(seed)
    base, raw = pair(kind, luck.choice([50, 300, 1500]), seed, luck.choice([1e-3, 0.02, 1]))
    payload = recipe_payload(kind, native.encode_residual(raw, base, kind))
    assert alike(damaged(payload, luck), len(raw), base)


def golden(folder, form):
    """Payloads whose first part has this form, with their one reference."""
    told = json.loads((SPEC / "vectors" / folder / "good.json").read_text("utf-8"))
    told = [{**case, "payload": base64.b64decode(case["payload"])} for case in told if case["codec"] == 6]
    return [
        (case["payload"], b"".join(map(base64.b64decode, case["references"])), len(base64.b64decode(case["raw"])))
        for case in told
        if case["payload"][1:6] == bytes(5) and case["payload"][6] == form
    ]


GOLDEN = golden("v2-delta", 2) + golden("v2-states", 3)


@settings(max_examples=150)
@given(case=st.sampled_from(GOLDEN), seed=st.integers(0, 2**32 - 1))
def test_both_decoders_agree_on_damage_of_what_older_writers_made(case, seed):
    payload, reference, length = case
    assert alike(damaged(payload, random.Random(seed)), length, reference)


def test_no_flipped_bit_after_the_head_goes_unnoticed():
    """Another bit gives other elements or a refusal: streams, states and what fills a byte are told apart."""
    base, raw = pair(1, 300, 7, 0.02, still=0)
    payload = recipe_payload(1, native.encode_residual(raw, base, 1))
    assert payload[6] == 3
    head = 6 + 5 + 8  # where all runs have one label, other labels, classes or lengths may mean the same
    for bit in range(8 * head, 8 * len(payload)):
        other = bytearray(payload)
        other[bit // 8] ^= 1 << bit % 8
        assert verdict(decode, 6, 2, bytes(other), len(raw), [base]) != raw


@settings(max_examples=200)
@given(payload=st.binary(max_size=80), length=st.integers(1, 600), form=st.sampled_from([None, 0, 1, 2, 3]))
@example(payload=b"", length=1, form=None)
def test_both_decoders_agree_on_anything(payload, length, form):
    if form is not None:
        payload = recipe_payload(payload[0] % 10 if payload else 0, bytes([form]) + payload[1:])
    assert alike(payload, length, bytes(range(256)) * 3)


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


def test_a_block_is_decoded_into_memory_of_its_length():
    base, raw = pair(1, 5000, 2, 0.02)
    payload = DELTA.encode(raw, layout_of("BF16"), [base], SAME.recipe())
    out = bytearray(len(raw))
    decode_into(6, 2, payload, memoryview(out), [base])
    assert out == raw
    with pytest.raises(CorruptError, match="cut short"):
        decode_into(6, 2, payload[:-1], memoryview(out), [base])
    with pytest.raises(ValueError, match="differ in length"):
        native.decode_residual_into(payload[6:], base, 1, bytearray(len(raw) - 2))


def test_a_later_version_is_refused_by_name_and_a_later_form_as_such():
    with pytest.raises(StoreVersionError, match="version 3 of delta"):
        decode(6, 3, recipe_payload(1, bytes(5)), 2, [bytes(2)])
    with pytest.raises(refusal.UnknownError, match="codec 6 version 3"):
        payloads.decode(6, 3, recipe_payload(1, bytes(5)), 2, [bytes(2)])
    for version, form in ((1, 3), (2, 4)):
        with pytest.raises(CorruptError, match="a form that is none, or newer than this version"):
            decode(6, version, recipe_payload(1, bytes([form, 1, 0, 0, 0])), 2, [bytes(2)])


def test_a_cast_predicts_what_was_rounded():
    rng = np.random.default_rng(1)
    full = rng.normal(0, 0.02, 3000).astype(np.float32)
    for name, dtype in (("BF16", DTYPES[1]), ("F16", DTYPES[2])):
        rounded = full.astype(dtype)
        payload = DELTA.encode(rounded[100:].tobytes(), layout_of(name), [full.tobytes()], CAST.recipe("F32", 100))
        assert len(payload) < 20
        assert decode(6, 2, payload, 5800, [full.tobytes()]) == rounded[100:].tobytes()
        assert payloads.decode(6, 2, payload, 5800, [full.tobytes()]) == rounded[100:].tobytes()
        back = DELTA.encode(
            rounded.astype(np.float32).tobytes(), layout_of("F32"), [rounded.tobytes()], CAST.recipe(name)
        )
        assert len(back) < 20
        with pytest.raises(CorruptError, match="are asked of references"):
            decode(6, 2, payload, 5800, [full.tobytes()[:-1]])
