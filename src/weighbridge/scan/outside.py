"""Whether a path that a file names leads out of the folder the file lies in, on any system."""

from __future__ import annotations

import re

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]{1,20}://")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


def leads_outside(path: str) -> str:
    """How it leaves: "is absolute", "climbs out by '..'", "is an address", "starts at a home"; "" where it does not."""
    if _SCHEME.match(path):
        return "is an address"
    if path.startswith(("/", "\\")) or _DRIVE.match(path):
        return "is absolute"
    if path.startswith("~"):
        return "starts at a home folder"
    depth = 0
    for part in re.split(r"[\\/]", path):
        depth += -1 if part == ".." else 0 if part in ("", ".") else 1
        if depth < 0:
            return "climbs out of its folder by '..'"
    return ""
