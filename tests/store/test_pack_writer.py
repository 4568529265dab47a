"""Packs are written beside coding: nothing is acknowledged early, nothing is lost, and errors are told."""

from __future__ import annotations

import threading

import pytest

from weighbridge.errors import StorageFullError
from weighbridge.store import Store, _pack_writer
from weighbridge.store.backends.local import LocalBackend
from weighbridge.tensors import BytesSource


@pytest.fixture
def small_packs(monkeypatch):
    monkeypatch.setattr(_pack_writer, "PACK_TARGET", 100_000)


def test_the_next_blocks_are_coded_while_a_pack_is_written(folder, make, monkeypatch, small_packs):
    """The first pack is held back until the source was read past what one pack and the blocks on their way hold."""
    data = make.safetensors({f"w{n}": make.weights(100_000, n) for n in range(16)})
    coded_on = threading.Event()
    real = LocalBackend.put

    class Watched(BytesSource):
        def read_at(self, offset, length):
            if offset > len(data) // 2:
                coded_on.set()
            return super().read_at(offset, length)

    def put(self, key, parts, *, replace=False):
        if key.startswith("packs/"):
            assert coded_on.wait(30), "coding stopped for a pack"
        return real(self, key, parts, replace=replace)

    monkeypatch.setattr(LocalBackend, "put", put)
    monkeypatch.setattr(_pack_writer, "PACK_TARGET", len(data) // 3)
    with Store.open(folder, create=True, threads=2) as store:
        stored = store.add(Watched(data))
        assert store.file(stored.sha256).read_at(0, len(data)) == data
        assert store.verify().ok


def test_a_file_is_not_acknowledged_before_its_packs_are_durable(store, make, monkeypatch, small_packs):
    data = make.safetensors({f"w{n}": make.weights(60_000, n) for n in range(8)})
    written = []
    real = LocalBackend.put

    def put(self, key, parts, *, replace=False):
        wrote = real(self, key, parts, replace=replace)
        written.append(key.partition("/")[0])
        return wrote

    monkeypatch.setattr(LocalBackend, "put", put)
    store.add(BytesSource(data))
    assert written.count("packs") > 3
    assert written[-1] == "files"


def test_a_pack_that_cannot_be_written_fails_the_file_and_nothing_of_it_is_seen(store, make, monkeypatch, small_packs):
    data = make.safetensors({f"w{n}": make.weights(60_000, n) for n in range(8)})
    real = LocalBackend.put
    packs = []

    def put(self, key, parts, *, replace=False):
        if key.startswith("packs/"):
            packs.append(key)
            if len(packs) == 3:
                raise StorageFullError("no room to write it", where=key)
        return real(self, key, parts, replace=replace)

    monkeypatch.setattr(LocalBackend, "put", put)
    with pytest.raises(StorageFullError):
        store.add(BytesSource(data))
    assert not store.has(make.sha256(data))
    assert store.verify().ok
    again = store.add(BytesSource(data))  # what was stored before the failure is not stored again
    assert again.new_blocks < again.blocks
    assert store.file(again.sha256).read_at(0, len(data)) == data


def test_a_block_that_comes_again_is_stored_once_whichever_pack_it_is_in(store, make, small_packs):
    tensor = make.weights(60_000)
    names = [f"w{n}" for n in range(12)]
    stored = store.add(BytesSource(make.safetensors(dict.fromkeys(names, tensor))))
    assert stored.blocks - stored.new_blocks == len(names) - 1
