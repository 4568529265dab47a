"""Claims: names that say who else names this store's files, in a database of his own (spec/store.md, Claims)."""

from __future__ import annotations

from collections.abc import Iterable

PREFIX = ".weighbridge/claims/"


def claim_name(owner: str) -> str:
    return PREFIX + owner


def claimants(names: Iterable[str]) -> frozenset[str]:
    """Whose claims are among these names."""
    return frozenset(name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX))
