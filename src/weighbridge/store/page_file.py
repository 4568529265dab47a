"""Writing a large new file without its bytes passing through the page cache.

A buffered write costs as much of a core as packing does: a copy, a page to find for every 4 KiB, and all that once more
when it is flushed. Written directly from memory, the core is free and the file is on its disk at the end. It is not in
the page cache afterwards, which a packed model does not miss (docs/design/0011-where-the-time-goes.md).
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

PAGE = 4096
"""Offset, length and memory of a direct write are multiples of this. No common disk or file system asks for more."""
DIRECT_LEAST = 4 << 20
"""Files below this are written as usual: they are more likely to be read again soon than to be in the way."""

_GATHERED = 4 << 20
_DIRECT = getattr(os, "O_DIRECT", 0)  # Linux alone has it


class PageFile:
    """A new file, written from front to back in whole pages, then its last bytes. Not for several threads.

    Raises `FileExistsError` where something is there, unless the caller `made` it, empty, and `OSError` for whatever
    else the system refuses.
    """

    def __init__(self, path: Path, *, made: bool = False) -> None:
        self._direct = bool(_DIRECT)
        flags = os.O_WRONLY | os.O_CLOEXEC | (0 if made else os.O_CREAT | os.O_EXCL)
        try:
            self._descriptor = os.open(path, flags | _DIRECT, 0o666)
        except OSError as error:
            if error.errno != errno.EINVAL:  # the file system knows no direct writes; it may have made the file
                raise
            if not made:
                path.unlink(missing_ok=True)
            self._direct = False
            self._descriptor = os.open(path, flags, 0o666)
        self._at = 0

    def write_pages(self, pages: memoryview) -> None:
        """Whole pages, from memory that begins at a page (`page_memory`)."""
        done = 0
        while done < len(pages):
            if done % PAGE:  # a disk that filled up took part of a page
                self._be_plain()
            try:
                done += os.pwrite(self._descriptor, pages[done:], self._at + done)
            except OSError as error:
                if error.errno != errno.EINVAL or not self._direct:
                    raise
                self._be_plain()  # this disk wants larger pages than ours
        self._at += done

    def finish(self, tail: memoryview | bytes = b"") -> None:
        """The last bytes, of any number; the content of the file is durable when this returns."""
        if len(tail):
            self._be_plain()
            view, done = memoryview(tail), 0
            while done < len(view):
                done += os.pwrite(self._descriptor, view[done:], self._at + done)
            self._at += done
        os.fsync(self._descriptor)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _be_plain(self) -> None:
        if self._direct:
            flags = fcntl.fcntl(self._descriptor, fcntl.F_GETFL)
            fcntl.fcntl(self._descriptor, fcntl.F_SETFL, flags & ~_DIRECT)
            self._direct = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def page_memory(nbytes: int) -> memoryview:
    """Memory that begins at a page, zeros; what is never touched costs nothing."""
    return memoryview(mmap.mmap(-1, -(-nbytes // PAGE) * PAGE))


def write_parts(path: Path, parts: Iterable[bytes], *, made: bool = False) -> None:
    """A new file of these parts, durable when this returns. `made`: the caller has made it, and it is empty."""
    gathered, held = page_memory(_GATHERED), 0
    with PageFile(path, made=made) as file:
        for part in parts:
            view, at = memoryview(part), 0
            while at < len(view):
                step = min(len(view) - at, _GATHERED - held)
                gathered[held : held + step] = view[at : at + step]
                held, at = held + step, at + step
                if held == _GATHERED:
                    file.write_pages(gathered)
                    held = 0
        whole = held // PAGE * PAGE
        file.write_pages(gathered[:whole])
        file.finish(gathered[whole:held])
