"""Relatives are found by their sketches among many files, and the index of them is only a cache."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from weighbridge.store import Store
from weighbridge.store._families import Families
from weighbridge.store._keys import file_key
from weighbridge.store._nearest import Relative
from weighbridge.store._sketch import NO_SKETCH
from weighbridge.store.manifests import Manifest, Region
from weighbridge.store.values import BlockRef
from weighbridge.tensors import BytesSource

BLOCK = (BlockRef(bytes(32), 4096),)


def manifest(number, sketches, row=64, dtype="BF16"):
    regions = tuple(Region(4096 * at, 4096, dtype, BLOCK, row, sketch) for at, sketch in enumerate(sketches))
    return Manifest(hashlib.sha256(b"%d" % number).hexdigest(), 4096 * len(regions), regions)


def changed(sketch, bits, seed=0):
    """The sketch with so many of its bits the other way round."""
    value = int.from_bytes(sketch)
    for bit in np.random.default_rng(seed).permutation(128)[:bits]:
        value ^= 1 << int(bit)
    return value.to_bytes(16)


@pytest.fixture
def write(store):
    """Put manifests into the store, as another process would."""

    def put(*manifests):
        for one in manifests:
            store._backend.put(file_key(one.sha256), [one.encode()])

    return put


@pytest.fixture
def families(store):
    return lambda: Families(store._backend, store._index)


def random_sketches(count, seed=0):
    return [np.random.default_rng(seed + number).bytes(16) for number in range(count)]


def test_the_nearest_of_many_is_found(store, write, families):
    sketches = random_sketches(500)
    files = [manifest(number, sketches[at : at + 50]) for number, at in enumerate(range(0, 500, 50))]
    write(*files)
    found = families()
    for at in (0, 77, 499):
        wanted = Relative(files[at // 50].sha256, at % 50)
        assert found.relatives(changed(sketches[at], 20), 64, "BF16", (), 4) == [wanted]
    assert found.relatives(np.random.default_rng(9999).bytes(16), 64, "BF16", (), 4) == []
    assert found.relatives(sketches[0], 65, "BF16", (), 4) == []  # of another width
    assert found.relatives(NO_SKETCH, 64, "BF16", (), 4) == []


def test_known_relatives_come_first_among_equals_and_may_be_farther(write, families):
    (sketch,) = random_sketches(1)
    near, far = manifest(1, [changed(sketch, 3)]), manifest(2, [changed(sketch, 6, seed=1)])
    distant = manifest(3, [changed(sketch, 45)])
    write(near, far, distant)
    found = families()
    assert [one.sha256 for one in found.relatives(sketch, 64, "BF16", (), 4)] == [near.sha256, far.sha256]
    known = found.relatives(sketch, 64, "BF16", {far.sha256, distant.sha256}, 4)
    assert [one.sha256 for one in known] == [far.sha256, near.sha256, distant.sha256]


def test_the_same_dtype_comes_before_a_cast(write, families):
    (sketch,) = random_sketches(1)
    wide, same = manifest(1, [sketch], dtype="F32"), manifest(2, [changed(sketch, 1)])
    write(wide, same)
    assert [one.sha256 for one in families().relatives(sketch, 64, "BF16", (), 4)] == [same.sha256, wide.sha256]


def test_numbers_of_one_sign_are_told_apart_by_what_is_left(write, families):
    """Half of the bits say nothing of a layer norm: what is left must agree much better than by chance."""
    rng = np.random.default_rng(1)
    norms = [bytes(8) + rng.bytes(8) for _ in range(300)]
    write(manifest(1, norms[:299]))
    assert families().relatives(norms[299], 64, "BF16", (), 4) == []
    assert families().relatives(norms[5], 64, "BF16", (), 4)[0].region == 5
    assert families().relatives(bytes(8) + bytes(7) + b"\x01", 64, "BF16", (), 4) == []


def test_only_manifests_that_were_not_seen_are_read(store, write, families, monkeypatch):
    sketches = random_sketches(3)
    first, second = manifest(1, sketches[:1]), manifest(2, sketches[1:2])
    write(first)
    families().refresh()
    write(second)
    got = []
    monkeypatch.setattr(store._backend, "get", lambda key, get=store._backend.get: got.append(key) or get(key))
    families().refresh()
    assert got == [file_key(second.sha256)]


def test_a_file_that_is_gone_is_forgotten_and_a_damaged_one_is_none(store, write, families):
    sketches = random_sketches(2)
    gone, damaged = manifest(1, sketches[:1]), manifest(2, sketches[1:])
    write(gone)
    families().refresh()
    store._backend.delete(file_key(gone.sha256))
    store._backend.put(file_key(damaged.sha256), [damaged.encode()[:-1] + b"?"])
    found = families()
    assert found.relatives(sketches[0], 64, "BF16", (), 4) == []
    assert found.relatives(sketches[1], 64, "BF16", (), 4) == []


def test_a_lost_index_is_filled_again_from_manifests(folder, make):
    data = make.safetensors({"a": make.weights(10_000)})
    with Store.open(folder, create=True) as store:
        sha256 = store.add(BytesSource(data)).sha256
        region = store.manifest(sha256).regions[0]
        assert Families(store._backend, store._index).relatives(region.sketch, region.row, "F32", (), 4)
    for path in (folder / "index").iterdir():
        path.unlink()
    with Store.open(folder) as store:
        found = Families(store._backend, store._index).relatives(region.sketch, region.row, "F32", (), 4)
    assert found == [Relative(sha256, 0)]


def test_a_row_longer_than_sqlites_numbers_is_a_row(write, families):
    (sketch,) = random_sketches(1)
    write(manifest(1, [sketch], row=(1 << 64) - 1))
    assert len(families().relatives(sketch, (1 << 64) - 1, "BF16", (), 4)) == 1


def test_a_file_of_this_session_is_a_relative_at_once(families):
    (sketch,) = random_sketches(1)
    own, found = manifest(1, [sketch]), families()
    assert found.relatives(sketch, 64, "BF16", (), 4) == []
    found.note(own)
    assert found.relatives(sketch, 64, "BF16", (), 4) == [Relative(own.sha256, 0)]
    assert found.manifest(own.sha256) is own


@pytest.mark.slow
def test_among_three_thousand_files_of_three_hundred_regions(write, families):
    rng = np.random.default_rng(0)
    sketches = [rng.bytes(16) for _ in range(300)]
    write(*(manifest(number, [rng.bytes(16) for _ in range(300)]) for number in range(3000)))
    wanted = manifest(4000, sketches)
    write(wanted)
    found = families()
    nearest = [found.relatives(changed(sketch, 24), 64, "BF16", (), 1)[0] for sketch in sketches]
    assert nearest == [Relative(wanted.sha256, region) for region in range(300)]
