"""Files in, files out, under their names."""

from __future__ import annotations

import numpy as np
import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.errors import (
    FileChangedError,
    ObjectNotFoundError,
    PathNotFoundError,
    StoreVersionError,
    UnsupportedError,
    UsageError,
)
from weighbridge.store import Store
from weighbridge.tensors import BytesSource, FileSource


@pytest.mark.parametrize("size", [0, 1, 100, 32 << 10, (32 << 10) + 1, 3_000_000])
def test_a_file_comes_back_bit_for_bit(store, make, size):
    data = make.weights(size // 4 + 1).tobytes()[:size]
    stored = store.add(BytesSource(data))
    assert (stored.sha256, stored.size) == (make.sha256(data), size)
    assert store.has(stored.sha256)
    assert b"".join(store.file(stored.sha256).iter_range()) == data


def test_a_file_comes_back_from_another_process_opening_the_store(store, folder, make):
    data = make.weights(1_000_000).tobytes()
    stored = store.add(BytesSource(data))
    with Store.open(folder) as other:
        assert other.file(stored.sha256).read_at(0, len(data)) == data


def test_an_open_store_notices_what_another_one_adds(store, folder, make):
    data = make.weights(100_000).tobytes()
    with Store.open(folder) as other:
        stored = other.add(BytesSource(data))
    assert store.file(stored.sha256).read_at(5, 7) == data[5:12]
    assert store.add(BytesSource(data)).new_bytes == 0


def test_new_bytes_are_what_the_store_grew_by(store, folder, make):
    before = make.size_of(folder)
    first = store.add(BytesSource(make.safetensors({"a": make.weights(800_000), "b": make.weights(800_000, 1)})))
    second = store.add(BytesSource(b"small"))
    assert make.size_of(folder) == before + first.new_bytes + second.new_bytes
    again = store.add(BytesSource(b"small"))
    assert (again.new_bytes, make.size_of(folder)) == (0, before + first.new_bytes + second.new_bytes)


def test_a_tensor_in_another_file_and_place_costs_nothing(store, make):
    a, b, c = (make.weights(700_000, seed) for seed in range(3))
    store.add(BytesSource(make.safetensors({"a": a, "b": b})))
    stored = store.add(BytesSource(make.safetensors({"other": b, "c": c, "prefix.a": a})))
    assert stored.new_blocks == 2 + 1  # those of c, and the header
    assert stored.new_bytes < c.nbytes


def test_a_tensor_twice_in_one_file_is_kept_once(store, make):
    a = make.weights(700_000)
    stored = store.add(BytesSource(make.safetensors({"embedding": a, "head": a})))
    assert (stored.blocks, stored.new_blocks) == (5, 3)


def test_opaque_content_that_moves_still_costs_nothing(store, make):
    data = make.weights(1_000_000).tobytes()
    store.add(BytesSource(data))
    stored = store.add(BytesSource(b"something in front" + data))
    assert stored.new_bytes < len(data) / 4


def test_many_small_tensors_do_not_become_many_blocks(store, make):
    data = make.safetensors({f"layer.{number}.bias": make.weights(64, number) for number in range(1000)})
    stored = store.add(BytesSource(data))
    assert stored.blocks < 20
    assert store.file(stored.sha256).read_at(0, stored.size) == data


def test_random_bytes_grow_by_less_than_a_thousandth(store):
    random = np.random.default_rng(0).bytes(8_000_000)
    assert store.add(BytesSource(random)).new_bytes <= 1.001 * len(random)


def test_a_file_that_lies_about_its_structure_is_stored_all_the_same(store, make):
    sound = make.safetensors({"a": make.weights(100_000)})
    for broken in (sound[:-50_000], sound[:8] + b"!" + sound[9:], b"\xff" * 8 + sound):
        stored = store.add(BytesSource(broken))
        assert store.file(stored.sha256).read_at(0, stored.size) == broken


@pytest.fixture(scope="module")
def ranged(tmp_path_factory, make):
    content = make.safetensors({"a": make.weights(900_000), "tiny": make.weights(3), "b": make.weights(600_000, 1)})
    with Store.open(tmp_path_factory.mktemp("ranges") / "store", create=True) as opened:
        yield content, opened.file(opened.add(BytesSource(content)).sha256)


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_any_range_is_that_range_of_the_file(data, ranged):
    content, file = ranged
    start = data.draw(st.integers(0, len(content)))
    stop = data.draw(st.integers(start, len(content)))
    assert b"".join(file.iter_range(start, stop)) == content[start:stop]


@settings(max_examples=15, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 60_000), max_size=8),
    seed=st.integers(0, 99),
)
def test_any_safetensors_file_round_trips(sizes, seed, tmp_path_factory, make):
    tensors = {f"t{number}": make.weights(size, seed + number) for number, size in enumerate(sizes)}
    content = make.safetensors(tensors)
    with Store.open(tmp_path_factory.mktemp("any") / "store", create=True) as opened:
        file = opened.file(opened.add(BytesSource(content)).sha256)
        assert b"".join(file.iter_range()) == content


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


@pytest.mark.parametrize("sha256", ["", "../../etc/passwd", "A" * 64, "0" * 63])
def test_what_is_no_sha256_is_refused(store, sha256):
    with pytest.raises(UsageError):
        store.file(sha256)


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
        Store.open("gs://bucket/store")


def test_a_store_of_a_later_version_is_refused_by_name(folder):
    Store.open(folder, create=True).close()
    body = b"weighbridge store\nversion 9\nsomething new\n"
    (folder / "weighbridge-store").write_bytes(body + f"check {blake3(body).hexdigest()}\n".encode())
    with pytest.raises(StoreVersionError, match="version 9"):
        Store.open(folder)


def test_many_files_share_packs(store, folder, make):
    sources = [BytesSource(make.weights(10_000, seed).tobytes(), str(seed)) for seed in range(20)]
    stored = store.add_many(sources)
    assert [s.name for s in stored] == [str(seed) for seed in range(20)]
    assert len(list((folder / "packs").rglob("*.pack"))) == 1
    assert all(store.file(s.sha256).read_at(0, s.size) == make.weights(10_000, int(s.name)).tobytes() for s in stored)


def test_a_file_from_disk_reports_progress_to_its_size(store, tmp_path, make):
    (tmp_path / "w").write_bytes(make.weights(1_500_000).tobytes())
    done = []
    store.add(FileSource(tmp_path / "w"), progress=done.append)
    assert sum(done) == 6_000_000


def test_a_file_that_changes_while_it_is_packed_is_refused_and_leaves_nothing_to_see(store, tmp_path, make):
    path = tmp_path / "w"
    path.write_bytes(make.weights(3_000_000).tobytes())

    def meddle(_done):
        with path.open("r+b") as stream:
            stream.write(b"!")

    with pytest.raises(FileChangedError):
        store.add(FileSource(path), progress=meddle)
    assert store.stat().files == 0
    assert store.verify().ok


def test_the_statistics_add_up(store, folder, make):
    a = make.weights(700_000)
    first = store.add(BytesSource(make.safetensors({"a": a})))
    second = store.add(BytesSource(make.safetensors({"b": a, "c": make.weights(9)})))
    small = store.add(BytesSource(b"small"))
    store.bind("x", small.sha256)
    stat = store.stat()
    assert (stat.files, stat.names, stat.packs) == (3, 1, 2)
    assert stat.file_bytes == first.size + second.size + small.size
    assert stat.unique_bytes == stat.file_bytes - a.nbytes
    assert stat.stored_bytes == make.size_of(folder)
    assert sum(codec.raw_bytes for codec in stat.codecs) == stat.unique_bytes
