"""Payloads of codec 6 with their references: right ones, and each with one thing wrong that a reader must refuse."""

from __future__ import annotations

import ml_dtypes
import numpy as np

from weighbridge.store.codecs import DELTA, Layout, layout_of
from weighbridge.store.codecs.predictors import (
    CAST,
    LOW_RANK,
    NUMBERS,
    SAME,
    Factors,
    Fields,
    predict,
)

Case = tuple[bytes, int, list[bytes]]  # payload, raw length, references

_BF16, _I16, _BYTES = b"\x01", b"\x07", b"\x00"
_SAME = b"\x00" + bytes(4)
_ONES = b"\x80\x3f" * 4
_FOUR = b"\x02" + b"\x04\x00\x00\x00"  # differences of four elements

# Runs of two elements, one lane, one label, one context, of class 127 alone.
_PLAN = b"\x00" + b"\x02\x00" + b"\x01\x01\x01" + b"\x7f\x7f" + b"\x00"
_MOVED = b"\x01\x01\x01"  # labels: group 1, both are 1
_COUNTS = b"\x04\x00\x00"
_SYMBOLS = b"\x01\x10\x10" + b"\x05"  # group 1, all are 16, each with one extra bit: 1, 0, 1, 0
_HEAD = _BF16 + _SAME + _FOUR
_RIGHT = _HEAD + _PLAN + _MOVED + _COUNTS + _SYMBOLS

# Labels 1 and 0, so that only the first run moved.
_HALF = _HEAD + _PLAN + b"\x01\x00\x01\x07\x01\x00\x00\x80" + b"\x02\x00\x00"
# Four lanes of a run of one element each, and two contexts: the classes 127 and 128.
_LANES = _HEAD + b"\x00" + b"\x01\x00" + b"\x04\x01\x02" + b"\x7f\x80" + b"\x10" + _MOVED
_TWO_CLASSES = b"\x80\x3f\x80\x3f\x00\x40\x80\x3f"
_LANE_COUNTS = b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01\x00\x00" + b"\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00"
_LANE_SYMBOLS = b"\x01\x02\x02" + b"\x01\x03\x03"


def good_delta() -> list[Case]:
    """What the writer makes of pairs of every kind, and payloads by hand that the bad ones are made of."""
    by_hand = [
        (_RIGHT, 8, [_ONES]),
        (_HALF + b"\x01\x03\x03", 8, [_ONES]),
        (_HEAD + _PLAN + _MOVED + _COUNTS + b"\x08\x01\x05\x05" + b"\x01\x04\x04", 8, [_ONES]),  # symbols 5, 0, 5, 0
        (_HEAD + _PLAN + _MOVED + _COUNTS + b"\x04\x01\x36\x36" + b"\x01\x04\x04", 8, [_ONES]),  # symbols 2, 1, 7, 0
        (_HEAD + _PLAN + _MOVED + _COUNTS + b"\x08" * 3 + b"\x01\x00\x00", 8, [_ONES]),  # nested as deep as may be
        (_LANES + _LANE_COUNTS + _LANE_SYMBOLS, 8, [_TWO_CLASSES]),
        (_BF16 + _SAME + b"\x00" + _FOUR[1:], 8, [_ONES]),
        (_BF16 + _SAME + b"\x00\x01\x00\x00\x00" + b"\x01\x03\x00\x00\x00" + b"stored", 8, [_ONES]),
        (_BYTES + _SAME + b"\x00" + _FOUR[1:], 4, [_ONES]),
    ]
    return by_hand + _written() + _cast() + [_low_rank()]


def bad_delta() -> list[tuple[Case, str]]:
    cases = [
        (b"\x01", "ends within its head"),
        (b"\x0a" + _RIGHT[1:], "number kind 10"),
        (_BF16 + b"\xff" + _RIGHT[2:], "predictor 255"),
        (_BF16 + b"\x00\x00\x00", "ends within its predictor's fields"),
        (_BF16 + b"\x00\x01\x00\x00\x00" + _RIGHT[6:], "references that end before the block does"),
        (_BF16 + b"\x01\x01" + bytes(4) + _RIGHT[6:], "a cast from bf16 to bf16"),
        (_BF16 + b"\x01\x04" + bytes(4) + _RIGHT[6:], "a cast from fp64"),
        (_BF16 + b"\x01\x03" + bytes(4) + _RIGHT[6:], "a cast of references that end before the block does"),
        (_BYTES + b"\x01\x03" + bytes(4) + _RIGHT[6:], "a cast to bytes"),
        (_RIGHT + b"x", "bytes after the last part"),
        (_BF16 + _SAME, "no part where one must be"),
        (_BF16 + _SAME + b"\x04" + _RIGHT[7:], "a part of form 4"),
        (_BF16 + _SAME + b"\x00" + bytes(4), "a part without elements"),
        (_BF16 + _SAME + b"\x00\x05\x00\x00\x00", "a part with more elements than the block"),
        (_BF16 + _SAME + b"\x01\x04\x00\x00\x00" + bytes(7), "stored elements cut short"),
        (_HEAD + b"\x08" + _RIGHT[12:], "zeros beyond the mantissa"),
        (_I16 + _SAME + _FOUR + b"\x01" + _RIGHT[12:], "zeros of integers"),
        (_HEAD + b"\x00\x00\x00" + _RIGHT[14:], "runs without elements"),
        (_HEAD + _PLAN[:3] + b"\x02" + _RIGHT[15:], "two lanes"),
        (_HEAD + _PLAN[:4] + b"\x00" + _RIGHT[16:], "no label"),
        (_HEAD + _PLAN[:4] + b"\x10" + _PLAN[5:-1] + bytes(8) + _RIGHT[20:], "16 labels"),
        (_HEAD + _PLAN[:5] + b"\x00" + _RIGHT[17:], "no context"),
        (_HEAD + _PLAN[:5] + b"\x11" + _PLAN[6:] + _MOVED + _COUNTS * 17 + _SYMBOLS, "17 contexts"),
        (_HEAD + _PLAN[:6] + b"\x7f\x7e" + _RIGHT[19:], "a highest class below the lowest"),
        (_HEAD + _PLAN[:8], "a map cut short"),
        (_HEAD + _PLAN[:8] + b"\x01" + _RIGHT[20:], "a context in the map that is none"),
        (_HEAD + _PLAN[:8] + b"\x10" + _RIGHT[20:], "a map filled up with something else than 0"),
        (_HEAD + _PLAN + b"\x01\x02\x02" + _COUNTS + _SYMBOLS, "a label that is none"),
        (_HEAD + _PLAN + b"\x03\x01\x01" + _COUNTS + _SYMBOLS, "labels of group 3"),
        (_HEAD + _PLAN + _MOVED + b"\x03\x00\x00" + _SYMBOLS, "fewer elements in contexts than moved"),
        (_HEAD + _PLAN + _MOVED + b"\x05\x00\x00" + _SYMBOLS, "more elements in contexts than moved"),
        (_HEAD + _PLAN + _MOVED + _COUNTS[:2], "counts cut short"),
        (_HEAD + _PLAN + _MOVED + _COUNTS + b"\x01\x70\x70" + bytes(7), "a symbol beyond the width"),
        (_HEAD + _PLAN + _MOVED + _COUNTS + b"\x01\x10\x10", "extra bits cut short"),
        (_HEAD + _PLAN + _MOVED + _COUNTS + b"\x01\x10\x10\x15", "extra bits filled up with something else than 0"),
        (_HEAD + _PLAN + _MOVED + _COUNTS + b"\x08\x01\x10\x10", "a field after the last symbol"),
        (_HEAD + _PLAN + _MOVED + _COUNTS + b"\x08\x01\x05\x05", "no sequence for escapes"),
        (_HEAD + _PLAN + _MOVED + _COUNTS + b"\x08\x01\x05\x05" + b"\x01\xff\xff", "a symbol beyond a byte"),
        (_HEAD + _PLAN + _MOVED + _COUNTS + b"\x08" * 4 + b"\x01\x00\x00", "sequences nested too deep"),
    ]
    wrong = _LANE_COUNTS[:9] + _LANE_COUNTS[21:] + _LANE_COUNTS[12:21] + _LANE_COUNTS[9:12]
    return [
        *(((payload, 8, [_ONES]), why) for payload, why in cases),
        ((_RIGHT, 7, [_ONES]), "no whole number of elements"),
        ((_RIGHT, 8, []), "no references"),
        ((_LANES + wrong + _LANE_SYMBOLS, 8, [_TWO_CLASSES]), "contexts with others' elements"),
    ]


def _encoded(raw: bytes, layout: Layout, references: list[bytes], recipe: bytes) -> bytes:
    payload = DELTA.encode(raw, layout, references, recipe)
    if payload is None:
        raise SystemExit("delta declined its own vector")
    return payload


def _written() -> list[Case]:
    rng = np.random.default_rng(24)
    cases = []
    for number in NUMBERS:
        dtype = _DTYPES[number.kind]
        scale = 1 if number.name else 60
        rows = np.exp2(rng.uniform(-6, 0, 25)).repeat(40)
        base = rng.normal(0, 1, 1000) * rows * scale
        tuned = base + rng.normal(0, 0.02, 1000) * rows[::-1] * scale * (np.arange(1000) % 400 > 130)
        words, other = base.astype(dtype).tobytes(), tuned.astype(dtype).tobytes()
        payload = _encoded(other, layout_of(_NAMES[number.kind]), [words[:800], words[800:]], SAME.recipe())
        cases.append((payload, len(other), [words[:800], words[800:]]))
    sparse = np.frombuffer(cases[1][2][0] * 8, np.uint16).copy()
    base = sparse.tobytes()
    sparse[::300] += 1
    payload = _encoded(sparse.tobytes(), layout_of("BF16"), [base], SAME.recipe())
    short = np.frombuffer(base, np.uint16)[:600].astype(np.uint32) << 16  # bf16 saved as fp32
    moved = (short + (np.arange(600) % 3 << 16)).astype(np.uint32).tobytes()
    wide = _encoded(moved, layout_of("F32"), [short.tobytes()], SAME.recipe())
    return [*cases, (payload, len(base), [base]), (wide, len(moved), [short.tobytes()])]


def _cast() -> list[Case]:
    """Numbers of every size, and what is none, from one format to another."""
    rng = np.random.default_rng(25)
    with np.errstate(over="ignore"):
        values = (rng.normal(0, 1, 500) * np.exp2(rng.integers(-160, 140, 500))).astype(np.float32)
        values = np.concatenate([values, rng.normal(0, 1, 500).astype(np.float32) * np.float32(2e-5)])
    words = np.append(values.view(np.uint32), np.array([0x7F800000, 0xFF800000, 0x7F800001, 0xFFC12345, 1], np.uint32))
    narrow = {"F32": words.tobytes(), "BF16": (words >> 16).astype(np.uint16).tobytes()}
    narrow["F16"] = (np.arange(1005, dtype=np.uint32) * 65 % 65536).astype(np.uint16).tobytes()
    cases = []
    for name, kind in (("BF16", 1), ("F16", 2), ("F32", 3)):
        for other in narrow:
            if other == name:
                continue
            recipe, number = CAST.recipe(other, 2), NUMBERS[kind]
            length = 1003 * number.width
            raw = bytes(predict(Fields(memoryview(recipe)), number, length, [narrow[other]]))
            payload = _encoded(raw, layout_of(name), [narrow[other]], recipe)
            cases.append((payload, length, [narrow[other]]))
    return cases


def _low_rank() -> Case:
    rng = np.random.default_rng(26)
    base = rng.normal(0, 0.02, 600).astype(ml_dtypes.bfloat16).tobytes()
    factors = Factors(20, 40, (-12, -14), 1, rounded=False, block=rng.bytes(2 * 60))
    references = [base, factors.block]
    recipe = LOW_RANK.recipe(factors, NUMBERS[1], first=80, offset=20)
    raw = bytearray(predict(Fields(memoryview(recipe)), NUMBERS[1], 1000, references))
    raw[100] ^= 1
    payload = _encoded(bytes(raw), layout_of("BF16"), references, recipe)
    return payload, 1000, references


_DTYPES = {
    0: np.dtype(np.int8),
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
_NAMES = {0: "I8", 1: "BF16", 2: "F16", 3: "F32", 4: "F64", 5: "F8_E4M3", 6: "F8_E5M2", 7: "I16", 8: "I32", 9: "I64"}
