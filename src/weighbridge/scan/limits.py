"""What one file may cost: how deep, how many members, how many bytes once they are inflated."""

from __future__ import annotations

from weighbridge.errors import LimitError

MAX_DEPTH = 8
"""Archives within archives."""

MAX_MEMBERS = 20_000
"""Items that one file may hold, all depths together."""

MAX_INFLATED = 1 << 30
"""Bytes that one file may inflate to, all depths together."""


class Allowance:
    """What is left for one file; shared by all of its members."""

    def __init__(self, members: int = MAX_MEMBERS, inflated: int = MAX_INFLATED) -> None:
        self._members = members
        self._inflated = inflated

    def member(self, where: str) -> None:
        """Count one member. Raises `LimitError` past the last."""
        self._members -= 1
        if self._members < 0:
            raise LimitError(f"holds more than {MAX_MEMBERS:,} members", where=where)

    def inflated(self, count: int, where: str) -> None:
        """Count `count` bytes that were inflated. Raises `LimitError` past the last."""
        self._inflated -= count
        if self._inflated < 0:
            raise LimitError(f"inflates to more than {MAX_INFLATED:,} bytes", where=where)
