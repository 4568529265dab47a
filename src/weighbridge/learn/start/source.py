"""From what a recipe says to weights on this machine that are safe to open."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from weighbridge.checks import check
from weighbridge.errors import PathNotFoundError, UnsafeError, UsageError
from weighbridge.learn.data.places import resolve as find_place
from weighbridge.report import Finding, Severity

Resolve: TypeAlias = Callable[[str], Path]
_ON_A_HUB = re.compile(r"(hub:)?[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}(@[\w./-]+)?")
ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
_SUFFIXES = (".safetensors", ".pth", ".pt", ".bin")
_FULL_WEIGHTS = ("model.safetensors", "pytorch_model.bin")


@dataclass(frozen=True, slots=True)
class Start:
    """`given` is what the recipe says, `path` a file or folder; `warnings` are findings that do not forbid its use."""

    given: str
    path: Path
    warnings: tuple[Finding, ...] = ()

    @property
    def is_adapter(self) -> bool:
        """Whether it holds an adapter for other weights and not weights of its own."""
        if not (self.path / ADAPTER_CONFIG).is_file():
            return False
        return not any((self.path / name).is_file() for name in _FULL_WEIGHTS)


def find(given: str, *, where: Path, resolve: Resolve | None = None) -> Start:
    """The place that `given` means, scanned.

    A path is relative to `where`, the recipe's folder; ``package:NAME`` is in an installed package. What is no path
    there and reads ``org/model@revision`` goes to `resolve`, which gives a folder. Raises `PathNotFoundError`, and
    `UnsafeError` where a check finds danger.
    """
    path = _place(given, where, resolve)
    findings = _scan(path)
    dangers = [each for each in findings if each.severity is Severity.DANGER]
    if dangers:
        first = dangers[0]
        more = f" (and {len(dangers) - 1} more)" if len(dangers) > 1 else ""
        raise UnsafeError(f"these starting weights are unsafe: {first.message}{more}", where=first.where or str(path))
    return Start(given, path, tuple(each for each in findings if each.severity is Severity.WARNING))


def _place(given: str, where: Path, resolve: Resolve | None) -> Path:
    if given.startswith("package:"):
        return _weights_in(find_place(given, where, None).path)
    path = where / Path(given).expanduser()
    if path.exists():
        return path
    if not _ON_A_HUB.fullmatch(given):
        raise PathNotFoundError("there are no starting weights here", where=str(path))
    if resolve is None:
        raise UsageError(
            f"{given!r} is no path here, and there is no hub to ask for it",
            hint="Name a hub (--hub or WEIGHBRIDGE_HUB), or give a path.",
        )
    return resolve(given.removeprefix("hub:"))


def _weights_in(folder: Path) -> Path:
    """The one file of weights in a package's folder, which holds code besides."""
    if folder.is_file():
        return folder
    found = sorted(each for each in folder.iterdir() if each.suffix in _SUFFIXES)
    if len(found) != 1:
        names = ", ".join(each.name for each in found[:5]) or "none"
        raise PathNotFoundError(
            f"expected one file of weights, found {names}", where=str(folder), hint="Name it: package:NAME/FILE."
        )
    return found[0]


def _scan(path: Path) -> tuple[Finding, ...]:
    return check(path, only=("safety",)).findings
