"""How far a long job has come: a list of what is done, in the cache folder, which may be lost at any time."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


class Notes:
    """Lines in a file that begins with what they are about. Notes about anything else are forgotten."""

    def __init__(self, folder: Path | None, name: str, about: str) -> None:
        self._path = folder / name if folder else None
        self._about = about
        self.done: set[str] = set()
        if self._path is not None:
            with suppress(OSError, UnicodeDecodeError):
                first, *lines = self._path.read_text("ascii").split("\n")
                self.done = set(lines[:-1]) if first == about else set()  # the last may be half a line

    def add(self, line: str) -> None:
        """Note that this is done. Where that cannot be written, it will only be done again."""
        fresh = not self.done
        self.done.add(line)
        if self._path is None:
            return
        with suppress(OSError):
            self._path.parent.mkdir(exist_ok=True)
            with self._path.open("w" if fresh else "a", encoding="ascii") as file:
                file.write(f"{self._about}\n{line}\n" if fresh else f"{line}\n")

    def clear(self) -> None:
        self.done = set()
        if self._path is not None:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)
