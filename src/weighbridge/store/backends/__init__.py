"""Where a store's objects are kept: one file for each kind of place, chosen by the scheme of the location.

- *Location*: a path, or a URL such as ``file:///models`` or ``s3://bucket/models``. It never holds a secret: those come
  from the environment.
- *Backend*: the objects at a location, by key (`base.Backend`). Adding one means a file with `SCHEMES` and `connect`,
  and an entry in `KINDS`.

A backend knows keys and bytes, and nothing of packs, manifests or checks. Nothing above it knows where objects lie.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from weighbridge.errors import UnsupportedError
from weighbridge.store.backends import local, s3
from weighbridge.store.backends.base import Backend, Listed

__all__ = ["Backend", "Listed", "connect", "is_local"]

KINDS: tuple[tuple[tuple[str, ...], Callable[..., Backend]], ...] = (
    (local.SCHEMES, local.connect),
    (s3.SCHEMES, s3.connect),
)

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


def connect(location: str | os.PathLike[str], *, create: bool = False) -> Backend:
    """The backend for a location. With `create`, what has to be there before the first object is made.

    Raises `UnsupportedError` for a scheme that nobody knows, and what the backend raises where it finds no place.
    """
    text = os.fspath(location)
    for schemes, kind in KINDS:
        if _scheme(text) in schemes:
            return kind(text, create=create)
    known = ", ".join(f"{name}://" for schemes, _ in KINDS for name in schemes)
    raise UnsupportedError(f"a store cannot lie there; expected a path or one of {known}", where=text)


def is_local(location: str) -> bool:
    """Whether a location is a folder on this machine."""
    return _scheme(location) in local.SCHEMES


def _scheme(location: str) -> str:
    found = _SCHEME.match(location)
    return found.group(1).lower() if found else local.SCHEMES[0]
