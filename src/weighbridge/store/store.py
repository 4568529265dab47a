"""The store: files in, files out, by content and by name."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Self

from weighbridge.errors import (
    CorruptError,
    ObjectNotFoundError,
    StorageFullError,
    StoreError,
    StoreVersionError,
    UsageError,
)
from weighbridge.store import _bindings, _keys
from weighbridge.store._catalog import Catalog
from weighbridge.store._claims import claim_name, claimants
from weighbridge.store._families import Families
from weighbridge.store._index import BlockIndex
from weighbridge.store._ingest import Ingest
from weighbridge.store._opening import index_path, store_id
from weighbridge.store._pack_writer import PackWriter
from weighbridge.store._reader import BlockReader
from weighbridge.store._removal import remove_file, unbind
from weighbridge.store._shelf import Shelf
from weighbridge.store._stat import stat
from weighbridge.store._stored_file import AHEAD, StoredFile
from weighbridge.store.backends import Backend, connect
from weighbridge.store.manifests import Manifest
from weighbridge.store.values import (
    Collected,
    GcOptions,
    Progress,
    Stages,
    Stored,
    StoreStat,
    VerifyOptions,
    VerifyResult,
    no_stages,
)
from weighbridge.tensors import ByteSource, BytesSource

if TYPE_CHECKING:
    from weighbridge.store._repair import Place

MOST_THREADS = 4
DISTANT_READS = 8
"""Blocks of a distant store that are on their way at once: its answers are waited for, not computed."""


class Store:
    """Files by SHA-256, and names for them. Safe from several threads; any number of processes may use one folder."""

    def __init__(self, backend: Backend, store_id: str, index: BlockIndex, threads: int | None = None) -> None:
        self._backend = backend
        self.id = store_id
        self._threads = threads or min(os.cpu_count() or 1, MOST_THREADS)
        workers = max(self._threads, DISTANT_READS) if backend.distant else self._threads
        self._pool = ThreadPoolExecutor(workers, "weighbridge-store")
        self._index = index
        self._catalog = Catalog(backend, index)
        self._catalog.refresh()
        self._reader = BlockReader(backend, self._catalog)

    @classmethod
    def open(
        cls,
        location: str | os.PathLike[str],
        *,
        create: bool = False,
        threads: int | None = None,
        damaged: bool = False,
    ) -> Store:
        """The store at this path or URL, made there if `create` and nothing else is there.

        `threads` code and decode blocks; all cores up to four if not given. Raises `PathNotFoundError` or `UsageError`
        where there is no store, `StoreVersionError` for one that a later version made. `damaged` opens also a store
        whose configuration is damaged or lost, so that it can be verified and repaired.
        """
        return cls.on(connect(location, create=create), create=create, threads=threads, damaged=damaged)

    @classmethod
    def on(cls, backend: Backend, *, create: bool = False, threads: int | None = None, damaged: bool = False) -> Store:
        """The store that this backend keeps; otherwise as `open`."""
        store = store_id(backend, create=create, damaged=damaged)
        return cls(backend, store, BlockIndex(index_path(backend, store)), threads)

    def add(self, source: ByteSource, *, progress: Progress | None = None, bases: Iterable[str] = ()) -> Stored:
        """Store a file. When this returns, it is on disk, and every process that opens the store can read it back.

        A tensor that resembles one of another file is kept as its difference from it. Such files are found among all;
        `bases` are the SHA-256 of some to look at first. They need not be in the store.
        """
        return self.add_many([source], progress=progress, bases=bases)[0]

    def add_many(
        self, sources: Iterable[ByteSource], *, progress: Progress | None = None, bases: Iterable[str] = ()
    ) -> list[Stored]:
        """Store files that share packs: much cheaper than one by one where they are small. Safe when this returns."""
        hints = tuple(bases)
        for sha256 in hints:
            _ensure_digest(sha256)
        with PackWriter(self._catalog) as packs:
            shelf = Shelf(Families(self._backend, self._index), self._catalog, self._reader, packs)
            window = 2 * self._threads + 2
            ingest = Ingest(self._backend, self._catalog, self._pool, packs, shelf, window=window, hints=hints)
            for source in sources:
                ingest.take(source, progress)
            return ingest.finish()

    def has(self, sha256: str) -> bool:
        """Whether the store holds this file."""
        try:
            self.manifest(sha256)
        except ObjectNotFoundError:
            return False
        return True

    def file(self, sha256: str, *, name: str = "") -> StoredFile:
        """The stored file. Raises `ObjectNotFoundError`. `name` is what errors call it."""
        ahead = DISTANT_READS if self._backend.distant else AHEAD
        return StoredFile(self.manifest(sha256), self._reader, self._pool, name, ahead=ahead)

    def manifest(self, sha256: str) -> Manifest:
        """How this file is put together."""
        _ensure_digest(sha256)
        try:
            sealed = self._backend.get(_keys.file_key(sha256))
        except ObjectNotFoundError:
            raise ObjectNotFoundError(f"the store holds no file with sha256 {sha256}") from None
        return Manifest.decode(sealed, sha256)

    def bind(self, name: str, sha256: str) -> str | None:
        """Give a stored file a name. Returns the SHA-256 that the name stood for before, None for a new name."""
        _bindings.ensure_name(name)
        if not self.has(sha256):
            raise ObjectNotFoundError(f"the store holds no file with sha256 {sha256} to bind to {name!r}")
        before = self._bound(name)
        if before != sha256:
            self._backend.put(_keys.name_key(name), [_bindings.encode(name, sha256)], replace=True)
            if not self.has(sha256):  # see remove_file
                raise ObjectNotFoundError(f"the file was removed while {name!r} was bound to it; store it again")
        return before

    def resolve(self, name: str) -> str:
        """The SHA-256 of the file with this name. Raises `ObjectNotFoundError`."""
        _bindings.ensure_name(name)
        key = _keys.name_key(name)
        try:
            return _bindings.decode(self._backend.get(key), key)[1]
        except ObjectNotFoundError:
            raise ObjectNotFoundError(f"the store has no file named {name!r}") from None

    def names(self, *, tell: Callable[[StoreError], None] | None = None) -> dict[str, str]:
        """Every name and the SHA-256 it stands for, in the order of names.

        Raises `CorruptError` for a damaged binding; with `tell`, that is told of each, and the sound ones are returned.
        """
        found: dict[str, str] = {}
        for listed in self._backend.list(_keys.NAMES):
            try:
                found.update([bound] if (bound := self._binding(listed.key)) else [])
            except (CorruptError, StoreVersionError) as error:
                if tell is None:
                    raise
                tell(error)
        return dict(sorted(found.items()))

    def _binding(self, key: str) -> tuple[str, str] | None:
        """What is bound under this key; None for a stray, and for what was removed since it was listed."""
        try:
            return _bindings.decode(self._backend.get(key), key) if _keys.id_in(key) else None
        except ObjectNotFoundError:
            return None

    def remove(self, name: str, *, keep_file: bool = False) -> bool:
        """Take a name from its file, and the file out of the store unless it has other names or `keep_file`.

        Whether the file went too. What only it needed is garbage from then on, which `gc` collects. In a store that a
        hub has claimed the file stays: the hub may need it, and takes it out itself if not.
        """
        try:
            sha256 = None if keep_file else self.resolve(name)
        except CorruptError:
            sha256 = None  # a damaged binding can be removed too
        claimed = bool(self.claimants()) and not claimants([name])
        unbind(self._backend, name)
        return sha256 is not None and not claimed and self.remove_file(sha256)

    def remove_file(self, sha256: str) -> bool:
        """Take a file without a name out of the store. Whether it was there, and had none."""
        return remove_file(self._backend, self._catalog, sha256, self.names)

    def files(self) -> Iterator[tuple[str, float]]:
        """The SHA-256 of every stored file, and when it was acknowledged, in seconds since 1970."""
        for listed in self._backend.list(_keys.FILES):
            if sha256 := _keys.id_in(listed.key):
                yield sha256, listed.modified

    def claim(self, owner: str, note: str) -> None:
        """Say that `owner`, a hub's id, names files of this store elsewhere: files without a name are his to remove.

        `note` tells people who that is.
        """
        name = claim_name(owner)
        if self._bound(name) is None:
            self.bind(name, self.add(BytesSource(note.encode(), name)).sha256)

    def claimants(self) -> frozenset[str]:
        """Who has claimed this store."""
        return claimants(self.names(tell=lambda _error: None))

    def gc(self, options: GcOptions | None = None, *, stages: Stages = no_stages) -> Collected:
        """Delete what no file needs, while others may read and write. See `GcOptions`."""
        from weighbridge.store._gc import Collector  # here, as below: who packs a file should not wait for it

        return Collector(self._backend, self._catalog, self._pool, options or GcOptions(), stages).run()

    def repack(
        self, options: GcOptions | None = None, *, newer_bases: bool = False, stages: Stages = no_stages
    ) -> Collected:
        """Collect, code again what can be kept in fewer bytes now, and merge small packs. As safe as `gc`.

        Blocks are coded against bases that were not seen when they came, of older files; of newer files, too, if
        `newer_bases`: that may make what was there first slower to read.
        """
        from weighbridge.store._rebase import Rebaser
        from weighbridge.store._repack import Repacker

        cache = self._backend.cache(self.id)
        options = options or GcOptions()
        parts = (self._catalog, Families(self._backend, self._index), self._reader, self._pool, stages, cache)
        repacker = Repacker(self._backend, self._catalog, self._reader, self._pool, options, stages, cache)
        try:
            rebased = Rebaser(self._backend, *parts, newer=newer_bases).run()
        except StorageFullError:
            if not repacker.run().deleted.packs:  # which may make room
                raise
            return self.repack(options, newer_bases=newer_bases, stages=stages)
        return replace(repacker.run(), rebased=rebased)

    def verify(self, options: VerifyOptions | None = None, *, progress: Progress | None = None) -> VerifyResult:
        """Read and check every bit. `progress` counts bytes of packs. Damage is in the result, not raised."""
        from weighbridge.store._verify import verify

        self._catalog.refresh()
        cache = self._backend.cache(self.id)
        watch = progress or (lambda _done: None)
        parts = (self._backend, self._catalog, self._reader, self._pool)
        return verify(*parts, options or VerifyOptions(), cache, watch)

    def repair(self, other: Store, found: VerifyResult, *, stages: Stages = no_stages) -> VerifyResult:
        """Mend the damage that was found with what another store has. Returns what is found then."""
        from weighbridge.store._repair import repair

        repair(self._place(), other._place(), found, self._pool, stages)
        return self.verify()

    def _place(self) -> Place:
        from weighbridge.store._repair import Place

        return Place(self._backend, self._catalog, self._reader)

    def pack_bytes(self) -> int:
        """The size of all packs: what `verify` will count up to."""
        return sum(pack.size for pack in self._backend.list(_keys.PACKS))

    def stat(self) -> StoreStat:
        """How the store's bytes add up."""
        return stat(self._backend, self._catalog)

    def close(self) -> None:
        """Let go of threads and of the index. What was acknowledged is on disk already."""
        self._pool.shutdown(cancel_futures=True)
        self._index.close()
        self._backend.close()

    def _bound(self, name: str) -> str | None:
        try:
            return self.resolve(name)
        except (ObjectNotFoundError, CorruptError):
            return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _ensure_digest(sha256: str) -> None:
    if not _keys.is_digest(sha256):
        raise UsageError(f"expected a SHA-256 in 64 lower-case hex digits, found {sha256[:80]!r}")
