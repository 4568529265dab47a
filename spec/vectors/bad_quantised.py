"""Payloads of quantised blocks that a reader must refuse: each is a right one with one thing wrong."""

from __future__ import annotations

_Q8_0, _Q5_0, _BOOLEANS = b"\x01\x02", b"\x01\x01", b"\x01\x06"
_CODED, _TWO = b"\x01", b"\x02\x00\x00\x00"

# Two scales, 0x3c00 and 0x3c80, which give contexts 7 and 8: the upper bytes are constant, the lower ones plain.
_UPPER, _LOWER = b"\x01\x3c\x3c", b"\x00\x00\x80"
_SCALES = _UPPER + _LOWER
_QUARTERS = _UPPER + b"\x02" + b"\x00\x01\x07" + b"\x01\x00\x00\x40"  # all in quarter 0: 0 1, words 0 and 1
_ONE_CLUSTER, _TWO_CLUSTERS = b"\x01\x00" + b"\x07\x07", b"\x01\x01" + b"\x07\x07\x08\x08"


def good_quantised() -> list[tuple[bytes, int]]:
    """Payloads that the bad ones are made of, and their raw lengths: these decode."""
    head = _Q8_0 + _CODED + _TWO
    return [
        (_Q8_0 + b"\x00" + _TWO + bytes(range(68)), 68),
        (head + _SCALES + _ONE_CLUSTER, 68),
        (head + _SCALES + _TWO_CLUSTERS + b"end", 71),
        (head + _QUARTERS + b"\x01\x00\x07\x07", 68),
        (_Q5_0 + _CODED + _TWO + _SCALES + b"\x01\x00\x1f\x1f", 44),
        (_BOOLEANS + _CODED + _TWO + b"\x01\x00\x5a\x5a", 16),
        (_BOOLEANS + b"tail", 4),
    ]


def bad_quantised() -> list[tuple[bytes, int, str]]:
    """(payload, raw length, what is wrong)"""
    head = _Q8_0 + _CODED + _TWO
    right = head + _SCALES + _TWO_CLUSTERS
    cases = [
        (b"\x01", "ends within its head"),
        (b"\x02" + right[1:], "version 2"),
        (b"\x01\x07" + right[2:], "format 7"),
        (right + b"x", "bytes after the last part"),
        (right[:-1], "a sequence cut short"),
        (_Q8_0 + b"\x00" + _TWO + bytes(67), "stored records cut short"),
        (_Q8_0, "no part where one must be"),
        (_Q8_0 + b"\x02" + _TWO + _SCALES + _TWO_CLUSTERS, "a part of form 2"),
        (_Q8_0 + _CODED + bytes(4) + _SCALES + _TWO_CLUSTERS, "a part without records"),
        (_Q8_0 + b"\x00\x03\x00\x00\x00" + bytes(102), "more records than the block has"),
        (head + b"\x02" + _SCALES[1:] + _TWO_CLUSTERS, "a column by quarter that is not low"),
        (head + _UPPER + b"\x03" + _LOWER[1:] + _TWO_CLUSTERS, "a low column of mode 3"),
        (head + _UPPER + b"\x00\x00", "a plain column cut short"),
        (head + _QUARTERS[:-1], "a quarter cut short"),
        (head + _SCALES + b"\x00\x01" + _TWO_CLUSTERS[2:], "context 0 begins no cluster"),
        (head + _SCALES + b"\x01\x02" + _TWO_CLUSTERS[2:], "a cluster without symbols at the end"),
        (head + _SCALES + b"\x81\x01" + b"\x07\x07\x08\x08\x09\x09", "a cluster without symbols at the beginning"),
        (head + _SCALES + b"\x01", "starts cut short"),
    ]
    many = 32_769
    return [
        *((payload, 68, why) for payload, why in cases),
        (right, 69, "no tail where there must be one"),
        (_Q5_0 + _CODED + _TWO + _SCALES + b"\x01\x00\x20\x20", 44, "a symbol beyond those of its format"),
        (_Q8_0 + _CODED + many.to_bytes(4, "little") + _ONE_CLUSTER, 34 * many, "a part beyond its limit"),
    ]
