"""Writing files for people: only where they asked, whole or not at all, and never over something by surprise."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from weighbridge.errors import UnsafePathError, UsageError
from weighbridge.tensors.names import safe_relative_name


def target(out: Path, name: str, *, replace: bool) -> Path:
    """Where a file of this name goes under `out`.

    Raises `UnsafePathError` for a name that is no plain relative path or would leave the folder, `UsageError` where
    something is there already that may not be replaced.
    """
    path = out / safe_relative_name(name)
    if not path.resolve().is_relative_to(out.resolve()):
        raise UnsafePathError(f"{name!r} would be written outside of {out}")
    if path.is_dir():
        raise UsageError("is a folder, so no file can be written there", where=str(path))
    if path.exists() and not replace:
        raise UsageError("exists already", where=str(path), hint="Pass --force to replace it.")
    return path


@contextmanager
def appearing(path: Path, *, replace: bool) -> Iterator[Path]:
    """Where to write, durably, a file that appears at `path` when the block ends well; otherwise nothing does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        yield part
        if replace:
            part.replace(path)
        else:
            path.hardlink_to(part)  # unlike a rename, this fails where a file has appeared meanwhile
    except FileExistsError:
        raise UsageError("exists already", where=str(path), hint="Pass --force to replace it.") from None
    finally:
        part.unlink(missing_ok=True)
