"""Where a store's objects are kept: one file for each kind of place, chosen by the scheme of the location.

- *Location*: a path, or a URL such as ``file:///models`` or ``s3://bucket/models``. It never holds a secret: those come
  from the environment.
- *Backend*: the objects at a location, by key (`base.Backend`). Adding one means a file with `connect`, and an entry in
  `KINDS`. It is imported when it is first connected to: a client of S3 takes longer to import than a file to pack.

A backend knows keys and bytes, and nothing of packs, manifests or checks. Nothing above it knows where objects lie.
"""

from __future__ import annotations

import os
import re
from importlib import import_module

from weighbridge.errors import UnsupportedError
from weighbridge.store.backends.base import Backend, Listed

__all__ = ["Backend", "Listed", "connect", "is_local"]

_LOCAL = "file"
# Scheme, and the module that connects to such locations.
KINDS = {_LOCAL: "weighbridge.store.backends.local", "s3": "weighbridge.store.backends.s3"}

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


def connect(location: str | os.PathLike[str], *, create: bool = False) -> Backend:
    """The backend for a location. With `create`, what has to be there before the first object is made.

    Raises `UnsupportedError` for a scheme that nobody knows, and what the backend raises where it finds no place.
    """
    text = os.fspath(location)
    if module := KINDS.get(_scheme(text)):
        backend: Backend = import_module(module).connect(text, create=create)
        return backend
    known = ", ".join(f"{scheme}://" for scheme in KINDS)
    raise UnsupportedError(f"a store cannot lie there; expected a path or one of {known}", where=text)


def is_local(location: str) -> bool:
    """Whether a location is a folder on this machine."""
    return _scheme(location) == _LOCAL


def _scheme(location: str) -> str:
    found = _SCHEME.match(location)
    return found.group(1).lower() if found else _LOCAL
