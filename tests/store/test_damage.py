"""Every flipped bit is found, is told with whom it hurts, and is never given out as content."""

from __future__ import annotations

import random
import shutil

import pytest

from weighbridge.errors import CorruptError, WeighbridgeError
from weighbridge.store import Store
from weighbridge.store._keys import pack_key
from weighbridge.tensors import BytesSource

from .damaging import bits_of, flip, flipped, objects


@pytest.fixture(scope="module")
def sound(tmp_path_factory, make):
    """A small store with every kind of object and codec, and the files in it by name."""
    rng = random.Random(0)
    files = {
        "weights": make.safetensors({"w": make.weights(5_000), "zeros": make.weights(5_000) * 0}),
        "opaque": rng.randbytes(40_000),
        "text": b"words " * 10_000,
        "small": b"small",
    }
    folder = tmp_path_factory.mktemp("sound") / "store"
    with Store.open(folder, create=True) as store:
        for name, data in files.items():
            store.bind(name, store.add(BytesSource(data)).sha256)
    return folder, files


@pytest.fixture
def copy(sound, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(sound[0], folder)
    return folder


def hurt_by(result):
    return {name for damage in result.damage for use in damage.files for name in use.names}


def victims(path, files, make):
    """The names that a manifest is needed for; every other object is needed for one of them, or for none."""
    return {name for name, data in files.items() if make.sha256(data) == path.name}


@pytest.mark.parametrize("most", [40, pytest.param(20_000, marks=pytest.mark.slow)])
def test_every_flipped_bit_is_found_and_names_whom_it_hurts(sound, copy, make, most):
    with Store.open(copy) as store:
        for path in objects(copy):
            key = path.relative_to(copy).as_posix()
            for bit in flipped(path, bits_of(path, most)):
                result = store.verify()
                assert key in {damage.key for damage in result.damage}, bit
                if "files/" in key:
                    assert hurt_by(result) == victims(path, sound[1], make), (key, bit)
                if "packs/" in key:
                    assert len(hurt_by(result)) == 1, (key, bit)
        assert store.verify().ok


def test_no_flipped_bit_is_served(sound, copy):
    for path in objects(copy):
        for _ in flipped(path, bits_of(path, 12)):
            if path.name == "weighbridge-store":
                with pytest.raises(CorruptError):
                    Store.open(copy)
            else:
                with Store.open(copy, threads=1) as store:
                    for name, data in sound[1].items():
                        _read_right_or_not_at_all(store, name, data)


def _read_right_or_not_at_all(store, name, data):
    try:
        file = store.file(store.resolve(name))
        assert b"".join(file.iter_range()) == data
    except CorruptError:
        return


def test_damage_in_a_block_is_told_with_block_pack_and_file(sound, copy):
    pack = max((copy / "packs").rglob("*.pack"), key=lambda p: p.stat().st_size)
    flip(pack, 8 * 1000)
    with Store.open(copy) as store:
        (damage,) = store.verify().damage
        (use,) = damage.files
        with pytest.raises(CorruptError) as caught:
            store.file(use.sha256).read_at(0, 10)
    assert damage.block in str(caught.value)
    assert pack.name in str(caught.value)
    assert use.sha256 in str(caught.value)


def test_what_is_cut_short_or_gone_is_found(sound, copy):
    for path in objects(copy):
        original = path.read_bytes()
        for rest in (original[:-1], original[: len(original) // 2], b"", None):
            path.unlink()
            if rest is not None:
                path.write_bytes(rest)
            if path.name == "weighbridge-store":
                with pytest.raises(WeighbridgeError):
                    Store.open(copy)
            else:
                gone_name = rest is None and path.relative_to(copy).parts[0] == "names"
                with Store.open(copy) as store:
                    assert store.verify().ok == gone_name, (path, rest and len(rest))
            path.write_bytes(original)


def test_objects_that_changed_places_are_found(sound, copy):
    for kind in ("files", "names", "packs"):
        one, two = [p for p in objects(copy) if p.relative_to(copy).parts[0] == kind][:2]
        a, b = one.read_bytes(), two.read_bytes()
        one.write_bytes(b)
        two.write_bytes(a)
        with Store.open(copy) as store:
            assert len(store.verify().damage) >= 2
        one.write_bytes(a)
        two.write_bytes(b)


def test_a_second_copy_of_a_block_is_read_when_the_first_is_damaged(store, folder, make):
    data = make.weights(20_000).tobytes()
    stored = store.add(BytesSource(data))
    store._catalog.knows = lambda digest: False  # a second writer that has not seen the first one's pack yet
    store.add_many([BytesSource(make.weights(10_000, 1).tobytes()), BytesSource(data)])
    packs = sorted((folder / "packs").rglob("*.pack"), key=lambda p: p.stat().st_mtime_ns)
    assert len(packs) == 2
    for hurt in packs:
        original = hurt.read_bytes()
        hurt.write_bytes(bytes(b ^ 1 if 8 <= i < len(original) - 200 else b for i, b in enumerate(original)))
        with Store.open(folder) as fresh:
            assert fresh.file(stored.sha256).read_at(0, len(data)) == data
            assert not fresh.verify().ok
            assert not any(use.sha256 == stored.sha256 for d in fresh.verify().damage for use in d.files)
        hurt.write_bytes(original)


def test_adding_a_file_again_mends_its_manifest(sound, copy, make):
    data = sound[1]["weights"]
    path = next((copy / "files").rglob(make.sha256(data)))
    flip(path, 300)
    with Store.open(copy) as store:
        store.add(BytesSource(data))
        assert store.verify().ok


def test_adding_a_file_again_mends_a_pack_whose_footer_is_damaged(sound, copy, make):
    data = sound[1]["weights"]
    with Store.open(copy) as store:
        digest = store.manifest(make.sha256(data)).blocks[0].digest
        pack = store._catalog.places(digest)[0].pack
    flip(copy / pack_key(pack), 8 * (copy / pack_key(pack)).stat().st_size - 1)
    with Store.open(copy) as store:
        assert store.add(BytesSource(data)).new_blocks > 0
    (copy / "index" / "blocks.sqlite").unlink()
    with Store.open(copy) as store:
        assert store.file(make.sha256(data)).read_at(0, len(data)) == data


def test_strays_are_mentioned_and_hurt_nothing(copy):
    (copy / "packs" / "readme.txt").write_text("hello")
    (copy / "files" / "00").mkdir(exist_ok=True)
    (copy / "files" / "00" / ("1" * 64)).write_bytes(b"in the wrong folder")
    with Store.open(copy) as store:
        result = store.verify()
    assert result.ok
    assert result.strays == ("files/00/" + "1" * 64, "packs/readme.txt")
