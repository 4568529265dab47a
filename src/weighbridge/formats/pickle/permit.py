"""One entry of the allowlist, and the short notation in which the lists are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Rule = Literal[
    "",
    "calls_first",
    "calls_later",
    "known_attribute",
    "known_codec",
    "known_state",
    "makes_instance",
    "nested_torch",
    "plain_range",
    "plain_type",
]

ANY = frozenset({"call", "new"})
INSTANCE = frozenset({"new"})


@dataclass(frozen=True, slots=True)
class Permit:
    """A name that is harmless to import, and harmless to call in one of `ways` with any arguments whatever.

    `rule` names the check of its arguments (`judge`) where that is true of some arguments only.
    """

    reason: str
    ways: frozenset[str] = ANY
    rule: Rule = ""


def group(reason: str, entries: str, ways: frozenset[str] = ANY, rule: Rule = "") -> dict[tuple[str, str], Permit]:
    """Permits for ``module:name,name module:name``: one reason, one promise, many names."""
    permit = Permit(reason, ways, rule)
    return {
        (entry.partition(":")[0], name): permit
        for entry in entries.split()
        for name in entry.partition(":")[2].split(",")
    }
