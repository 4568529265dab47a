"""What a store needs: which blocks its roots name, and which copy of each is to stay (spec/store.md, Collection)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field

from weighbridge.errors import ObjectNotFoundError, StoreError
from weighbridge.store import _holds
from weighbridge.store._keys import FILES, HOLDS, PACKS, id_in
from weighbridge.store.backends import Backend, Listed
from weighbridge.store.manifests import Manifest
from weighbridge.store.packs import Entry, pack_of, read_footer

Copies = Mapping[bytes, list[Entry]]


@dataclass(slots=True)
class Packs:
    """All packs that were listed, with what their footers say: the index may lie, and must not decide what goes."""

    listed: dict[str, Listed] = field(default_factory=dict)
    entries: dict[str, list[Entry]] = field(default_factory=dict)
    unreadable: dict[str, StoreError] = field(default_factory=dict)

    def read(self, backend: Backend, pool: Executor) -> None:
        """List the packs, and read the footers that were not read before: packs never change."""
        self.listed = {pack_of(listed): listed for listed in backend.list(PACKS) if id_in(listed.key)}
        self.entries = {pack: entries for pack, entries in self.entries.items() if pack in self.listed}
        new = [pack for pack in self.listed if pack not in self.entries]
        for pack, found in zip(new, pool.map(lambda pack: _footer(backend, self.listed[pack]), new), strict=True):
            if isinstance(found, ObjectNotFoundError):
                del self.listed[pack]
            elif isinstance(found, StoreError):
                self.unreadable[pack] = found
            else:
                self.entries[pack] = found

    def copies(self, packs: Iterable[str]) -> Copies:
        """Where in these packs each block lies."""
        found: dict[bytes, list[Entry]] = defaultdict(list)
        for pack in packs:
            for entry in self.entries.get(pack, ()):
                found[entry.digest].append(entry)
        return found


def needed(backend: Backend, without: Collection[str] = ()) -> set[bytes]:
    """The blocks that roots name, some files left out. Raises what makes a root unreadable: who knows its needs?"""
    blocks: set[bytes] = set()
    for listed in [*backend.list(HOLDS), *backend.list(FILES)]:  # holds first: they go when manifests have come
        name = id_in(listed.key)
        if name and name not in without:
            blocks |= _named(backend, listed.key, name)
    return blocks


def choose(roots: set[bytes], copies: Copies) -> dict[bytes, Entry]:
    """The copy to keep of every block that is needed: the smallest that can be decoded, and what that refers to.

    A block that others refer to is kept without references. Of equal copies the one in the pack with the most that is
    needed stays, so that what a rewritten pack holds is preferred to the old one.
    """
    rank = _ranking(roots, copies)

    def plain(digest: bytes) -> list[Entry]:
        return [entry for entry in copies.get(digest, ()) if not entry.references]

    def best(found: Iterable[Entry]) -> Entry | None:
        return min((entry for entry in found if all(map(plain, entry.references))), key=rank, default=None)

    kept = {digest: entry for digest in roots if (entry := best(copies.get(digest, ())))}
    bases = {base for entry in kept.values() for base in entry.references}
    kept |= {base: entry for base in bases if (entry := best(plain(base)))}
    still = {base for digest in roots if digest in kept for base in kept[digest].references}
    return {digest: entry for digest, entry in kept.items() if digest in roots or digest in still}


def _ranking(roots: set[bytes], copies: Copies) -> Callable[[Entry], tuple[int, float, str]]:
    every = [entry for entries in copies.values() for entry in entries]
    wanted = roots | {base for entry in every if entry.digest in roots for base in entry.references}
    whole: dict[str, int] = defaultdict(int)
    live: dict[str, int] = defaultdict(int)
    for entry in every:
        place = entry.location
        whole[place.pack] += place.stored
        live[place.pack] += place.stored if entry.digest in wanted else 0
    return lambda entry: (
        entry.location.stored,
        -live[entry.location.pack] / whole[entry.location.pack],
        entry.location.pack,
    )


def _named(backend: Backend, key: str, name: str) -> set[bytes]:
    try:
        sealed = backend.get(key)
    except ObjectNotFoundError:  # released or removed since it was listed
        return set()
    if key.startswith(HOLDS):
        return _holds.decode(sealed, name)
    return {block.digest for block in Manifest.decode(sealed, name).blocks}


def _footer(backend: Backend, listed: Listed) -> list[Entry] | StoreError:
    try:
        return read_footer(backend, pack_of(listed), listed.size)
    except StoreError as error:
        return error
