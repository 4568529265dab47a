"""Names of files inside a checkpoint: relative, plain, and never a way out."""

from __future__ import annotations

import re

from weighbridge.errors import UnsafePathError

_MAX_NAME = 1024
# Control characters, line breaks, characters that turn the direction of writing, and bytes that were no UTF-8.
_INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def check_name(name: str, where: str = "") -> str:
    """This name, if it can only mean a file inside its folder. Raises `UnsafePathError` otherwise."""
    fault = _fault(name)
    if fault:
        raise UnsafePathError(f"the name {name[:200]!r} {fault}", where=where)
    return name


def _fault(name: str) -> str:
    if not name or len(name) > _MAX_NAME:
        return f"has {len(name)} characters; expected 1 to {_MAX_NAME}"
    if "\\" in name:
        return "holds a backslash"
    if _INVISIBLE.search(name):
        return "holds a NUL, a control character or bytes that are no text"
    if name.startswith("/") or name[1:2] == ":":
        return "is absolute"
    parts = name.split("/")
    if ".." in parts:
        return "holds '..'"
    if "" in parts or "." in parts:
        return "has an empty part"
    return ""
