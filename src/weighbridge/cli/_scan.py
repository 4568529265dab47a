"""What `weigh scan` does once its arguments are known, and the arguments themselves where they are plain."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from weighbridge.errors import PathNotFoundError, UsageError

FORMATS = ("text", "json", "sarif", "tsv", "cyclonedx")


@dataclass(frozen=True, slots=True)
class Asked:
    """The arguments of one scan."""

    paths: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    format: str = "text"
    allow: tuple[str, ...] = ()


def plain_arguments(arguments: list[str]) -> Asked | None:
    """The arguments, where each is a path or one of our options with its value; None where Typer has to look."""
    paths: list[str] = []
    options: dict[str, list[str]] = {"--files-from": [], "--format": [], "--allow": []}
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            paths.extend(rest)
            break
        name, equals, value = argument.partition("=")
        if name in options:
            given = value if equals else next(rest, None)
            if given is None:
                return None
            options[name].append(given)
        elif argument.startswith("-"):
            return None
        else:
            paths.append(argument)
    chosen = options["--format"][-1] if options["--format"] else "text"
    if chosen not in FORMATS or not (paths or options["--files-from"]):
        return None
    return Asked(tuple(paths), tuple(options["--files-from"]), chosen, tuple(options["--allow"]))


def run_scan(asked: Asked) -> int:
    """Scan and print. Returns the exit status: 0 clean, 1 dangerous, 2 could not tell."""
    from weighbridge.scan import exit_status, scan
    from weighbridge.scan.render import write

    allowed = frozenset(name for path in asked.allow for name in _allowed(path))
    verdicts = list(write(asked.format, scan(_paths(asked), allowed), sys.stdout))
    sys.stdout.flush()
    return exit_status(verdicts)


def _paths(asked: Asked) -> Iterator[str]:
    yield from asked.paths
    for name in asked.lists:
        yield from _lines(name)


def _lines(name: str) -> Iterator[str]:
    """The lines of a file; ``-`` is standard input. A list that separates names by NUL is taken so too."""
    if name == "-":
        data = sys.stdin.buffer.read()
    else:
        try:
            data = Path(name).read_bytes()
        except OSError as error:
            raise PathNotFoundError(f"cannot be read: {error.strerror or error}", where=name) from None
    text = data.decode("utf-8", "surrogateescape")
    return (line for line in (text.split("\0") if "\0" in text else text.splitlines()) if line)


def _allowed(path: str) -> Iterator[str]:
    """Imports that the user vouches for: one ``module:name`` a line, comments after ``#``."""
    for number, line in enumerate(_lines(path), 1):
        entry = line.partition("#")[0].strip()
        if not entry:
            continue
        module, colon, name = entry.partition(":")
        if not (colon and module and name) or "*" in entry or " " in entry:
            raise UsageError(f"expected module:name, found {entry[:80]!r}", where=f"{path} line {number}")
        yield entry
