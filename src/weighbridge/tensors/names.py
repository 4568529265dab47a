"""Names of files that come from elsewhere: an index, an archive, a client, another hub."""

from __future__ import annotations

from weighbridge.errors import UnsafePathError

LONGEST_NAME = 1024
LONGEST_SEGMENT = 255


def safe_relative_name(name: str, *, where: str = "") -> str:
    """`name` unchanged, if it names a file below whatever folder it is joined to, on every system.

    Raises `UnsafePathError` for what could leave that folder or cannot be a file name: empty, absolute or too long;
    a backslash, NUL or another control character; a segment that is empty, ``.`` or ``..``; a drive letter.
    """
    fault = _fault(name)
    if fault:
        raise UnsafePathError(f"the name {name[:200]!r} {fault}", where=where)
    return name


def _fault(name: str) -> str:
    segments = name.split("/")
    if not name:
        return "is empty"
    if len(name) > LONGEST_NAME or any(len(segment.encode(errors="replace")) > LONGEST_SEGMENT for segment in segments):
        return f"is longer than file systems take ({LONGEST_NAME} characters, {LONGEST_SEGMENT} bytes a segment)"
    if name.startswith("/") or segments[0][1:2] == ":":
        return "is absolute"
    if "\\" in name:
        return "holds a backslash"
    if any(ord(letter) < 32 or ord(letter) == 127 or 0xD800 <= ord(letter) < 0xE000 for letter in name):
        return "holds a NUL or another character that no name may hold"
    if any(segment in ("", ".", "..") for segment in segments):
        return "has an empty segment, '.' or '..'"
    return ""
