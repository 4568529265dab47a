"""Stores with deltas and merges: every flipped bit is found and named, and none is served."""

from __future__ import annotations

import pytest

from weighbridge.errors import WeighbridgeError
from weighbridge.store import Store
from weighbridge.store.backends.local import LocalBackend
from weighbridge.store.packs import read_footer

from .damaging import bits_of, flipped, objects


def packs(folder):
    backend = LocalBackend(folder)
    for path in sorted((folder / "packs").rglob("*.pack")):
        yield path, read_footer(backend, path.stem, path.stat().st_size)


def test_the_family_has_deltas_in_packs_of_version_2(family):
    versions = {path.read_bytes()[6] for path, _ in packs(family.folder)}
    referring = [entry for _, entries in packs(family.folder) for entry in entries if entry.references]
    assert versions == {1, 2}
    assert {entry.location.codec for entry in referring} == {6}
    assert max(len(entry.references) for entry in referring) == 2  # a base and factors
    assert {path.read_bytes()[6] for path in (family.folder / "files").rglob("*") if path.is_file()} == {2}


@pytest.mark.parametrize("most", [10, pytest.param(4_000, marks=pytest.mark.slow)])
def test_every_flipped_bit_is_found(family, most):
    with Store.open(family.folder) as store:
        for path in objects(family.folder):
            key = path.relative_to(family.folder).as_posix()
            for bit in flipped(path, bits_of(path, most)):
                assert key in {damage.key for damage in store.verify().damage}, (key, bit)
        assert store.verify().ok


def test_a_flipped_bit_in_a_base_names_every_file_that_needs_it(family):
    path, entries = next(
        (path, entries) for path, entries in packs(family.folder) if not any(e.references for e in entries)
    )
    entry = max(entries, key=lambda entry: entry.location.raw)
    data = bytearray(path.read_bytes())
    data[entry.location.offset + 100] ^= 1
    path.write_bytes(data)
    with Store.open(family.folder) as store:
        result = store.verify()
        hurt = {name for damage in result.damage for use in damage.files for name in use.names}
        assert hurt == set(family.files)


@pytest.mark.parametrize("most", [4, pytest.param(600, marks=pytest.mark.slow)])
def test_no_flipped_bit_is_served_neither_in_pieces_nor_as_a_whole(family, most):
    for path in objects(family.folder):
        for bit in flipped(path, bits_of(path, most)):
            for name, data in family.files.items():
                try:
                    with Store.open(family.folder, threads=1) as store:
                        file = store.file(store.resolve(name))
                        assert b"".join(file.iter_range()) == data, (path, bit)
                        assert file.read_at(9_000, 40_000) == data[9_000:49_000], (path, bit)
                except WeighbridgeError:
                    continue
