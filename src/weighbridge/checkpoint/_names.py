"""Names of files inside a checkpoint: relative, plain, and never a way out."""

from __future__ import annotations

from weighbridge.errors import UnsafePathError

_MAX_NAME = 1024


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
    if not name.isprintable():  # NUL and other control characters, and bytes that were no UTF-8
        return "holds a NUL, control or unprintable character"
    if name.startswith("/") or name[1:2] == ":":
        return "is absolute"
    parts = name.split("/")
    if ".." in parts:
        return "holds '..'"
    if "" in parts or "." in parts:
        return "has an empty part"
    return ""
