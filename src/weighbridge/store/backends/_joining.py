"""Several ranges of one object with few requests: near ones are joined, the joined ones fetched side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# A request takes as long as some megabytes do (30 ms at 80 MB/s are 2.4 MB); half a megabyte for nothing never hurts.
GAP = 512 << 10
# Longer ones come faster as two requests, and what is in memory at once is bounded by this.
LONGEST = 8 << 20


@dataclass(frozen=True, slots=True)
class Joined:
    """One request, and which of the ranges asked for lie in it."""

    offset: int
    length: int
    members: tuple[int, ...]


def join(ranges: Sequence[tuple[int, int]], gap: int = GAP, longest: int = LONGEST) -> list[Joined]:
    """The requests that cover these (offset, length), in order of offset. Each range lies in exactly one of them."""
    requests: list[Joined] = []
    for number in sorted(range(len(ranges)), key=lambda number: ranges[number]):
        offset, length = ranges[number]
        last = requests[-1] if requests else None
        if last and offset <= last.offset + last.length + gap and offset + length - last.offset <= longest:
            end = max(last.offset + last.length, offset + length)
            requests[-1] = Joined(last.offset, end - last.offset, (*last.members, number))
        else:
            requests.append(Joined(offset, length, (number,)))
    return requests
