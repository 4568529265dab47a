"""``clean|dangerous|error<TAB>path``, a line a file."""

from __future__ import annotations

from weighbridge.scan.model import FileVerdict

_ESCAPES = str.maketrans({"\t": "\\t", "\n": "\\n", "\r": "\\r"})


def line(verdict: FileVerdict) -> str:
    return f"{verdict.status}\t{verdict.path.translate(_ESCAPES)}\n"
