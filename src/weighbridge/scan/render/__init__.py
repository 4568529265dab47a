"""Verdicts as text for people, and as TSV, JSON, SARIF and CycloneDX for programs. One module each.

`write(format, verdicts, stream)` passes the verdicts on as they come: text and TSV are written line by line, the
others once all are known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import TextIO

from weighbridge.scan.model import FileVerdict

_BY_LINE = ("text", "tsv")


def write(format: str, verdicts: Iterable[FileVerdict], stream: TextIO) -> Iterator[FileVerdict]:  # noqa: A002
    """Write in this format; gives the verdicts back, each once it is written or kept."""
    module = import_module(f"weighbridge.scan.render.{format}")
    if format in _BY_LINE:
        line: Callable[[FileVerdict], str] = module.line
        for verdict in verdicts:
            stream.write(printable(line(verdict)))
            yield verdict
        return
    kept = []
    for verdict in verdicts:
        kept.append(verdict)
        yield verdict
    document: Callable[[list[FileVerdict]], str] = module.document
    stream.write(document(kept) + "\n")


def printable(text: str) -> str:
    """What any stream takes: names that are no UTF-8 are escaped."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
