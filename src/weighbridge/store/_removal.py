"""Taking files out of a store: their names, and then their manifests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress

from weighbridge.errors import CorruptError, ObjectNotFoundError, StorageFullError, StoreError, StoreVersionError
from weighbridge.store._catalog import Catalog
from weighbridge.store._holds import hold
from weighbridge.store._keys import file_key, name_key
from weighbridge.store._securing import endangered
from weighbridge.store.backends import Backend
from weighbridge.store.manifests import Manifest


def unbind(backend: Backend, name: str) -> None:
    """Take a name away; it need not be there."""
    with suppress(ObjectNotFoundError):
        backend.delete(name_key(name))


def remove_file(backend: Backend, catalog: Catalog, sha256: str, names: Callable[[], Mapping[str, str]]) -> bool:
    """Remove a file unless it has a name. Whether it was removed.

    Somebody may bind a name to it at the same time. Whoever binds looks whether the file is there after that, and we
    look at the names again after the file is gone: one of the two always notices. A hold keeps collectors away so long.
    """
    if sha256 in names().values():
        return False
    try:
        sealed = backend.get(file_key(sha256))
    except ObjectNotFoundError:
        return False
    manifest = _decoded(sealed, sha256)
    with hold(backend, {block.digest for block in manifest.blocks} if manifest else set()):
        whole = manifest is not None and not endangered(catalog, [manifest], {})
        with suppress(ObjectNotFoundError):
            backend.delete(file_key(sha256))
        if sha256 not in names().values():
            return True
        if not whole:
            raise StoreError(f"was removed while somebody gave it a name; store it again: sha256 {sha256}")
        backend.put(file_key(sha256), [sealed])
        return False


@contextmanager
def _held(backend: Backend, manifest: Manifest | None) -> Iterator[bool]:
    """Hold the blocks of a file. Gives whether they are held: nobody may need room to make room."""
    with ExitStack() as stack:
        try:
            stack.enter_context(hold(backend, {block.digest for block in manifest.blocks} if manifest else set()))
        except StorageFullError:
            yield False
            return
        yield True


def _decoded(sealed: bytes, sha256: str) -> Manifest | None:
    try:
        return Manifest.decode(sealed, sha256)
    except (CorruptError, StoreVersionError):  # a damaged file can be removed too
        return None
