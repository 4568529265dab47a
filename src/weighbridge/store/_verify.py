"""Looking at every bit of a store: what is damaged, and whom it hurts.

Three passes. Packs: every footer, every payload, every block behind it. Manifests: are they sound, and is every block
they name? Bindings: are they sound, and is there a file behind them? Only then is it known which files a damaged
object hurts, so what was found is told at the end.
"""

from __future__ import annotations

import random
from collections import defaultdict, deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from pathlib import Path

from blake3 import blake3

from weighbridge.errors import CorruptError, ObjectNotFoundError, StoreError, StoreVersionError
from weighbridge.store import _bindings, _config, _holds, _keys, _marks, codecs
from weighbridge.store._catalog import Catalog
from weighbridge.store._notes import Notes
from weighbridge.store._reader import BlockReader
from weighbridge.store._stored_file import StoredFile, decode_inline
from weighbridge.store.backends import Backend, Listed
from weighbridge.store.manifests import Manifest
from weighbridge.store.packs import Entry, pack_of, read_footer
from weighbridge.store.values import Damage, FileUse, Progress, VerifyOptions, VerifyResult

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
    known: set[bytes] = field(default_factory=set)
    lengths: dict[bytes, int] = field(default_factory=dict)
    packs: int = 0
    blocks: int = 0
    nbytes: int = 0
    decoded: int = 0
    decodable: int = 0


@dataclass(frozen=True, slots=True)
class _Look:
    """With what a verification looks, and what it has seen."""

    backend: Backend
    catalog: Catalog
    reader: BlockReader
    pool: Executor
    options: VerifyOptions
    notes: Notes
    progress: Progress
    survey: _Survey = field(default_factory=_Survey)


def verify(
    backend: Backend,
    catalog: Catalog,
    reader: BlockReader,
    pool: Executor,
    options: VerifyOptions,
    cache: Path | None,
    progress: Progress,
) -> VerifyResult:
    """Read and check everything, or a sample. Damage is in the result, never raised."""
    notes = Notes(cache if options.resume else None, "verified", "packs that were found sound")
    look = _Look(backend, catalog, reader, pool, options, notes, progress)
    survey = look.survey
    packs, files, names = _sort(backend, survey)
    _verify_config(backend, survey)
    chosen = _drawn(packs, options)
    for pack in packs:
        _verify_pack(look, pack, decode=pack.key in chosen)
    for listed in files:
        _verify_file(look, listed)
    _follow(look, {pack.key for pack in packs})
    for listed in names:
        _verify_name(backend, listed, survey)
    notes.clear()
    return VerifyResult(
        files=len(files),
        packs=survey.packs,
        blocks=survey.blocks,
        nbytes=survey.nbytes,
        damage=tuple(_damage(survey)),
        strays=tuple(survey.strays),
        decoded=survey.decoded,
        decodable=survey.decodable,
    )


def _drawn(packs: list[Listed], options: VerifyOptions) -> set[str]:
    """The keys of the packs whose blocks are decoded."""
    order = random.Random(options.seed).sample(packs, len(packs))  # noqa: S311 (a sample, not a secret)
    if options.packs is not None:
        return {pack.key for pack in order[: options.packs]}
    left = options.share * sum(pack.size for pack in packs)
    chosen = set()
    for pack in order:
        if left <= 0:
            break
        chosen.add(pack.key)
        left -= pack.size
    return chosen


def _follow(look: _Look, seen: set[str]) -> None:
    """Look at packs that were written meanwhile, as long as blocks are missing: a collector may have moved them."""
    needed = set().union(*look.survey.needs.values())
    while needed - look.survey.known:
        new = [pack for pack in look.backend.list(_keys.PACKS) if _keys.id_in(pack.key) and pack.key not in seen]
        for pack in new:
            _verify_pack(look, pack, decode=True)
            seen.add(pack.key)
        if not new:
            return


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


def _verify_pack(look: _Look, listed: Listed, *, decode: bool) -> None:
    survey, pack = look.survey, pack_of(listed)
    try:
        entries = read_footer(look.backend, pack, listed.size)
    except ObjectNotFoundError:  # collected since it was listed
        return
    except StoreError as error:
        survey.packs += 1
        survey.bad_packs.append((listed.key, error.message))
        look.progress(listed.size)
        return
    if not look.catalog.agrees(pack, entries):
        survey.others.append(Damage(_keys.INDEX, f"the index was wrong about {listed.key}; it has been corrected"))
    bad = []
    for entry, problem in _judged(look, listed.key, entries) if decode and pack not in look.notes.done else ():
        look.progress(entry.location.stored)
        if problem:
            bad.append((listed.key, entry.digest, problem))
    if bad and not _exists(look.backend, listed.key):
        return
    survey.packs += 1
    survey.blocks += len(entries)
    survey.decoded += listed.size if decode else 0
    survey.decodable += listed.size
    survey.bad_blocks += bad
    failed = {digest for _, digest, _ in bad}
    survey.sound |= {entry.digest for entry in entries} - failed
    survey.known |= {entry.digest for entry in entries}
    survey.lengths.update((entry.digest, entry.location.raw) for entry in entries if entry.digest not in failed)
    if decode and not bad:
        look.notes.add(pack)


def _exists(backend: Backend, key: str) -> bool:
    try:
        return bool(backend.get_range(key, 0, 1))
    except ObjectNotFoundError:
        return False


def _judged(look: _Look, key: str, entries: list[Entry]) -> Iterator[tuple[Entry, str]]:
    """Each entry with what is wrong with it ("" for nothing), a few being looked at at any time."""
    waiting: deque[tuple[Entry, Future[str]]] = deque()
    for entry in entries:
        waiting.append((entry, look.pool.submit(_judge, look.backend, look.reader, key, entry)))
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


def _verify_file(look: _Look, listed: Listed) -> None:
    sha256, survey = _keys.id_in(listed.key) or "", look.survey
    try:
        manifest = Manifest.decode(look.backend.get(listed.key), sha256)
        decode_inline(manifest)
    except ObjectNotFoundError:  # removed since it was listed
        return
    except (CorruptError, StoreVersionError) as error:
        survey.needs[sha256] = set()
        survey.bad_files.append((listed.key, sha256, error.message))
        return
    survey.needs[sha256] = {block.digest for block in manifest.blocks}
    for block in manifest.blocks:
        length = survey.lengths.get(block.digest, block.length)
        if length != block.length:
            message = f"says that block {block.digest.hex()} has {block.length:,} bytes, and it has {length:,}"
            survey.bad_files.append((listed.key, sha256, message))
            return
    if look.options.files and survey.needs[sha256] <= survey.sound:
        _verify_whole(look, listed, manifest)


def _verify_whole(look: _Look, listed: Listed, manifest: Manifest) -> None:
    """Blocks may be sound and in the wrong order."""
    try:
        for _ in StoredFile(manifest, look.reader, look.pool).iter_range():
            pass
    except StoreError as error:
        look.survey.bad_files.append((listed.key, manifest.sha256, error.message))


def _verify_name(backend: Backend, listed: Listed, survey: _Survey) -> None:
    try:
        name, sha256 = _bindings.decode(backend.get(listed.key), listed.key)
    except ObjectNotFoundError:  # removed since it was listed
        return
    except (CorruptError, StoreVersionError) as error:
        survey.bad_names.append((listed.key, "", error.message))
        return
    survey.names[sha256].append(name)
    if sha256 not in survey.needs and not _exists(backend, _keys.file_key(sha256)):
        survey.bad_names.append((listed.key, sha256, f"{name!r} is bound to file {sha256}, which is missing"))


def _damage(survey: _Survey) -> Iterator[Damage]:
    """Everything that is wrong, each with the files it hurts. A file with a sound copy of a block is not hurt."""
    known = survey.known
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
