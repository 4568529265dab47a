"""What the system raises, told as what it means for a run."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from weighbridge.errors import OutOfMemoryError, StorageFullError

_NO_MEMORY = ("can't allocate memory", "out of memory", "not enough memory")


@contextmanager
def told(out: Path) -> Iterator[None]:
    """Turn a full disk into `StorageFullError` and missing memory into `OutOfMemoryError`; let all else pass."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        hint = "Free some space and run the same command again: it goes on from the last checkpoint."
        raise StorageFullError("no space is left on the device", where=str(out), hint=hint) from error
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise OutOfMemoryError("a step needs more memory than there is", where=str(out)) from error
    except RuntimeError as error:
        if not any(words in str(error) for words in _NO_MEMORY):
            raise
        raise OutOfMemoryError("a step needs more memory than there is", where=str(out)) from error
