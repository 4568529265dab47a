"""Adapters on the command line: whether a folder is one, its base found, and both together as a model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from weighbridge.errors import PathNotFoundError, UsageError


def safe(given: str, hub: str, token: str | None) -> Path:
    """The folder or file that a path or a name on the hub means, scanned. Raises `UnsafeError`, `PathNotFoundError`."""
    from weighbridge.cli._learn import fetch
    from weighbridge.learn.start import find

    return find(given, where=Path(), resolve=fetch(hub, token)).path


def ensure_is_adapter(folder: Path) -> None:
    """Raises `PathNotFoundError` for a folder that holds no adapter in peft's files."""
    from weighbridge.learn.start.source import ADAPTER_CONFIG, ADAPTER_WEIGHTS

    missing = [name for name in (ADAPTER_CONFIG, ADAPTER_WEIGHTS) if not (folder / name).is_file()]
    if missing:
        raise PathNotFoundError(f"there is no {missing[0]} here", where=str(folder), hint="Name an adapter's folder.")


def ensure_meant(base: str, adapter: Path) -> None:
    """Refuse a base of another name on a hub than the adapter names; a path may hold what it likes."""
    from weighbridge.learn.evaluation.adapted import base_named

    named = base_named(adapter)
    given = base.partition("@")[0].removeprefix("hub:")
    if _is_name(given) and _is_name(named) and given != named.partition("@")[0].removeprefix("hub:"):
        hint = "If they are the same weights, give the base as a folder."
        raise UsageError(f"the adapter is for {named}, and the base given is {given}", where=str(adapter), hint=hint)


@contextmanager
def usable(folder: Path, base: str | None, hub: str, token: str | None) -> Iterator[Path]:
    """The model to measure or ask: `folder` itself, or what a bare adapter is on its base, as long as it is needed.

    `base` says where the base lies; where the adapter says, by default.
    """
    from weighbridge.learn.start import Start

    if not Start(str(folder), folder).is_adapter:
        if base is not None:
            raise UsageError("--base is for an adapter, and this folder holds weights", where=str(folder))
        yield folder
        return
    from weighbridge.learn.evaluation.adapted import base_named, build_adapted

    ensure_is_adapter(folder)
    named = base or base_named(folder)
    if base is not None:
        ensure_meant(base, folder)
    try:
        below = safe(named, hub, token) if named else None
    except (PathNotFoundError, UsageError) as error:
        if base is None:
            error.hint = f"The adapter is for {named}. Say where that lies: --base."
        raise
    if below is None:
        raise UsageError("the adapter does not say what it is for", where=str(folder), hint="Give --base.")
    safe(str(folder.resolve()), "", None)
    with TemporaryDirectory(prefix="weigh-adapter-") as scratch:
        yield build_adapted(below, folder, Path(scratch) / "model")


def _is_name(text: str) -> bool:
    return text.count("/") == 1 and not text.startswith((".", "/", "~")) and not Path(text).exists()
