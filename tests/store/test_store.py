"""Files in, files out."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.errors import ObjectNotFoundError, PathNotFoundError, UnsupportedError, UsageError
from weighbridge.store import Store
from weighbridge.tensors import BytesSource, FileSource

_spec = importlib.util.spec_from_file_location("store_conftest", Path(__file__).with_name("conftest.py"))
helpers = importlib.util.module_from_spec(_spec)
sys.modules.setdefault("store_conftest", helpers)
_spec.loader.exec_module(helpers)
safetensors, size_of, weights = helpers.safetensors, helpers.size_of, helpers.weights


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("size", [0, 1, 100, 32 << 10, (32 << 10) + 1, 3_000_000])
def test_a_file_comes_back_bit_for_bit(store, size):
    data = weights(size // 4 + 1).tobytes()[:size]
    stored = store.add(BytesSource(data))
    assert (stored.sha256, stored.size) == (sha256(data), size)
    assert store.has(stored.sha256)
    assert b"".join(store.file(stored.sha256).iter_range()) == data


def test_a_file_comes_back_from_another_process_opening_the_store(store, tmp_path):
    data = weights(1_000_000).tobytes()
    stored = store.add(BytesSource(data))
    with Store.open(tmp_path / "store") as other:
        assert other.file(stored.sha256).read_at(0, len(data)) == data


def test_an_open_store_notices_what_another_one_adds(store, tmp_path):
    with Store.open(tmp_path / "store") as other:
        stored = other.add(BytesSource(weights(100_000).tobytes()))
    assert store.file(stored.sha256).read_at(5, 7) == weights(100_000).tobytes()[5:12]


def test_new_bytes_are_what_the_store_grew_by(store, tmp_path):
    before = size_of(tmp_path / "store")
    first = store.add(BytesSource(safetensors({"a": weights(800_000), "b": weights(800_000, 1)})))
    second = store.add(BytesSource(b"small"))
    assert size_of(tmp_path / "store") == before + first.new_bytes + second.new_bytes
    again = store.add(BytesSource(b"small"))
    assert (again.new_bytes, size_of(tmp_path / "store")) == (0, before + first.new_bytes + second.new_bytes)


def test_a_tensor_in_another_file_and_place_costs_nothing(store):
    a, b, c = weights(700_000), weights(700_000, 1), weights(700_000, 2)
    store.add(BytesSource(safetensors({"a": a, "b": b})))
    stored = store.add(BytesSource(safetensors({"other": b, "c": c, "prefix.a": a})))
    assert stored.new_blocks == 2 + 1  # the blocks of c, and the header
    assert stored.new_bytes < c.nbytes


def test_opaque_content_that_moves_still_costs_nothing(store):
    data = weights(1_000_000).tobytes()
    store.add(BytesSource(data))
    stored = store.add(BytesSource(b"something in front" + data))
    assert stored.new_bytes < len(data) / 4


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_any_range_is_that_range_of_the_file(data, tmp_path_factory):
    content, stored, store = _ranged(tmp_path_factory)
    start = data.draw(st.integers(0, len(content)))
    stop = data.draw(st.integers(start, len(content)))
    assert b"".join(store.file(stored.sha256).iter_range(start, stop)) == content[start:stop]


_kept = []


def _ranged(factory):
    if not _kept:
        store = Store.open(factory.mktemp("ranges") / "store", create=True)
        content = safetensors({"a": weights(900_000), "tiny": weights(3), "b": weights(600_000, 1)})
        _kept.append((content, store.add(BytesSource(content)), store))
    return _kept[0]


def test_names_stand_for_files_and_may_move(store):
    one, two = store.add(BytesSource(b"one")), store.add(BytesSource(b"two"))
    assert store.bind("folder/weights", one.sha256) is None
    assert store.resolve("folder/weights") == one.sha256
    assert store.bind("folder/weights", two.sha256) == one.sha256
    assert store.names() == {"folder/weights": two.sha256}


def test_what_is_not_there_is_told(store):
    nowhere = "0" * 64
    assert not store.has(nowhere)
    for ask in (lambda: store.file(nowhere), lambda: store.resolve("x"), lambda: store.bind("x", nowhere)):
        with pytest.raises(ObjectNotFoundError):
            ask()


@pytest.mark.parametrize("name", ["", "a\0b", "\ud800", "x" * 5000])
def test_what_cannot_be_a_name_is_refused(store, name):
    with pytest.raises(UsageError):
        store.bind(name, store.add(BytesSource(b"x")).sha256)


def test_opening_what_is_no_store_is_refused(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(PathNotFoundError, match="no store here"):
        Store.open(tmp_path / "missing")
    with pytest.raises(UsageError, match="is not a store"):
        Store.open(tmp_path)
    with pytest.raises(UsageError, match="holds other files"):
        Store.open(tmp_path, create=True)
    with pytest.raises(UsageError, match="is a file"):
        Store.open(tmp_path / "file", create=True)
    with pytest.raises(UnsupportedError):
        Store.open("s3://bucket/store")


def test_many_files_share_packs(store, tmp_path):
    sources = [BytesSource(weights(10_000, seed).tobytes(), str(seed)) for seed in range(20)]
    stored = store.add_many(sources)
    assert [s.name for s in stored] == [str(seed) for seed in range(20)]
    assert len(list((tmp_path / "store" / "packs").rglob("*.pack"))) == 1
    assert all(store.file(s.sha256).read_at(0, s.size) == weights(10_000, int(s.name)).tobytes() for s in stored)


def test_a_file_from_disk_reports_progress_to_its_size(store, tmp_path):
    (tmp_path / "w").write_bytes(weights(1_500_000).tobytes())
    done = []
    store.add(FileSource(tmp_path / "w"), progress=done.append)
    assert sum(done) == 6_000_000
