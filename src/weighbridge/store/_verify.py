"""Looking at every bit of a store: what is damaged, and whom it hurts.

Three passes. Packs: every footer, every payload, every block behind it. Manifests: are they sound, and is every block
they name? Bindings: are they sound, and is there a file behind them? Only then is it known which files a damaged
object hurts, so what was found is told at the end.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field

from blake3 import blake3

from weighbridge.errors import CorruptError, ObjectNotFoundError, StoreError, StoreVersionError
from weighbridge.store import _bindings, _config, _holds, _keys, _marks, codecs
from weighbridge.store._catalog import Catalog
from weighbridge.store._reader import BlockReader
from weighbridge.store._stored_file import decode_inline
from weighbridge.store.backends import Backend, Listed
from weighbridge.store.manifests import Manifest
from weighbridge.store.packs import Entry, pack_of, read_footer
from weighbridge.store.values import Damage, FileUse, Progress, VerifyResult

_WINDOW = 8


@dataclass(slots=True)
class _Survey:
    """What was seen so far."""

    sound: set[bytes] = field(default_factory=set)
    bad_blocks: list[tuple[str, bytes, str]] = field(default_factory=list)
    bad_packs: list[tuple[str, str]] = field(default_factory=list)
    bad_files: list[tuple[str, str, str]] = field(default_factory=list)
    bad_names: list[tuple[str, str, str]] = field(default_factory=list)
    others: list[Damage] = field(default_factory=list)
    needs: dict[str, set[bytes]] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    strays: list[str] = field(default_factory=list)
    packs: int = 0
    blocks: int = 0
    nbytes: int = 0


def verify(
    backend: Backend, catalog: Catalog, reader: BlockReader, pool: Executor, progress: Progress | None = None
) -> VerifyResult:
    """Read and check everything. Damage is in the result, never raised."""
    survey = _Survey()
    packs, files, names = _sort(backend, survey)
    _verify_config(backend, survey)
    for pack in packs:
        _verify_pack(backend, catalog, reader, pool, pack, survey, progress)
    for listed in files:
        _verify_file(backend, listed, survey)
    for listed in names:
        _verify_name(backend, listed, survey)
    return VerifyResult(
        files=len(files),
        packs=survey.packs,
        blocks=survey.blocks,
        nbytes=survey.nbytes,
        damage=tuple(_damage(survey)),
        strays=tuple(survey.strays),
    )


def _sort(backend: Backend, survey: _Survey) -> tuple[list[Listed], list[Listed], list[Listed]]:
    kinds: dict[str, list[Listed]] = {kind: [] for kind in _keys.SHARDED}
    for listed in sorted(backend.list(""), key=lambda found: found.key):
        prefix = listed.key.partition("/")[0] + "/"
        if prefix in kinds and _keys.id_in(listed.key):
            kinds[prefix].append(listed)
            survey.nbytes += listed.size
        elif prefix not in (_keys.TMP, _keys.INDEX) and listed.key != _keys.CONFIG:
            survey.strays.append(listed.key)
    for listed in (*kinds[_keys.CONDEMNED], *kinds[_keys.HOLDS]):
        _verify_note(backend, listed, survey)
    return kinds[_keys.PACKS], kinds[_keys.FILES], kinds[_keys.NAMES]


def _verify_note(backend: Backend, listed: Listed, survey: _Survey) -> None:
    """A mark or a hold, which come and go: damage in them hurts no file, but keeps garbage from being collected."""
    decode = _marks.decode if listed.key.startswith(_keys.CONDEMNED) else _holds.decode
    try:
        decode(backend.get(listed.key), _keys.id_in(listed.key) or "")
    except ObjectNotFoundError:
        return
    except (CorruptError, StoreVersionError) as error:
        survey.others.append(Damage(listed.key, error.message))


def _verify_config(backend: Backend, survey: _Survey) -> None:
    try:
        _config.parse(backend.get(_keys.CONFIG))
    except StoreError as error:
        survey.others.append(Damage(_keys.CONFIG, error.message))


def _verify_pack(
    backend: Backend,
    catalog: Catalog,
    reader: BlockReader,
    pool: Executor,
    listed: Listed,
    survey: _Survey,
    progress: Progress | None,
) -> None:
    survey.packs += 1
    try:
        entries = read_footer(backend, pack_of(listed), listed.size)
    except StoreError as error:
        survey.bad_packs.append((listed.key, error.message))
        if progress:
            progress(listed.size)
        return
    if not catalog.agrees(pack_of(listed), entries):
        survey.others.append(Damage(_keys.INDEX, f"the index was wrong about {listed.key}; it has been corrected"))
    for entry, problem in _judged(backend, reader, pool, listed.key, entries):
        survey.blocks += 1
        if problem:
            survey.bad_blocks.append((listed.key, entry.digest, problem))
        else:
            survey.sound.add(entry.digest)
        if progress:
            progress(entry.location.stored)


def _judged(
    backend: Backend, reader: BlockReader, pool: Executor, key: str, entries: list[Entry]
) -> Iterator[tuple[Entry, str]]:
    """Each entry with what is wrong with it ("" for nothing), a few being looked at at any time."""
    waiting: deque[tuple[Entry, Future[str]]] = deque()
    for entry in entries:
        waiting.append((entry, pool.submit(_judge, backend, reader, key, entry)))
        if len(waiting) >= _WINDOW:
            ready, future = waiting.popleft()
            yield ready, future.result()
    for ready, future in waiting:
        yield ready, future.result()


def _judge(backend: Backend, reader: BlockReader, key: str, entry: Entry) -> str:
    place = entry.location
    try:
        payload = backend.get_range(key, place.offset, place.stored)
        if blake3(payload).digest()[:8] != entry.check:
            return "the payload does not match its check"
        raw = codecs.decode(place.codec, place.version, payload, place.raw, reader.references(place))
    except StoreError as error:
        return error.message
    return "" if blake3(raw).digest() == entry.digest else "the payload decodes to other bytes"


def _verify_file(backend: Backend, listed: Listed, survey: _Survey) -> None:
    sha256 = _keys.id_in(listed.key) or ""
    survey.needs[sha256] = set()
    try:
        manifest = Manifest.decode(backend.get(listed.key), sha256)
        decode_inline(manifest)
    except (CorruptError, StoreVersionError) as error:
        survey.bad_files.append((listed.key, sha256, error.message))
        return
    survey.needs[sha256] = {block.digest for block in manifest.blocks}


def _verify_name(backend: Backend, listed: Listed, survey: _Survey) -> None:
    try:
        name, sha256 = _bindings.decode(backend.get(listed.key), listed.key)
    except (CorruptError, StoreVersionError) as error:
        survey.bad_names.append((listed.key, "", error.message))
        return
    survey.names[sha256].append(name)
    if sha256 not in survey.needs:
        survey.bad_names.append((listed.key, sha256, f"{name!r} is bound to file {sha256}, which is missing"))


def _damage(survey: _Survey) -> Iterator[Damage]:
    """Everything that is wrong, each with the files it hurts. A file with a sound copy of a block is not hurt."""
    known = {digest for _, digest, _ in survey.bad_blocks} | survey.sound
    needed = defaultdict(set)
    for sha256, blocks in survey.needs.items():
        for digest in blocks - survey.sound:
            needed[digest].add(sha256)
    bereft = {sha256 for digest, files in needed.items() if digest not in known for sha256 in files}
    yield from survey.others
    for key, message in survey.bad_packs:
        yield Damage(key, message, files=_uses(bereft, survey))
    for key, digest, message in survey.bad_blocks:
        yield Damage(key, message, digest.hex(), _uses(needed.get(digest, set()), survey))
    for key, sha256, message in survey.bad_files:
        yield Damage(key, message, files=_uses({sha256}, survey))
    for sha256 in sorted(bereft):
        missing = sum(digest not in known for digest in survey.needs[sha256])
        message = f"{missing:,} of its blocks are in no readable pack"
        yield Damage(_keys.file_key(sha256), message, files=_uses({sha256}, survey))
    for key, sha256, message in survey.bad_names:
        yield Damage(key, message, files=_uses({sha256} if sha256 else set(), survey))


def _uses(files: set[str], survey: _Survey) -> tuple[FileUse, ...]:
    return tuple(FileUse(sha256, tuple(sorted(survey.names.get(sha256, ())))) for sha256 in sorted(files))
