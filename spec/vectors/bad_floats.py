"""Payloads of floats that a reader must refuse: each is a right one with one thing wrong."""

from __future__ import annotations

_BYTES, _BF16, _FP32 = b"\x01\x00", b"\x01\x01", b"\x01\x03"
_FOUR, _TWO, _ONE = b"\x04\x00\x00\x00", b"\x02\x00\x00\x00", b"\x01\x00\x00\x00"
_CONSTANT = b"\x01\x07\x07"  # symbols: one cluster, each of them a 7

# Symbols 7 and 8 with words of a bit, 1 1 1000 and 0; a stream of a byte, which is 7 8 7 8.
_CODE, _STREAM = b"\x01\x07\x08\x07", b"\x01\x00\x00\x50"


def good_floats() -> list[bytes]:
    """Payloads of four bytes that the bad ones are made of: these decode."""
    return [
        _BF16 + b"\x00" + _TWO + b"abcd",
        _BF16 + b"\x01" + _TWO + b"ab",
        _BYTES + b"\x02" + _FOUR + _CODE + _STREAM,
        _BYTES + b"\x02" + _FOUR + _clusters(2, 2, 2, 0b10),
        _BF16 + b"\x02" + _TWO + b"\x00\x02\x00\x00" + bytes(6) + _CONSTANT,
        _FP32 + b"\x02" + _ONE + b"\x00\x02\x00\x00" + b"\x00a\x01bb" + bytes(6) + _CONSTANT,
    ]


def bad_floats() -> list[tuple[bytes, int, str]]:
    """(payload, raw length, what is wrong)"""
    stored = _BF16 + b"\x00" + _TWO + b"abcd"
    coded, words = _BYTES + b"\x02" + _FOUR, _BF16 + b"\x02" + _TWO
    rest = bytes(6) + _CONSTANT
    four = [
        (b"\x01", "ends within its head"),
        (b"\x02" + stored[1:], "version 2"),
        (b"\x01\x07" + stored[2:], "kind 7"),
        (stored + b"x", "bytes after the last part"),
        (stored[:-1], "a part cut short"),
        (_BF16 + b"\x00" + _ONE + b"ab", "no part where one must be"),
        (_BF16 + b"\x00" + bytes(4) + stored[2:], "a part without elements"),
        (_BF16 + b"\x00" + _FOUR + b"abcdefgh", "a part longer than the block"),
        (_BF16 + b"\x01" + _FOUR + b"ab", "more repeats than the block holds"),
        (_BF16 + b"\x03" + _TWO + b"abcd", "a part of form 3"),
        (coded + b"\x01\x08\x07\x07" + _STREAM, "the highest symbol below the lowest"),
        (coded + b"\x01\x07\x08\x87" + _STREAM, "bits after the lengths that are not 0"),
        (coded + b"\x01\x07\x08\x0b" + _STREAM, "a code that is not complete"),
        (coded + b"\x01\x07\x09\x07" + _STREAM, "a code that is more than complete"),
        (coded + b"\x01\x07\x08\x37" + _STREAM, "a word of 13 bits"),
        (coded + b"\x01\x07\x08\x43\x00" + _STREAM, "a word of less than no bits"),
        (coded + _CODE + b"\x00\x00\x00", "a stream without its symbols"),
        (coded + _CODE + b"\x02\x00\x00\x50\x00", "a stream with a byte too many"),
        (coded + _CODE + b"\x01\x00\x00\x51", "bits after a stream that are not 0"),
        (coded + _CODE + b"\x02\x00\x00\x50", "a stream cut short"),
        (coded + b"\x00" + _CONSTANT[1:], "no cluster"),
        (coded + b"\x11" + _CONSTANT[1:], "17 clusters"),
        (coded + _clusters(2, 2, 0, 0b10), "a first run without symbols"),
        (coded + _clusters(2, 2, 3, 0b10), "a first run longer than the others"),
        (coded + _clusters(2, 2, 2, 0b00), "a cluster without a run"),
        (coded + _clusters(3, 1, 1, 0b11_10_01_00), "a run of a cluster that there is not"),
        (words + b"\x08\x00\x00\x00" + rest, "more zero bits than the mantissa has"),
        (words + b"\x00\x08\x00\x00" + rest, "more bits kept than the mantissa has"),
        (words + b"\x00\x02\x00\x00" + rest[1:], "leftovers cut short"),
        (_FP32 + b"\x02" + _ONE + b"\x00\x09\x00\x00" + b"\x00a" + bytes(7) + _CONSTANT, "nine bits kept"),
        (_FP32 + b"\x02" + _ONE + b"\x00\x02\x00\x00" + b"\x02a\x00b" + rest, "a plane of mode 2"),
    ]
    long = (1 << 19) + 1
    return [
        *((payload, 4, why) for payload, why in four),
        (stored, 5, "no whole number of elements"),
        (_BYTES + b"\x02" + long.to_bytes(4, "little") + _CONSTANT, long, "a part of fields beyond its limit"),
    ]


def _clusters(count: int, length: int, first: int, labels: int) -> bytes:
    """Symbols in clusters, every one of which is constant."""
    head = bytes([count]) + length.to_bytes(2, "little") + first.to_bytes(2, "little") + bytes([labels])
    return head + b"".join(bytes([7 + cluster] * 2) for cluster in range(count))
