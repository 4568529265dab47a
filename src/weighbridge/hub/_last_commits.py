"""Which commit last changed each of some entries: a walk from the newest commit, comparing each with the one before.

Only the folders that hold the entries are compared, each at most once for every commit in which it differs. So the
cost is that of the history's changes to these folders, not of all that lies in them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import islice, pairwise

from sqlalchemy.orm import Session

from weighbridge.hub._reading import ancestors, load_tree
from weighbridge.hub._rows import commit_of
from weighbridge.hub.git import EMPTY_TREE
from weighbridge.hub.model import Commit, Entry
from weighbridge.hub.sql.tables import CommitRow

# Beyond these an answer would take longer than clients wait: the entry then has no last commit.
MOST_COMMITS = 1000
_MOST_KEPT = 256


class _Names:
    """What lies in a folder at each commit: names and their oids. Keeps the folders it read last."""

    def __init__(self, session: Session, repo: int) -> None:
        self._session = session
        self._repo = repo
        self._kept: dict[str, dict[str, str]] = {EMPTY_TREE: {}}

    def folder(self, root: str, path: str) -> str:
        """The oid of the folder at `path`; the empty one where it is missing."""
        oid = root
        for segment in path.split("/") if path else ():
            oid = self.names(oid).get(segment, EMPTY_TREE)
        return oid

    def names(self, oid: str) -> dict[str, str]:
        if oid not in self._kept:
            while len(self._kept) > _MOST_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[oid] = {node.name: node.oid for node in load_tree(self._session, self._repo, oid)}
        return self._kept[oid]


def last_commits(session: Session, repo: int, newest: CommitRow, entries: Sequence[Entry]) -> dict[str, Commit]:
    """For each path of `entries`, which are those of `newest`, the commit that last changed it."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        folder, _, name = entry.path.rpartition("/")
        wanted[folder].add(name)
    names = _Names(session, repo)
    found: dict[str, Commit] = {}
    line = islice(ancestors(session, repo, newest.oid), MOST_COMMITS + 1)
    for newer, older in pairwise([*line, None]):
        if not wanted or newer is None:
            break
        if older is None and newer.parent:
            break  # the history goes on beyond what we look at
        changed = _changed(names, newer.tree, older.tree if older else EMPTY_TREE, wanted)
        found |= dict.fromkeys(changed, commit_of(newer))
    return found


def _changed(names: _Names, newer: str, older: str, wanted: dict[str, set[str]]) -> list[str]:
    """The wanted paths that differ between two trees; they are wanted no more."""
    changed = []
    for folder in list(wanted) if newer != older else ():
        after, before = names.folder(newer, folder), names.folder(older, folder)
        if after == before:
            continue
        now, then = names.names(after), names.names(before)
        differ = {name for name in wanted[folder] if now.get(name) != then.get(name)}
        changed += [f"{folder}/{name}" if folder else name for name in differ]
        wanted[folder] -= differ
        if not wanted[folder]:
            del wanted[folder]
    return changed
