"""The index is a cache: it may be lost, stale or wrong, and nothing else is."""

from __future__ import annotations

import random
import shutil
import sqlite3
import threading

import pytest
from blake3 import blake3

from weighbridge.errors import StoreVersionError
from weighbridge.store import Store, VerifyOptions
from weighbridge.store._catalog import Catalog
from weighbridge.store._index import BlockIndex
from weighbridge.tensors import BytesSource

from . import models


@pytest.fixture
def filled(folder, make):
    """A closed store, its index, and what is in it."""
    contents = [make.weights(30_000, seed).tobytes() for seed in range(5)]
    with Store.open(folder, create=True) as store:
        for content in contents:
            store.add(BytesSource(content))
    return folder / "index" / "blocks.sqlite", contents


def reads_all(folder, contents, make):
    with Store.open(folder) as store:
        return all(store.file(make.sha256(c)).read_at(0, len(c)) == c for c in contents)


def test_a_lost_index_is_rebuilt(filled, folder, make):
    index, contents = filled
    shutil.rmtree(index.parent)
    assert reads_all(folder, contents, make)
    with Store.open(folder) as store:
        assert store.add(BytesSource(contents[0])).new_bytes == 0


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 500, b"SQLite format 3\0" + b"\xff" * 5000])
def test_an_index_that_is_something_else_is_rebuilt(filled, folder, make, content):
    index, contents = filled
    index.write_bytes(content)
    assert reads_all(folder, contents, make)


def test_no_flipped_bit_in_the_index_changes_what_is_read(filled, folder, make):
    index, contents = filled
    original = index.read_bytes()
    rng = random.Random(1)
    for _ in range(40):
        damaged = bytearray(original)
        for _ in range(rng.choice((1, 20, 300))):
            damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
        index.write_bytes(damaged)
        assert reads_all(folder, contents, make)


def test_a_line_that_points_to_another_pack_and_cannot_be_replaced_is_read_past(filled, folder, make):
    """SQLite finds by another of its tables which lines a pack has, so a damaged one stays when the pack is noted anew.

    The pack that is noted last gets its old number again, so the line that points to it goes on doing so.
    """
    index, contents = filled
    original = index.read_bytes()
    with sqlite3.connect(index) as db:
        lines = db.execute("SELECT digest, pack FROM blocks").fetchall()
        (last,) = db.execute("SELECT max(id) FROM packs").fetchone()
    moved = 0
    for digest, pack in lines:
        at = original.find(digest + bytes([pack]))
        if at < 0 or pack == last:
            continue
        damaged = bytearray(original)
        damaged[at + len(digest)] = last
        index.write_bytes(damaged)
        assert reads_all(folder, contents, make)
        moved += 1
    assert moved > 3


@pytest.mark.parametrize(
    "lie", ["raw = raw + 1", "raw = 1 << 62", "stored = 1 << 62", "start = 1 << 62", "refs = digest"]
)
def test_an_index_that_lies_about_what_others_refer_to_is_found_out(family, lie):
    with sqlite3.connect(family.folder / "index" / "blocks.sqlite") as db:
        assert db.execute(f"UPDATE blocks SET {lie} WHERE refs = x''").rowcount > 2
    for name, data in family.files.items():
        with Store.open(family.folder) as store:
            assert b"".join(store.file(store.resolve(name)).iter_range()) == data


@pytest.mark.parametrize("kind", ["plain", "delta"])
def test_a_writer_does_not_rely_on_what_only_the_index_says(family, make, kind):
    """A block of which the index says that some pack holds it, and none does."""
    other = models.family(seed=2)
    refs = "x''" if kind == "plain" else "(SELECT digest FROM blocks WHERE refs = x'' LIMIT 1)"
    with Store.open(family.folder.with_name("elsewhere"), create=True) as store:
        blocks = store.manifest(store.add(BytesSource(other["base"])).sha256).blocks
    with sqlite3.connect(family.folder / "index" / "blocks.sqlite") as db:
        for block in blocks:
            line = f"SELECT ?, pack, start, stored, raw, codec, version, {refs} FROM blocks LIMIT 1"
            db.execute(f"INSERT INTO blocks {line}", (block.digest,))
    with Store.open(family.folder) as store:
        stored = store.add(BytesSource(other["base"]))
        assert store.file(stored.sha256).read_at(0, stored.size) == other["base"]
        assert {damage.key for damage in store.verify(VerifyOptions(files=True)).damage} <= {"index/"}


def test_an_index_that_lies_is_found_out_and_corrected(filled, folder, make):
    index, contents = filled
    with sqlite3.connect(index) as db:
        db.execute("UPDATE blocks SET start = start + 1, raw = raw + 1")
    assert reads_all(folder, contents, make)
    with sqlite3.connect(index) as db:
        db.execute("UPDATE blocks SET codec = 4")
    with Store.open(folder) as store:
        assert {damage.key for damage in store.verify().damage} == {"index/"}
        assert store.verify().ok


@pytest.mark.parametrize("lie", ["DELETE FROM blocks", "UPDATE blocks SET start = start + 1"])
def test_a_reader_waits_while_another_thread_makes_a_wrong_index_anew(filled, folder, make, monkeypatch, lie):
    index, contents = filled
    with sqlite3.connect(index) as db:
        db.execute(lie)
    begun, second, clear, results = threading.Event(), threading.Event(), BlockIndex.clear, {}

    def slow(self):
        begun.set()
        second.wait(0.5)  # the other thread has its turn, if it does not wait for this one
        clear(self)

    monkeypatch.setattr(BlockIndex, "clear", slow)
    monkeypatch.setattr(Catalog, "reload", lambda *_: None)  # as where SQLite does not find what to replace
    with Store.open(folder) as store:
        files = [store.file(make.sha256(content)) for content in contents[:2]]

        def read(which):
            results[which] = files[which].read_at(0, len(contents[which]))

        first = threading.Thread(target=read, args=(0,))
        first.start()
        assert begun.wait(30)
        read(1)
        second.set()
        first.join()
    assert results == {0: contents[0], 1: contents[1]}


def test_an_index_of_another_version_is_rebuilt(filled, folder, make):
    index, contents = filled
    with sqlite3.connect(index) as db:
        db.execute("PRAGMA user_version = 99")
    assert reads_all(folder, contents, make)


def test_a_pack_that_was_taken_away_is_forgotten(filled, folder, make):
    _, contents = filled
    pack = next((folder / "packs").rglob("*.pack"))
    pack.unlink()
    with Store.open(folder) as store:
        stored = [store.add(BytesSource(content)) for content in contents]
        assert sum(one.new_blocks > 0 for one in stored) == 1  # what was lost is stored anew
        assert store.verify().ok


def test_a_pack_of_a_later_version_is_refused_by_name(filled, folder, make):
    _, contents = filled
    for path in list((folder / "packs").rglob("*.pack")):
        data = path.read_bytes()
        length = int.from_bytes(data[-40:-32], "little")
        head, footer = b"WBPACK\x07\x00", data[-40 - length : -32]
        check = blake3(head + footer).digest()
        later = path.parent.parent / check.hex()[:2] / f"{check.hex()}.pack"
        later.parent.mkdir(exist_ok=True)
        later.write_bytes(head + data[8:-32] + check)
        path.unlink()
    (folder / "index" / "blocks.sqlite").unlink()
    with Store.open(folder) as store, pytest.raises(StoreVersionError, match="version 7 of WBPACK"):
        store.file(make.sha256(contents[0])).read_at(0, 1)
