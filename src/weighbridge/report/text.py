"""Foreign text, made fit to show, and numbers as people read them.

Names and metadata come from files that anybody may have made. A terminal obeys escape sequences, a page can be turned
around by bidirectional controls, and neither can print half a surrogate pair: `visible` writes such characters out.
"""

from __future__ import annotations

import unicodedata

_SIZE_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
_COUNT_UNITS = ("", "k", "M", "B", "T", "Q")
# Control, format (bidirectional, zero-width), surrogate, private use, unassigned, line and paragraph separators.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def visible(text: str, limit: int = 0) -> str:
    r"""`text` on one line, with every character that a reader could not see written as ``\x1b``, ``\u202e`` and so on.

    With a `limit`, the middle of a longer text gives way to an ellipsis.
    """
    if not (text.isascii() and text.isprintable()):
        text = "".join(map(_shown, text))
    if limit and len(text) > limit:
        head = (limit - 1) // 2
        text = f"{text[:head]}…{text[len(text) - (limit - 1 - head) :]}"
    return text


def _shown(character: str) -> str:
    if unicodedata.category(character) not in _HIDDEN:
        return character
    code = ord(character)
    if code > 0xFFFF:
        return f"\\U{code:08x}"
    return f"\\u{code:04x}" if code > 0xFF else f"\\x{code:02x}"


def size_text(nbytes: int) -> str:
    """Bytes in decimal units, as disks and downloads are counted: ``90.9 MB``."""
    return _scaled(nbytes, _SIZE_UNITS, 1000, " ")


def count_text(count: int) -> str:
    """A number of things: exact below ten thousand, then three digits and a unit: ``22.7M``."""
    return _scaled(count, _COUNT_UNITS, 10_000, "")


def _scaled(number: int, units: tuple[str, ...], exact_below: int, gap: str) -> str:
    """`number` in the unit in which it has at most three digits before the point, to three digits."""
    if number < exact_below:
        return f"{number:,}{gap}{units[0]}"
    value, rank = float(number), 0
    while value >= 999.5 and rank < len(units) - 1:
        value, rank = value / 1000, rank + 1
    digits = 0 if value >= 99.95 else 1 if value >= 9.995 else 2
    return f"{value:.{digits}f}{gap}{units[rank]}"


def shape_text(shape: tuple[int, ...]) -> str:
    """``30522 × 384``, or ``scalar``."""
    return " × ".join(map(str, shape)) if shape else "scalar"


def number_text(value: float | None) -> str:
    """A measured value in four significant digits; a dash where there is none."""
    if value is None:
        return "–"
    return str(value) if isinstance(value, int) and abs(value) < 10**6 else f"{value:.4g}"
