"""Which stored files what is packed may come from: those that were named, and those that its card names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from weighbridge.store import Store

_SHA256 = re.compile(r"[0-9a-f]{64}")
_MOST_CARD = 1 << 20


def base_files(store: Store, named: Iterable[str], folders: Iterable[Path]) -> tuple[str, ...]:
    """SHA-256 of files in the store: of `named` (names or SHA-256), and of all under a `base_model` of these folders.

    Raises `ObjectNotFoundError` for a name that the store does not have. What a card names may be missing.
    """
    files = [name if _SHA256.fullmatch(name) else store.resolve(name) for name in named]
    if models := [model for folder in folders for model in _base_models(folder)]:
        under = tuple(f"{model}/" for model in models)
        files += [sha256 for name, sha256 in store.names(tell=lambda _: None).items() if name.startswith(under)]
    return tuple(dict.fromkeys(files))


def _base_models(folder: Path) -> Iterator[str]:
    """What the card in a folder says its model was made from."""
    card = folder / "README.md"
    if not card.is_file():
        return
    from weighbridge.documents.cards import parse_card  # only here: it brings the hub's database along

    with card.open("rb") as stream:
        said = parse_card(stream.read(_MOST_CARD)).data.get("base_model")
    yield from (model for model in (said if isinstance(said, list) else [said]) if isinstance(model, str) and model)
