"""Aligned columns of plain text, for lists too long for a drawn table: 10,000 rows take milliseconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from weighbridge.report.text import visible

_GAP = "  "
_NARROWEST = 12


@dataclass(frozen=True, slots=True)
class Column:
    """A heading, and whether its cells stand at the right."""

    heading: str
    right: bool = False


def aligned(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int = 0) -> list[str]:
    """The heading's line, then one line for each row.

    Lines wider than `width` (0: no limit) get it by cutting cells of the first column in the middle.
    """
    widths = [max([len(column.heading), *(len(row[at]) for row in rows)]) for at, column in enumerate(columns)]
    if width:
        others = sum(widths[1:]) + len(_GAP) * (len(columns) - 1)
        widths[0] = max(min(widths[0], width - others), _NARROWEST)
    headings = [column.heading for column in columns]
    return [_line(columns, widths, row) for row in (headings, *rows)]


def _line(columns: Sequence[Column], widths: Sequence[int], row: Sequence[str]) -> str:
    cells = [visible(row[0], widths[0]), *row[1:]]
    placed = (
        cell.rjust(width) if column.right else cell.ljust(width)
        for column, cell, width in zip(columns, cells, widths, strict=True)
    )
    return _GAP.join(placed).rstrip()
