"""Errors of obstore and of the system, as ours."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from obstore.exceptions import BaseError

from weighbridge.errors import ObjectNotFoundError, StorageFullError, StoreError, WeighbridgeError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


@contextmanager
def told(key: str) -> Iterator[None]:
    """Raises our error for whatever obstore or the system raises while something is done with this key."""
    try:
        yield
    except FileNotFoundError:
        raise ObjectNotFoundError("the store has no such object", where=key) from None
    except (BaseError, OSError) as error:
        raise translate(error, key) from error


def translate(error: Exception, key: str) -> WeighbridgeError:
    """Our error for one of obstore's, which tell the system's error number only in their text."""
    number = error.errno if isinstance(error, OSError) else None
    if number is None and (found := re.search(r"\(os error (\d+)\)", str(error))):
        number = int(found.group(1))
    reason = os.strerror(number) if number else str(error).split("\n", 1)[0]
    if number in _FULL:
        return StorageFullError(f"no room to write it: {reason}", where=key)
    if number in _READ_ONLY:
        return StoreError(f"may not be written or read here: {reason}", where=key)
    return StoreError(reason, where=key)
