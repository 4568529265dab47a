"""What no file needs is deleted, what any needs stays, whatever others do meanwhile."""

from __future__ import annotations

import os
import time

import pytest

from weighbridge.errors import CorruptError, FileChangedError, ObjectNotFoundError
from weighbridge.store import GcOptions, Store, _gc, _holds, _ingest, _marks, _pack_writer
from weighbridge.tensors import BytesSource

NOW = GcOptions(grace=0, waste=0)


@pytest.fixture
def filled(store, make, monkeypatch):
    """A store with six files of two blocks or so, in packs of a few blocks; what is in them by name."""
    monkeypatch.setattr(_pack_writer, "PACK_TARGET", 300_000)
    contents = {f"file {seed}": make.weights(80_000, seed).tobytes() for seed in range(6)}
    stored = store.add_many([BytesSource(content, name) for name, content in contents.items()])
    for one in stored:
        store.bind(one.name, one.sha256)
    return contents


def packs(folder):
    return sorted((folder / "packs").rglob("*.pack"))


def times(folder):
    files = (path for path in folder.rglob("*") if path.is_file() and "index" not in path.parts)
    return {path: path.stat().st_mtime_ns for path in files}


def ensure_sound(store, contents):
    result = store.verify()
    assert result.ok, result.damage
    for name, content in contents.items():
        file = store.file(store.resolve(name))
        assert b"".join(file.iter_range()) == content


def test_nothing_is_collected_where_all_is_needed(store, folder, filled):
    before = packs(folder)
    collected = store.gc(NOW)
    assert (collected.condemned.packs, collected.deleted.packs, collected.waiting.packs) == (0, 0, 0)
    assert packs(folder) == before
    ensure_sound(store, filled)


def test_what_a_removed_file_alone_needed_is_deleted(store, folder, filled, make):
    size = make.size_of(folder)
    del filled["file 1"]
    assert store.remove("file 1")
    with pytest.raises(ObjectNotFoundError):
        store.resolve("file 1")
    collected = store.gc(NOW)
    assert collected.deleted.packs > 0
    assert collected.written.packs > 0  # its blocks shared packs with those of others
    unneeded = next(garbage for garbage in collected.garbage if garbage.reason == "unneeded")
    freed = size - make.size_of(folder)
    assert 0.9 * unneeded.nbytes < freed < 1.1 * unneeded.nbytes + 1000
    ensure_sound(store, filled)
    again = store.gc(NOW)
    assert (again.condemned.packs, again.deleted.packs) == (0, 0)


def test_a_file_with_another_name_stays_when_one_is_removed(store, filled):
    store.bind("other", store.resolve("file 0"))
    assert not store.remove("file 0")
    assert not store.remove("file 1", keep_file=True)
    assert store.has(store.resolve("other"))
    assert store.gc(NOW).deleted.packs == 0
    assert store.stat().files == 6


def test_a_dry_run_changes_nothing_and_tells_the_same(store, folder, filled, make):
    store.remove("file 1")
    before = {
        path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file() and "index" not in path.parts
    }
    dry = store.gc(GcOptions(grace=0, waste=0, dry_run=True))
    after = {
        path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file() and "index" not in path.parts
    }
    assert before == after
    wet = store.gc(NOW)
    assert (dry.garbage, dry.condemned) == (wet.garbage, wet.condemned)
    assert (dry.dry_run, wet.dry_run) == (True, False)


def test_the_grace_period_protects_what_is_new_and_what_was_condemned(store, folder, filled):
    store.remove("file 1")
    assert store.gc().condemned.packs == 0  # all packs are younger than a day
    old = time.time() - 2 * _gc.DAY
    for path in packs(folder):
        os.utime(path, (old, old))
    first = store.gc(GcOptions(waste=0))
    assert (first.condemned.packs > 0, first.deleted.packs, first.waiting.packs) == (True, 0, first.condemned.packs)
    second = store.gc(GcOptions(waste=0))
    assert (second.condemned.packs, second.waiting.packs) == (0, first.waiting.packs)
    for pack in _marks.condemned(store._backend):
        _marks.put(store._backend, pack, int(old), replace=True)
    assert store.gc(GcOptions(waste=0)).deleted.packs == first.condemned.packs
    del filled["file 1"]
    ensure_sound(store, filled)


def test_what_is_wasted_of_a_pack_is_tolerated_up_to_a_share(store, folder, make):
    contents = [make.weights(50_000, seed).tobytes() for seed in range(10)]
    for one in store.add_many(BytesSource(content, str(seed)) for seed, content in enumerate(contents)):
        store.bind(one.name, one.sha256)
    store.remove("0")
    assert store.gc(GcOptions(grace=0, waste=0.2)).condemned.packs == 0
    assert store.gc(GcOptions(grace=0, waste=0.05)).condemned.packs == 1
    ensure_sound(store, {str(seed): content for seed, content in enumerate(contents) if seed})


def test_second_copies_go_and_the_sound_one_stays(store, folder, make):
    data = make.weights(50_000).tobytes()
    sha256 = store.add(BytesSource(data)).sha256
    store._catalog.knows = lambda digest: False
    store.add_many([BytesSource(make.weights(40_000, 1).tobytes()), BytesSource(data)])
    collected = store.gc(NOW)
    assert [garbage.reason for garbage in collected.garbage if garbage.nbytes > 1000] == ["duplicate"]
    assert store.file(sha256).read_at(0, len(data)) == data
    assert store.stat().blocks == sum(1 for pack in packs(folder) for _ in store._index.entries(pack.stem))


def test_a_damaged_copy_does_not_replace_a_sound_one(store, folder, make):
    data = make.weights(50_000).tobytes()
    sha256 = store.add(BytesSource(data)).sha256
    sound = packs(folder)[0]
    store._catalog.knows = lambda digest: False
    store.add_many([BytesSource(data), BytesSource(make.weights(40_000, 1).tobytes())])
    for hurt in packs(folder):
        original = hurt.read_bytes()
        if hurt == sound:
            continue
        broken = bytearray(original)
        broken[1000] ^= 1
        hurt.write_bytes(broken)
    _marks.put(store._backend, sound.stem, 0)
    store.gc(NOW)
    with Store.open(folder) as fresh:
        assert fresh.file(sha256).read_at(0, len(data)) == data


def test_a_damaged_manifest_stops_the_collection(store, folder, filled, make):
    store.remove("file 1")
    path = next((folder / "files").rglob(make.sha256(filled["file 0"])))
    path.write_bytes(path.read_bytes()[:-1])
    before = packs(folder)
    with pytest.raises(CorruptError, match=path.name):
        store.gc(NOW)
    assert packs(folder) == before


def test_a_pack_with_a_damaged_footer_is_left_for_repair(store, folder, filled):
    store.remove("file 1")
    path = packs(folder)[0]
    path.write_bytes(path.read_bytes()[:-1])
    assert store.gc(NOW).unreadable == (path.relative_to(folder).as_posix(),)
    assert path.exists()


def test_a_damaged_block_keeps_its_pack(store, folder, filled):
    store.remove("file 1")
    hurt = packs(folder)
    for path in hurt:
        data = bytearray(path.read_bytes())
        data[len(data) // 8] ^= 1
        path.write_bytes(data)
    store.gc(NOW)
    needed = _gc.needed(store._backend)
    assert needed <= {digest for path in packs(folder) for digest, _ in store._index.entries(path.stem)}


def test_a_damaged_mark_still_condemns_and_its_grace_begins_again(store, folder, filled):
    store.remove("file 1")
    store.gc(GcOptions(grace=0, waste=0))
    pack = packs(folder)[0].stem
    _marks.put(store._backend, pack, 0)
    mark = folder / "condemned" / pack[:2] / pack
    mark.write_bytes(b"x")
    assert pack in _marks.condemned(store._backend)
    assert [damage.key for damage in store.verify().damage] == [mark.relative_to(folder).as_posix()]
    old = time.time() - 2 * _gc.DAY
    for path in packs(folder):
        os.utime(path, (old, old))
    assert store.gc(GcOptions()).deleted.packs == 0
    assert store.verify().ok
    assert store.gc(NOW).deleted.packs == 1
    del filled["file 1"]
    ensure_sound(store, filled)


class Nosy:
    """A source that lets something happen when it is read to its end for the first time."""

    def __init__(self, data, then, name="nosy"):
        self.data, self.then, self.name, self.size = data, then, name, len(data)

    def read_at(self, offset, length):
        if offset + length == self.size and self.then:
            then, self.then = self.then, None
            then()
        return self.data[offset : offset + length]


def before_hold(monkeypatch, then):
    """Let something happen when a writer has written its packs and nobody knows yet that it relies on them."""
    real, done = _holds.hold, []

    def hold(backend, digests):
        if not done:
            done.append(1)
            then()
        return real(backend, digests)

    monkeypatch.setattr(_holds, "hold", hold)


def removed_and_collected(folder):
    with Store.open(folder) as other:
        other.remove("x")
        assert other.gc(NOW).deleted.packs == 1


@pytest.mark.parametrize("gone", [True, False])
def test_a_writer_stores_again_what_is_condemned_while_it_writes(store, folder, make, monkeypatch, gone):
    data = make.weights(100_000).tobytes()
    store.bind("x", store.add(BytesSource(data)).sha256)
    (pack,) = packs(folder)

    def condemn():
        _marks.put(store._backend, pack.stem, int(time.time()))

    before_hold(monkeypatch, (lambda: removed_and_collected(folder)) if gone else condemn)
    stored = store.add(BytesSource(data))
    assert store.file(stored.sha256).read_at(0, len(data)) == data
    assert pack.exists() != gone
    store.gc(NOW)
    assert not pack.exists()
    assert store.verify().ok
    assert store.file(stored.sha256).read_at(0, len(data)) == data
    assert store.gc(NOW).condemned.packs == 0  # though the pack holds a block of salt


def test_a_writer_that_cannot_read_its_source_again_acknowledges_nothing(store, folder, make, monkeypatch):
    data = make.weights(100_000).tobytes()
    store.bind("x", store.add(BytesSource(data)).sha256)
    source = Nosy(data, None)

    def collect():
        removed_and_collected(folder)
        source.data = bytes(len(data))

    before_hold(monkeypatch, collect)
    with pytest.raises(FileChangedError, match="changed while it was being stored"):
        store.add(source)
    assert not store.has(make.sha256(data))
    assert store.verify().ok
    assert not [path for path in (folder / "holds").rglob("*") if path.is_file()]


def test_a_pack_that_was_condemned_unfinished_is_not_relied_on(store, folder, make, monkeypatch):
    """A collector without grace takes a writer's packs for garbage while the writer has not got to its manifest."""
    monkeypatch.setattr(_pack_writer, "PACK_TARGET", 100_000)
    data = make.weights(200_000).tobytes() + bytes(7)
    deleted = []

    def collect():
        with Store.open(folder) as other:
            deleted.append(other.gc(NOW).deleted.packs)

    stored = store.add(Nosy(data, collect))
    assert deleted[0] >= 0
    assert store.file(stored.sha256).read_at(0, len(data)) == data
    assert store.verify().ok


def test_a_hold_protects_like_a_manifest_and_a_dead_one_goes_after_a_day(store, folder, filled):
    blocks = {block.digest for name in filled for block in store.manifest(store.resolve(name)).blocks}
    name, sealed = _holds.encode(blocks)
    store._backend.put(_holds.hold_key(name), [sealed])
    for each in filled:
        store.remove(each)
    assert store.gc(NOW).deleted.packs == 0
    path = folder / "holds" / name[:2] / name
    path.write_bytes(sealed[:-1])
    with pytest.raises(CorruptError, match=name):
        store.gc(NOW)
    old = time.time() - 2 * _gc.DAY
    os.utime(path, (old, old))
    store.gc(NOW)
    assert packs(folder) == []


def test_a_writer_whose_hold_was_taken_away_looks_again(store, folder, make, monkeypatch):
    data = make.weights(100_000).tobytes()
    looks = []
    real = _ingest.endangered

    def look(*arguments):
        looks.append(1)
        for path in (folder / "holds").rglob("*/*"):
            path.unlink()
        return real(*arguments)

    monkeypatch.setattr(_ingest, "endangered", look)
    store.add(BytesSource(data))
    assert len(looks) == 2


def test_readers_with_a_stale_index_find_what_was_moved(store, folder, filled):
    files = {name: store.file(store.resolve(name)) for name in filled}
    with Store.open(folder) as other:
        other.remove("file 1")
        other.remove("file 4")
        assert other.gc(NOW).written.packs
    for name in sorted(set(filled) - {"file 1", "file 4"}):
        assert files[name].read_at(0, len(filled[name])) == filled[name]


@pytest.mark.parametrize("jump", [-10 * 365 * _gc.DAY, 10 * 365 * _gc.DAY])
def test_a_clock_that_jumps_loses_nothing(store, folder, filled, monkeypatch, jump):
    real = time.time
    store.remove("file 1")
    del filled["file 1"]
    store.gc(GcOptions(waste=0))
    monkeypatch.setattr(_gc.time, "time", lambda: max(real() + jump, 0))
    for _ in range(2):
        store.gc(GcOptions(waste=0))
        ensure_sound(store, filled)
    monkeypatch.setattr(_gc.time, "time", real)
    store.gc(NOW)
    ensure_sound(store, filled)
    assert store.gc(NOW).deleted.packs == 0


def test_a_repack_that_died_after_writing_is_run_again(store, folder, filled, monkeypatch):
    """The second run writes the very pack that the first one wrote, and must not condemn that with the old ones."""
    with monkeypatch.context() as patched:
        patched.setattr(_marks, "put", _die)
        with pytest.raises(KeyboardInterrupt):
            store.repack(NOW)
    for _ in range(3):
        assert store.repack(NOW).written.packs < 2
        ensure_sound(store, filled)
    assert len(packs(folder)) == 1


def _die(*_arguments, **_options):
    raise KeyboardInterrupt


def test_what_was_copied_to_a_pack_that_another_collector_condemns_is_copied_again(store, filled, monkeypatch):
    store.remove("file 1")
    del filled["file 1"]
    real = _gc.Collector._delete

    def delete(self, only=None):
        for listed in store._backend.list("packs/"):
            _marks.put(store._backend, listed.key[-69:-5], 0)
        return real(self, only)

    monkeypatch.setattr(_gc.Collector, "_delete", delete)
    assert store.gc(NOW).written.packs > 1
    ensure_sound(store, filled)


def ensure_adds_up(stat, size):
    saved = stat.saved_by_duplicates + stat.saved_by_deltas + stat.saved_by_coding
    assert stat.file_bytes - saved + stat.garbage_bytes + stat.table_bytes == stat.stored_bytes == size
    assert stat.unique_bytes == stat.file_bytes - stat.saved_by_duplicates == sum(one.raw_bytes for one in stat.codecs)


def test_what_is_saved_and_what_is_wasted_adds_up(store, folder, filled, make):
    shared, own = make.weights(60_000, 50), make.weights(20_000, 51)
    twice = [make.safetensors({"w": shared}), make.safetensors({"w": shared, "v": own})]
    store.add_many([*map(BytesSource, twice), BytesSource(b"small " * 100)])
    before = store.stat()
    ensure_adds_up(before, make.size_of(folder))
    assert (before.garbage_bytes, before.saved_by_deltas) == (0, 0)
    assert before.saved_by_duplicates > 200_000
    assert before.saved_by_coding > 100_000
    store.remove("file 1")
    after = store.stat()
    ensure_adds_up(after, make.size_of(folder))
    assert after.garbage_bytes > 200_000
    store.gc(NOW)
    last = store.stat()
    ensure_adds_up(last, make.size_of(folder))
    assert (last.garbage_bytes, last.blocks) == (0, after.blocks)
