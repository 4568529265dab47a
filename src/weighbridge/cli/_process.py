"""What a process of `weigh` sets for itself before it works: how memory is reused, how many threads numpy may take."""

from __future__ import annotations

import ctypes
import os

# From malloc.h of the GNU C library, and what they are set to: the most that the library allows, and far less than
# the 300 MB that a command may take.
_TRIM_THRESHOLD, _TRIM_BYTES = -1, 128 << 20
_MMAP_THRESHOLD, _MMAP_BYTES = -3, 32 << 20
_ARENA_MAX, _ARENAS = -8, 1


def settle() -> None:
    """Keep freed memory for the next block, and numpy's linear algebra to one thread.

    Blocks come and go by the megabyte. The GNU C library gives each one back to the system, which then clears every
    page of the next one: on a virtual machine that took longer than reading and coding it. Nothing changes elsewhere.
    All threads share what is free: with an arena for each, every one keeps the most that it ever needed.
    The store has a thread for each core already; a linear algebra library that starts as many again waits in a loop.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library, which needs no such hint
        return
    mallopt(_MMAP_THRESHOLD, _MMAP_BYTES)
    mallopt(_TRIM_THRESHOLD, _TRIM_BYTES)
    mallopt(_ARENA_MAX, _ARENAS)
