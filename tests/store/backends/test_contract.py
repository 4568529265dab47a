"""What every backend promises (weighbridge.store.backends.base), asked of each of them."""

from __future__ import annotations

import os
import threading
import time

import pytest

from weighbridge.errors import ObjectNotFoundError
from weighbridge.store import Store
from weighbridge.store.backends import connect
from weighbridge.tensors import BytesSource

from .memory import MemoryBackend
from .proxy import Mark

KINDS = ("memory", "local", "s3", "s3-marked")


@pytest.fixture(params=KINDS)
def backend(request, tmp_path):
    """An empty backend. `s3-marked` answers ranges with status 206 as S3 does, which rclone does not."""
    if request.param == "memory":
        made = MemoryBackend(tmp_path)
    elif request.param == "local":
        made = connect(tmp_path / "objects", create=True)
    else:
        if request.param == "s3-marked":
            request.getfixturevalue("proxy").rule = lambda _request: Mark()
        made = connect(request.getfixturevalue("s3"), create=True)
    yield made
    made.close()


def test_what_was_put_is_got(backend):
    assert backend.put("packs/aa/x", [b"one", b"", b"two"])
    assert backend.get("packs/aa/x") == b"onetwo"
    assert backend.put("empty", [])
    assert backend.get("empty") == b""


def test_an_object_is_not_replaced_by_surprise(backend):
    assert backend.put("a", [b"first"])
    assert not backend.put("a", [b"second"])
    assert backend.get("a") == b"first"
    assert backend.put("a", [b"third"], replace=True)
    assert backend.put("b", [b"new"], replace=True)
    assert (backend.get("a"), backend.get("b")) == (b"third", b"new")


@pytest.mark.parametrize(
    ("offset", "length"), [(0, 4), (3, 4), (8, 2), (8, 50), (9, 1), (10, 1), (11, 5), (500, 1), (0, 0), (4, 0)]
)
def test_a_range_is_what_a_slice_is(backend, offset, length):
    backend.put("a", [b"0123456789"])
    assert backend.get_range("a", offset, length) == b"0123456789"[offset : offset + length]


def test_several_ranges_come_in_the_order_asked_for(backend):
    data = os.urandom(3_000_000)
    backend.put("a", [data])
    ranges = [(2_500_000, 10), (0, 5), (5, 5), (0, 700_000), (2_999_999, 10), (1_000, 0), (7, 3), (7, 3)]
    assert backend.get_ranges("a", ranges) == [data[offset : offset + length] for offset, length in ranges]
    assert backend.get_ranges("a", []) == []


def test_a_missing_object_is_told_as_such(backend):
    for ask in (backend.get, lambda key: backend.get_range(key, 0, 1), lambda key: backend.get_ranges(key, [(0, 1)])):
        with pytest.raises(ObjectNotFoundError):
            ask("files/aa/missing")


def test_deleted_objects_are_gone_and_deleting_again_does_nothing(backend):
    backend.put("a", [b"x"])
    for _ in range(2):
        backend.delete("a")
        assert list(backend.list("")) == []
    assert backend.put("a", [b"again"])


def test_listing_tells_keys_sizes_and_when(backend):
    before = time.time() - 5
    for number in range(12):
        backend.put(f"packs/{number % 3:02}/{number}", [b"x" * number])
    backend.put("files/00/1", [b"y"])
    listed = {found.key: found for found in backend.list("packs/")}
    assert {key: found.size for key, found in listed.items()} == {f"packs/{n % 3:02}/{n}": n for n in range(12)}
    assert all(before <= found.modified <= time.time() + 5 for found in listed.values())
    assert {found.key for found in backend.list("packs/01")} == {f"packs/01/{n}" for n in (1, 4, 7, 10)}
    assert len(list(backend.list(""))) == 13
    assert list(backend.list("names/")) == []


def test_a_large_object_survives_the_way(backend):
    parts = [os.urandom(1 << 20) for _ in range(20)]
    assert backend.put("packs/aa/large", parts)
    assert backend.get("packs/aa/large") == b"".join(parts)
    assert backend.get_range("packs/aa/large", 10_000_000, 9_000_000) == b"".join(parts)[10_000_000:19_000_000]


def test_of_several_creators_one_is_told_that_it_made_it(backend):
    told, threads = [], []
    for number in range(6):
        work = threading.Thread(target=lambda number=number: told.append(backend.put("a", [b"%d" % number])))
        threads.append(work)
        work.start()
    for thread in threads:
        thread.join()
    assert len(told) == 6
    assert any(told)
    if backend.exclusive:
        assert sum(told) == 1
    assert backend.get("a") in {b"%d" % number for number in range(6)}


def test_asking_whether_writes_are_exclusive_leaves_nothing(backend):
    assert backend.exclusive in (True, False)
    assert list(backend.list("")) == []


def test_a_store_works_there(backend, make):
    small, large = make.weights(300).tobytes(), make.safetensors({"w": make.weights(300_000)})
    with Store.on(backend, create=True) as store:
        stored = store.add_many([BytesSource(small), BytesSource(large)])
        store.bind("large", stored[1].sha256)
        assert store.add(BytesSource(large)).new_bytes == 0
        assert [store.file(one.sha256).read_at(0, one.size) for one in stored] == [small, large]
        assert store.file(store.resolve("large")).read_at(5_000, 100) == large[5_000:5_100]
        assert store.verify().ok
        assert (store.stat().files, store.names()) == (2, {"large": stored[1].sha256})
