"""Verification of a part, interrupted and gone on with; damage that is mended from another store."""

from __future__ import annotations

import random
import shutil

import pytest
from blake3 import blake3

from weighbridge.cli.main import run
from weighbridge.errors import CorruptError
from weighbridge.store import Store, VerifyOptions, _pack_writer, _verify
from weighbridge.store.manifests import Manifest
from weighbridge.tensors import BytesSource

from .damaging import flip, objects


@pytest.fixture
def twin(folder, tmp_path, make, monkeypatch):
    """A store of several packs, a copy of it, and what is in both by name."""
    monkeypatch.setattr(_pack_writer, "PACK_TARGET", 200_000)
    contents = {f"file {seed}": make.weights(60_000, seed).tobytes() for seed in range(5)} | {"small": b"small"}
    with Store.open(folder, create=True) as store:
        for one in store.add_many(BytesSource(content, name) for name, content in contents.items()):
            store.bind(one.name, one.sha256)
    shutil.copytree(folder, tmp_path / "twin")
    return tmp_path / "twin", contents


def break_byte(path, at=None):
    """Flip the lowest bit of a byte, of the one in the middle if none is said."""
    size = path.stat().st_size
    flip(path, 8 * (size // 2 if at is None else at % size))


def ensure_mended(folder, contents):
    with Store.open(folder) as store:
        result = store.verify(VerifyOptions(files=True))
        assert result.ok, result.damage
        for name, content in contents.items():
            assert b"".join(store.file(store.resolve(name)).iter_range()) == content


def repaired(folder, other):
    with Store.open(folder, damaged=True) as store, Store.open(other) as helper:
        found = store.verify()
        assert not found.ok
        return store.repair(helper, found)


@pytest.mark.parametrize("prefix", ["packs", "files", "names", "weighbridge-store"])
@pytest.mark.parametrize("harm", ["flip", "cut", "footer"])
def test_what_is_damaged_is_mended_from_a_copy(twin, folder, prefix, harm):
    other, contents = twin
    for path in objects(folder, prefix) or [folder / prefix]:
        if harm == "cut":
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        else:
            break_byte(path, -1 if harm == "footer" else None)
    assert repaired(folder, other).ok
    ensure_mended(folder, contents)


def test_what_is_missing_is_mended_from_a_copy(twin, folder):
    other, contents = twin
    for path in [*objects(folder, "packs"), *objects(folder, "files"), folder / "weighbridge-store"]:
        path.unlink()
    assert repaired(folder, other).ok
    ensure_mended(folder, contents)


def test_all_at_once_at_random(twin, folder, tmp_path):
    other, contents = twin
    rng = random.Random(1)
    for path in objects(folder):
        for _ in range(rng.randrange(4)):
            break_byte(path, rng.randrange(path.stat().st_size))
    assert repaired(folder, other).ok
    ensure_mended(folder, contents)


def test_what_the_other_store_has_not_stays_damaged_and_is_named(twin, folder, tmp_path, make):
    _, contents = twin
    with Store.open(tmp_path / "poor", create=True) as poor:
        poor.add(BytesSource(contents["file 1"]))
    for path in objects(folder, "packs"):
        break_byte(path, 5000)
    before = objects(folder, "packs")
    left = repaired(folder, tmp_path / "poor")
    hurt = {name for damage in left.damage for use in damage.files for name in use.names}
    assert hurt == hurt - {"file 1"}
    assert hurt
    assert set(objects(folder, "packs")) & set(before)
    with Store.open(folder) as store:
        assert store.file(make.sha256(contents["file 1"])).read_at(0, 100) == contents["file 1"][:100]


def test_a_manifest_that_lies_about_a_length_or_the_order_is_found(twin, folder, make):
    other, contents = twin
    sha256 = make.sha256(contents["file 2"])
    path = next((folder / "files").rglob(sha256))
    with Store.open(folder) as store:
        manifest = store.manifest(sha256)
        assert len(manifest.rest) > 1
        swapped = Manifest(sha256, manifest.size, (), manifest.rest[::-1])
        path.write_bytes(swapped.encode())
        assert store.verify().ok
        assert [damage.key for damage in store.verify(VerifyOptions(files=True)).damage] == [
            path.relative_to(folder).as_posix()
        ]
        body = bytearray(manifest.encode()[:-32])
        for at, change in ((-4, 1), (-40, -1)):
            end = len(body) + at + 4
            length = int.from_bytes(body[end - 4 : end], "little") + change
            body[end - 4 : end] = length.to_bytes(4, "little")
        path.write_bytes(bytes(body) + blake3(body).digest())
        (damage,) = store.verify().damage
        assert "says that block" in damage.message
    assert repaired(folder, other).ok
    ensure_mended(folder, contents)


def test_a_sample_looks_at_a_part_and_says_how_much(twin, folder):
    with Store.open(folder) as store:
        whole = store.verify()
        assert whole.decoded == whole.decodable > 0
        part = store.verify(VerifyOptions(packs=1, seed=7))
        assert 0 < part.decoded < part.decodable
        assert part == store.verify(VerifyOptions(packs=1, seed=7))
        some = store.verify(VerifyOptions(share=0.4, seed=1))
        assert 0.4 * some.decodable <= some.decoded < some.decodable
    for path in objects(folder, "packs"):
        break_byte(path, 5000)
    with Store.open(folder) as store:
        assert len(store.verify(VerifyOptions(packs=1)).damage) == 1


def test_an_interrupted_verification_goes_on_where_it_stopped(twin, folder, monkeypatch):
    real, judged = _verify._judged, []

    def interrupt(look, key, entries):
        if len(judged) == 2:
            raise KeyboardInterrupt
        judged.append(key)
        return real(look, key, entries)

    monkeypatch.setattr(_verify, "_judged", interrupt)
    with Store.open(folder) as store:
        with pytest.raises(KeyboardInterrupt):
            store.verify(VerifyOptions(resume=True))
        first = set(judged)
        judged.clear()
        monkeypatch.setattr(
            _verify, "_judged", lambda look, key, entries: judged.append(key) or real(look, key, entries)
        )
        assert store.verify(VerifyOptions(resume=True)).ok
        assert first.isdisjoint(judged)
        assert not (folder / "index" / "verified").exists()
        judged.clear()
        store.verify(VerifyOptions(resume=True))
        assert first < set(judged)


def test_the_command_verifies_a_damaged_configuration_and_repairs_it(twin, folder, capsys):
    other, contents = twin
    break_byte(folder / "weighbridge-store", 40)
    with pytest.raises(CorruptError):
        Store.open(folder)
    assert run(["store", "verify", "--store", str(folder)]) == 1
    assert "damaged: weighbridge-store" in capsys.readouterr().out
    assert run(["store", "verify", "--store", str(folder), "--repair-from", str(other)]) == 0
    assert "1 places were damaged, 0 are left" in capsys.readouterr().out
    ensure_mended(folder, contents)
    assert run(["store", "verify", "--store", str(folder), "--sample", "1", "--seed", "3"]) == 0
    assert "were decoded: nothing damaged was found" in capsys.readouterr().out
    assert run(["store", "verify", "--store", str(folder), "--sample", "0%"]) == 2
