"""Bases that came later, or were not seen: repacking finds them, and what was there first gets no slower to read."""

from __future__ import annotations

import os

import pytest

from weighbridge.store import GcOptions, Store, _rebase
from weighbridge.store._families import Families
from weighbridge.store._pack_writer import PackWriter
from weighbridge.tensors import BytesSource

from .models import cast, merged, normal, safetensors, tuned

NOW = GcOptions(grace=0, waste=0)


def model(seed=0):
    tensors = {f"{n}.weight": normal([seed, n], (96, 512)) for n in range(3)}
    return tensors | {"norm": 1 + normal([seed, 10], 4096)}


BASE = cast(model())
FINE, OTHER = cast(tuned(model())), cast(tuned(model(), 2))
LARGE = {"w": normal(7, (2000, 1024)).astype(BASE["norm"].dtype)}


@pytest.fixture
def blind(store, folder, monkeypatch):
    """Stores tensors as if no relative had been seen; each file seems a minute newer than the one before."""
    names = []

    def add(name, tensors, *, sees=False):
        with monkeypatch.context() as patched:
            if not sees:
                patched.setattr(Families, "relatives", lambda *_arguments: [])
            sha256 = store.add(BytesSource(safetensors(tensors))).sha256
        store.bind(name, sha256)
        at = 1_700_000_000 + 60 * len(names)
        os.utime(folder / "files" / sha256[:2] / sha256, (at, at))
        names.append(name)
        return sha256

    return add


def kept(store, name):
    """How many references each block of a file has, in the copy that is kept."""
    blocks = store.manifest(store.resolve(name)).blocks
    return [min(len(place.references) for place in store._catalog.places(block.digest)) for block in blocks]


def ensure_sound(store, **files):
    result = store.verify()
    assert result.ok, result.damage
    for name, tensors in files.items():
        assert b"".join(store.file(store.resolve(name)).iter_range()) == safetensors(tensors)


def test_the_newer_of_two_that_did_not_see_each_other_becomes_a_difference(store, blind):
    blind("base", BASE)
    blind("fine", FINE)
    before = store.stat()
    done = store.repack(NOW)
    after = store.stat()
    assert done.rebased.blocks == 4
    assert after.saved_by_deltas > before.saved_by_deltas == 0
    assert before.stored_bytes - after.stored_bytes > 0.9 * done.rebased.saved > 0
    assert after.garbage_bytes == 0
    assert (sum(kept(store, "base")), sum(kept(store, "fine"))) == (0, 4)
    ensure_sound(store, base=BASE, fine=FINE)


@pytest.mark.parametrize("newer", [False, True])
def test_an_older_file_is_made_a_difference_from_a_newer_one_only_if_asked_for(store, blind, newer):
    blind("fine", FINE)
    blind("base", BASE)
    assert store.repack(NOW, newer_bases=newer).rebased.blocks == 4
    assert (sum(kept(store, "fine")), sum(kept(store, "base"))) == ((4, 0) if newer else (0, 4))
    ensure_sound(store, base=BASE, fine=FINE)


@pytest.mark.parametrize("newer", [False, True])
def test_no_chains_whatever_resembles_what(store, blind, newer):
    blind("fine", FINE)
    blind("base", BASE)
    blind("other", OTHER)
    blind("again", cast(tuned(model(), 3)), sees=True)
    assert store.repack(NOW, newer_bases=newer).rebased.blocks >= 4
    for name in ("fine", "base", "other", "again"):
        for block in store.manifest(store.resolve(name)).blocks:
            for place in store._catalog.places(block.digest):
                assert all(not store._catalog.places(root)[0].references for root in place.references)
    ensure_sound(store, base=BASE, fine=FINE, other=OTHER)


def test_a_block_of_an_older_file_stays_whatever_newer_files_have_it_too(store, blind):
    blind("first", FINE)
    blind("base", BASE)
    blind("both", {**BASE, "extra": FINE["0.weight"]})
    store.repack(NOW)
    assert sum(kept(store, "first")) == 0
    ensure_sound(store, first=FINE, base=BASE, both={**BASE, "extra": FINE["0.weight"]})


def test_a_better_base_takes_the_place_of_one_that_was_found_first(store, blind, monkeypatch):
    far = cast(tuned(model(), 5, 3e-3))
    blind("far", far)
    blind("base", BASE)
    usual = Families.relatives

    def add_beside(name, base, tensors):
        """A writer that knows of one relative only."""
        only = store.resolve(base)
        with monkeypatch.context() as patched:
            patched.setattr(Families, "relatives", lambda *given: [r for r in usual(*given) if r.sha256 == only])
            sha256 = store.add(BytesSource(safetensors(tensors))).sha256
        store.bind(name, sha256)
        return sha256

    add_beside("other", "base", OTHER)
    sha256 = add_beside("fine", "far", FINE)
    assert sum(kept(store, "fine")) == 4
    before = store.stat().stored_bytes
    assert store.repack(NOW).rebased.blocks >= 4
    assert store.stat().stored_bytes < 0.95 * before
    roots = {block.digest for block in store.manifest(store.resolve("base")).blocks}
    places = [store._catalog.places(block.digest)[0] for block in store.manifest(sha256).blocks]
    assert sum(roots.issuperset(place.references) for place in places if place.references) == 4
    ensure_sound(store, far=far, base=BASE, fine=FINE)


def test_a_merge_that_was_stored_first_is_recovered(store, blind):
    base = {"layer.q": normal([1], (256, 192), 0.05).astype(BASE["norm"].dtype)}
    blind("base", base)
    blind("merged", merged(base, 2))
    done = store.repack(NOW)
    assert done.rebased.blocks == 1
    assert kept(store, "merged")[0] == 2  # the base's block, and the factors
    ensure_sound(store, base=base, merged=merged(base, 2))


def test_what_was_looked_at_in_vain_is_not_looked_at_again(store, folder, blind, monkeypatch):
    blind("base", BASE)
    blind("far", cast(tuned(model(), 4, 9e-3)))
    looked = []
    usual = _rebase.Rebaser._attempt
    monkeypatch.setattr(_rebase.Rebaser, "_attempt", lambda self, *given: looked.append(1) or usual(self, *given))
    store.repack(NOW)
    first = len(looked)
    with Store.open(folder) as again:
        again.repack(NOW)
    assert len(looked) == first
    blind("fine", FINE)  # something new to look at
    store.repack(NOW)
    assert len(looked) > first


def test_an_interrupted_run_loses_nothing_and_its_work_counts(store, blind, monkeypatch):
    blind("base", LARGE)
    fine = cast(tuned(LARGE, 3))
    blind("fine", fine)
    monkeypatch.setattr("weighbridge.store._pack_writer.PACK_TARGET", 1)
    added, usual = [], PackWriter.add

    def interrupt(self, payload):
        if len(added) == 1:
            raise KeyboardInterrupt
        added.append(payload)
        return usual(self, payload)

    with monkeypatch.context() as patched:
        patched.setattr(PackWriter, "add", interrupt)
        with pytest.raises(KeyboardInterrupt):
            store.repack(NOW)
    ensure_sound(store, base=LARGE, fine=fine)
    assert store.repack(NOW).rebased.blocks == 1  # of two; the other one was durable
    assert sum(kept(store, "fine")) == 2
    ensure_sound(store, base=LARGE, fine=fine)


def test_a_base_that_is_removed_meanwhile_takes_nothing_with_it(store, blind):
    blind("base", BASE)
    blind("fine", FINE)
    store.repack(NOW)
    assert store.remove("base")
    assert store.gc(NOW).garbage[0].nbytes >= 0
    ensure_sound(store, fine=FINE)
    assert sum(kept(store, "fine")) == 4  # what it refers to is needed, and stays


def test_a_damaged_block_is_left_to_a_repair(store, folder, blind):
    blind("base", BASE)
    blind("fine", FINE)
    digest = store.manifest(store.resolve("fine")).blocks[0].digest
    place = store._catalog.places(digest)[0]
    path = folder / "packs" / place.pack[:2] / f"{place.pack}.pack"
    data = bytearray(path.read_bytes())
    data[place.offset + place.stored // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)
    done = store.repack(NOW)
    assert done.rebased.blocks == 3
    damage = store.verify().damage
    assert {found.block for found in damage} == {digest.hex()}
