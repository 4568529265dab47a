"""Repacking makes a store smaller, loses nothing, slows nobody down, and knows what it has done."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from weighbridge.store import GcOptions, Store, _copying, _repack, codecs, packs
from weighbridge.tensors import BytesSource

NOW = GcOptions(grace=0, waste=0)
VECTORS = Path(__file__).parents[2] / "spec" / "vectors"


def stored(folder):
    return sorted((folder / "packs").rglob("*.pack"))


@pytest.fixture
def old(store, make, monkeypatch):
    """A store that was written when there were no codecs but the first: contents by name."""
    contents = {f"file {seed}": make.safetensors({"w": make.weights(40_000, seed)}) for seed in range(4)}
    with monkeypatch.context() as patched:
        patched.setattr(codecs, "encode", lambda raw, layout=codecs.OPAQUE: (codecs.RAW, bytes(raw)))
        for name, content in contents.items():
            store.bind(name, store.add(BytesSource(content, name)).sha256)
    return contents


def ensure_sound(store, contents):
    result = store.verify()
    assert result.ok, result.damage
    for name, content in contents.items():
        assert b"".join(store.file(store.resolve(name)).iter_range()) == content


def test_blocks_of_old_codecs_get_smaller_and_small_packs_are_merged(store, folder, old, make):
    size = make.size_of(folder)
    assert len(stored(folder)) == 4
    done = store.repack(NOW)
    assert (done.condemned.packs, done.deleted.packs, len(stored(folder))) == (4, 4, 1)
    assert make.size_of(folder) < 0.9 * size
    ensure_sound(store, old)
    before = stored(folder)
    again = store.repack(NOW)
    assert (again.condemned.packs, again.written.packs, stored(folder)) == (0, 0, before)


def test_an_interrupted_repack_loses_nothing_and_is_gone_on_with(store, folder, old, monkeypatch):
    monkeypatch.setattr(_copying, "PACK_TARGET", 100_000)
    monkeypatch.setattr(packs, "PACK_TARGET", 100_000)
    real, done = _repack.Repacker._payloads, []

    def interrupt(self, doomed):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(doomed.pack)
        return real(self, doomed)

    with monkeypatch.context() as patched:
        patched.setattr(_repack.Repacker, "_payloads", interrupt)
        with pytest.raises(KeyboardInterrupt):
            store.repack(NOW)
    ensure_sound(store, old)
    looked = []
    monkeypatch.setattr(_repack.Repacker, "_payloads", lambda self, d: looked.append(d.pack) or real(self, d))
    store.repack(NOW)
    assert not set(done) & set(looked)
    ensure_sound(store, old)


def test_what_was_looked_at_in_vain_is_not_looked_at_again(store, folder, make, monkeypatch):
    store.bind("x", store.add(BytesSource(make.weights(100_000).tobytes())).sha256)
    coded = []
    real = codecs.encode
    monkeypatch.setattr(codecs, "encode", lambda *arguments: coded.append(1) or real(*arguments))
    store.repack(NOW)
    assert coded
    coded.clear()
    with Store.open(folder) as again:
        again.repack(NOW)
    assert coded == []


def test_a_damaged_pack_is_left_alone(store, folder, old):
    hurt = stored(folder)[0]
    data = bytearray(hurt.read_bytes())
    data[5000] ^= 1
    hurt.write_bytes(data)
    done = store.repack(NOW)
    assert (hurt.exists(), len(done.unreadable), done.condemned.packs) == (True, 1, 3)


def test_new_packs_are_repacked_only_if_all_in_them_is_needed(store, folder, old):
    store.remove("file 0")
    assert store.repack(GcOptions()).condemned.packs == 3


def versions(store):
    """How many differences the store keeps in each version of their codec."""
    copies = [entry for entries in store._catalog.copies().values() for entry in entries]
    return Counter(entry.location.version for entry in copies if entry.location.codec == codecs.DELTA.id)


@pytest.fixture
def first_deltas(tmp_path):
    """A store whose differences are of version 1, and its files."""
    shutil.copytree(VECTORS / "v2-family" / "store", tmp_path / "old")
    with Store.open(tmp_path / "old") as store:
        files = {name: b"".join(store.file(sha256).iter_range()) for name, sha256 in store.names().items()}
    return tmp_path / "old", files


def test_differences_of_version_1_are_written_in_version_2_from_the_same_references(first_deltas):
    folder, files = first_deltas
    with Store.open(folder) as store:
        before, stored_bytes = versions(store), store.stat().stored_bytes
        assert before.keys() == {1}
        references = {entry.references for entries in store._catalog.copies().values() for entry in entries}
        store.repack(NOW)
        assert versions(store) == {2: before[1]}
        assert {entry.references for entries in store._catalog.copies().values() for entry in entries} == references
        assert store.stat().stored_bytes <= stored_bytes
        ensure_sound(store, files)
        packs_now = stored(folder)
        again = store.repack(NOW)
        assert (again.condemned.packs, stored(folder)) == (0, packs_now)


def test_a_large_pack_is_written_anew_for_the_version_alone(first_deltas, monkeypatch):
    folder, files = first_deltas
    monkeypatch.setattr(packs, "PACK_TARGET", 1)  # so that no pack is small
    monkeypatch.setattr(_repack, "GAIN", 0.0)  # and no saving is enough
    with Store.open(folder) as store:
        before = versions(store)[1]
        store.repack(NOW)
        assert versions(store) == {2: before}
        ensure_sound(store, files)


def test_a_difference_that_would_get_longer_stays_in_version_1(first_deltas, monkeypatch):
    folder, files = first_deltas
    monkeypatch.setattr(codecs.Delta, "encode_again", lambda self, payload, *_rest: bytes(payload) + b"more")
    with Store.open(folder) as store:
        before = versions(store)
        store.repack(NOW)
        assert versions(store) == before
        ensure_sound(store, files)


def test_a_difference_whose_base_is_damaged_is_left_to_a_repair(first_deltas):
    folder, files = first_deltas
    with Store.open(folder) as store:
        root = next(
            entry for entries in store._catalog.copies().values() for entry in entries if entry.references
        ).references[0]
        place = store._catalog.places(root)[0]
        path = folder / "packs" / place.pack[:2] / f"{place.pack}.pack"
        data = bytearray(path.read_bytes())
        data[place.offset + place.stored // 2] ^= 1
        path.write_bytes(data)
    with Store.open(folder) as store:
        assert store.repack(NOW).unreadable
        assert path.exists()
        assert 1 in versions(store)
        assert store.verify().damage
    sound = bytearray(path.read_bytes())
    sound[place.offset + place.stored // 2] ^= 1
    path.write_bytes(sound)
    with Store.open(folder) as store:
        store.repack(NOW)
        assert versions(store).keys() == {2}
        ensure_sound(store, files)
