"""Grouped sequences, of codec 6: neighbours that share a byte, and what does not fit there in a sequence after it."""

from floats import sequence
from refusal import Cursor

DEEPEST = 3  # other sequences that one may be nested in


def grouped(cursor: Cursor, n: int, nested: int = 0) -> list[int]:
    """A grouped sequence of n symbols."""
    group = cursor.number(1, "group", 1, 8)
    if group not in ((1, 2, 4, 8) if nested < DEEPEST else (1,)):
        raise cursor.refused("a group is 1, 2, 4 or 8, and the innermost is 1", group, back=1)
    if group == 1:
        return sequence(cursor, n)
    size = 8 // group
    escape = (1 << size) - 1
    fields = [byte >> size * i & escape for byte in grouped(cursor, -(-n // group), nested + 1) for i in range(group)]
    if any(fields[n:]):
        raise cursor.refused("fields after the last symbol are 0")
    escapes = fields[:n].count(escape)
    beyond = iter(grouped(cursor, escapes, nested + 1) if escapes else [])
    symbols = [escape + next(beyond) if field == escape else field for field in fields[:n]]
    if max(symbols) > 255:
        raise cursor.refused("a symbol is at most 255", max(symbols))
    return symbols
