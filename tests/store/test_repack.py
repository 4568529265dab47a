"""Repacking makes a store smaller, loses nothing, slows nobody down, and knows what it has done."""

from __future__ import annotations

import pytest

from weighbridge.store import GcOptions, Store, _copying, _repack, codecs, packs
from weighbridge.tensors import BytesSource

NOW = GcOptions(grace=0, waste=0)


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
