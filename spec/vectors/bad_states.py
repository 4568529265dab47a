"""Parts of form 3 of codec 6: right ones by hand and by the writer, and each with one thing wrong that is refused."""

from __future__ import annotations

import ml_dtypes
import numpy as np

from weighbridge.store.codecs import DELTA, layout_of
from weighbridge.store.codecs.predictors import SAME

Case = tuple[bytes, int, list[bytes]]  # payload, raw length, references

_SAME = b"\x00" + bytes(4)
_ONES, _TWOS = b"\x80\x3f", b"\x00\x40"
_MIXED = _ONES * 16 + _TWOS * 24  # two runs, the last one short
_STREAM = b"\x80" + bytes(4)  # seven zeros, a one, four times state 0 of 8 bits


def _bits(text: str) -> bytes:
    """Bits as bytes, the first one lowest, filled up with zeros."""
    text = text.replace(" ", "")
    text += "0" * (-len(text) % 8)
    return bytes(int(text[at : at + 8][::-1], 2) for at in range(0, len(text), 8))


def _counts(*counts: int) -> bytes:
    text, before = "", 0
    for count in counts:
        change = count - before
        digits = f"{2 * change + 1 if change >= 0 else -2 * change:b}"
        text += "0" * (len(digits) - 1) + digits
        before = count
    return bytes([len(counts) - 1]) + _bits(text)


_ALWAYS_3 = _counts(0, 0, 0, 256)
_ALWAYS_32 = _counts(*([0] * 32), 256)  # each with one extra bit
_EVENLY = _counts(128, 128)  # 0 or 1; a state reads one bit


def _sizes(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(3, "little") for part in parts)


def _part(
    *,
    kind: int = 1,
    n: int = 40,
    zeros: int = 0,
    run_log: int = 5,
    table_log: int = 8,
    labels: int = 1,
    step: int = 1,
    contexts: int = 1,
    lowest: int = 127,
    classes: int = 2,
    bounds: bytes = b"",
    labelled: bytes = b"\x01\x01\x01",  # group 1, all are 1
    codes: bytes = _ALWAYS_3,
    streams: tuple[bytes, bytes] = (_STREAM, _STREAM),
    extra: bytes = b"",
    sizes: bytes | None = None,
    after: bytes = b"",
) -> bytes:
    head = bytes([zeros, run_log, table_log, labels, step, contexts, lowest, classes])
    body = labelled + codes + (_sizes(*streams, extra) if sizes is None else sizes) + b"".join(streams) + extra
    return bytes([kind]) + _SAME + b"\x03" + n.to_bytes(4, "little") + head + bounds + body + after


# Both contexts: 1.0 has level 2 and symbol 3, 2.0 has level 0 and a symbol of 0 and 1.
_TWO = {"contexts": 2, "bounds": b"\x02", "codes": _EVENLY + _ALWAYS_3}
# Labels 1 and 0: the last eight elements are as predicted.
_HALF = b"\x01\x00\x01\x07\x01\x00\x00\x80"


_ZERO_BITS = b"\x08" + bytes(5)  # three zeros, a one, and 44 zeros: the states, and a bit of each lane three times


def good_states() -> list[Case]:
    by_hand = [
        _part(),
        _part(codes=_ALWAYS_32, extra=b"\x01\xff\x00\x80\x55"),
        _part(labelled=_HALF, codes=_ALWAYS_32, extra=b"\x01\xff\x00\x80"),
        _part(labelled=b"\x01\x00\x00"),  # nothing moved
        _part(zeros=3),
        _part(**_TWO, streams=(_ZERO_BITS, _ZERO_BITS)),
        _part(run_log=10, table_log=11, classes=1, codes=_counts(0, 2048), streams=(_ZERO_BITS, _ZERO_BITS)),
    ]
    return [(payload, 80, [_MIXED]) for payload in by_hand] + _written()


def bad_states() -> list[tuple[Case, str]]:
    one_less = _counts(0, 0, 0, 255)
    cases = [
        (_part()[:12], "a head cut short"),
        (_part(n=0), "no element"),
        (_part(n=41), "more elements than the block"),
        (_part(zeros=8), "zeros beyond the mantissa"),
        (_part(kind=7, zeros=1), "zeros of integers"),
        (_part(run_log=4), "runs of 16"),
        (_part(run_log=11), "runs of 2048"),
        (_part(table_log=7), "128 states"),
        (_part(table_log=12), "4096 states"),
        (_part(table_log=9), "counts of another number of states"),
        (_part(labels=0), "no label"),
        (_part(labels=16), "16 labels"),
        (_part(contexts=0), "no context"),
        (_part(contexts=17, bounds=bytes(range(1, 17)), codes=_ALWAYS_3 * 17), "17 contexts"),
        (_part(classes=0), "no class"),
        (_part(classes=33), "33 classes"),
        (_part(lowest=255, classes=2), "classes beyond 255"),
        (_part(contexts=2, bounds=b"\x00", codes=_ALWAYS_3 * 2), "a bound of 0"),
        (_part(contexts=3, bounds=b"\x02\x02", codes=_ALWAYS_3 * 3), "a bound as the one before"),
        (_part(labelled=b"\x01\x02\x02"), "a label that is none"),
        (_part(labelled=b"\x03\x01\x01"), "labels of group 3"),
        (_part(codes=one_less), "counts that are too few"),
        (_part(codes=_counts(1, 0, 0, 256)), "counts that are too many"),
        (_part(codes=_counts(0, 0, 0, 256, 0)), "a highest symbol that does not occur"),
        (_part(codes=b"\x01" + _bits("010 1")), "a count below 0"),
        (_part(codes=b"\x01" + bytes(9)), "a count of too many bits"),
        (_part(codes=_ALWAYS_3[:-1] + bytes([_ALWAYS_3[-1] | 0x80])), "counts filled up with something else than 0"),
        (_part(codes=_counts(*([0] * 208), 256)), "a symbol beyond the width"),
        (_part(contexts=2, bounds=b"\x02"), "one code for two contexts"),
        (_part(sizes=_sizes(_STREAM, _STREAM)), "two sizes for three"),
        (_part(sizes=_sizes(_STREAM, _STREAM * 9, b"")), "a stream cut short"),
        (_part(sizes=_sizes(_STREAM, _STREAM, b"x")), "extra bits cut short"),
        (_part(streams=(_STREAM, b"")), "an empty stream"),
        (_part(streams=(bytes(5), _STREAM)), "a stream that begins with eight zeros"),
        (_part(streams=(_STREAM, _STREAM[:-1])), "a stream that ends within its states"),
        (_part(streams=(_STREAM + b"\x00", _STREAM)), "a stream with bits left over"),
        (_part(streams=(_STREAM, b"\x80\x00\x01\x00\x00")), "a state that does not end as 0"),
        (_part(**_TWO, streams=(_ZERO_BITS, _STREAM)), "a stream that ends before its elements"),
        (_part(**_TWO, streams=(_ZERO_BITS, _ZERO_BITS[:-1] + b"\x80")), "a last bit that leads elsewhere"),
        (_part(codes=_ALWAYS_32, extra=b"\x01\xff\x00\x80"), "fewer extra bits than symbols have"),
        (_part(codes=_ALWAYS_32, extra=bytes(6)), "more extra bits than symbols have"),
        (_part(labelled=_HALF, codes=_ALWAYS_32, extra=bytes(5)), "extra bits of what did not move"),
        (_part(n=33, codes=_ALWAYS_32, extra=b"\x01\xff\x00\x80\x02"), "extra bits filled up with a one"),
        (_part(after=b"x"), "bytes after the last part"),
    ]
    return [((payload, 66 if "filled up with a one" in why else 80, [_MIXED]), why) for payload, why in cases]


def _written() -> list[Case]:
    """What the writer makes of pairs of every width, with runs that moved far, and hardly, and not at all."""
    rng = np.random.default_rng(31)
    cases = []
    for name, dtype, count in (
        ("BF16", np.dtype(ml_dtypes.bfloat16), 700),
        ("F32", np.dtype(np.float32), 300),
        ("F8_E4M3", np.dtype(ml_dtypes.float8_e4m3fn), 500),
        ("F64", np.dtype(np.float64), 150),
        ("I64", np.dtype(np.int64), 150),
        ("I16", np.dtype(np.int16), 250),
        ("U8", np.dtype(np.uint8), 250),
    ):
        large = 1 if name.startswith(("BF", "F")) else 20
        base = rng.normal(2, 0.5, count) * large
        tuned = base + rng.normal(0, 0.02, count) * large * (np.arange(count) % 400 > 129)
        words, other = base.astype(dtype).tobytes(), tuned.astype(dtype).tobytes()
        payload = DELTA.encode(other, layout_of(name), [words], SAME.recipe())
        if payload is None or 3 not in payload[6:7]:
            raise SystemExit(f"{name} is not written in form 3")
        cases.append((payload, len(other), [words]))
    return cases
