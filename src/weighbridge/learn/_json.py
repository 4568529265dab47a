"""JSON files beside a model: small objects, read with errors that name the file, written whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from weighbridge.errors import FormatError, LimitError, PathNotFoundError

MAX_BYTES = 16 << 20


def read_object(path: Path) -> dict[str, Any]:
    """The object that the file holds. Raises `PathNotFoundError`, `LimitError` or `FormatError`."""
    if not path.is_file():
        raise PathNotFoundError("there is no such file", where=str(path))
    if path.stat().st_size > MAX_BYTES:
        raise LimitError(f"has more than {MAX_BYTES:,} bytes, which no such file needs", where=str(path))
    try:
        value = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise FormatError(f"is no JSON: {error}", where=str(path)) from None
    if not isinstance(value, dict):
        raise FormatError(f"expected a JSON object, found {type(value).__name__}", where=str(path))
    return value


def dump(value: Any) -> str:
    """The text of a file. NaN and infinities are refused by `ValueError`: JSON has none."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write_atomic(path: Path, text: str) -> None:
    """Write a file that is there whole after a crash, or as it was before."""
    part = path.with_name(f".{path.name}.part")
    with part.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
