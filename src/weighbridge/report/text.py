"""Foreign text, made fit to show, and numbers as people read them.

Names and metadata come from files that anybody may have made. A terminal obeys escape sequences, a page can be turned
around by bidirectional controls, and neither can print half a surrogate pair: `visible` writes such characters out.
"""

from __future__ import annotations

import unicodedata

_BINARY_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_COUNT_UNITS = ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "K"))
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
    """Bytes in binary units: ``86.7 MiB``."""
    value, unit = float(nbytes), 0
    while value >= 1024 and unit < len(_BINARY_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{nbytes:,} B" if unit == 0 else f"{value:.1f} {_BINARY_UNITS[unit]}"


def count_text(count: int) -> str:
    """A count in short: ``22.7M``."""
    for size, unit in _COUNT_UNITS:
        if count >= size:
            return f"{count / size:.1f}{unit}"
    return str(count)


def shape_text(shape: tuple[int, ...]) -> str:
    """``30522 × 384``, or ``scalar``."""
    return " × ".join(map(str, shape)) if shape else "scalar"


def number_text(value: float | None) -> str:
    """A measured value in four significant digits; a dash where there is none."""
    if value is None:
        return "–"
    return str(value) if isinstance(value, int) and abs(value) < 10**6 else f"{value:.4g}"
