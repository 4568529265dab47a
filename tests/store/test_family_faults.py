"""Stores with deltas and merges: every flipped bit is found and named, and none is served."""

from __future__ import annotations

import json
import random
import shutil

import ml_dtypes
import numpy as np
import pytest

from weighbridge.errors import WeighbridgeError
from weighbridge.store import Store
from weighbridge.store.backends.local import LocalBackend
from weighbridge.store.packs import read_footer
from weighbridge.tensors import BytesSource


def bf16(seed, shape, scale):
    return np.random.default_rng(seed).normal(0, scale, shape).astype(np.float32)


def safetensors(tensors):
    header, at = {}, 0
    for name, values in tensors.items():
        header[name] = {"dtype": "BF16", "shape": list(values.shape), "data_offsets": [at, at + values.nbytes]}
        at += values.nbytes
    encoded = json.dumps(header).encode()
    return len(encoded).to_bytes(8, "little") + encoded + b"".join(values.tobytes() for values in tensors.values())


def family():
    """A base, a fine-tune of it, and a merge of a narrow product into its largest matrix."""
    base = {"a": bf16(1, (64, 128), 0.02), "q": bf16(2, (512, 256), 0.05)}
    tuned = {name: values + bf16(9, values.shape, 1e-4) for name, values in base.items()}
    merged = {**base, "q": base["q"] + bf16(3, (512, 4), 0.01) @ bf16(4, (4, 256), 0.05)}
    named = {"base": base, "tuned": tuned, "merged": merged}
    return {
        name: safetensors({key: values.astype(ml_dtypes.bfloat16) for key, values in tensors.items()})
        for name, tensors in named.items()
    }


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    files = family()
    folder = tmp_path_factory.mktemp("family") / "store"
    with Store.open(folder, create=True) as store:
        for name, data in files.items():
            store.bind(name, store.add(BytesSource(data)).sha256)
    return folder, files


@pytest.fixture
def copy(sound, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(sound[0], folder)
    return folder


def objects(folder):
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in found if path.relative_to(folder).parts[0] not in ("index", "tmp", "holds"))


def flipped(path, most):
    """The bytes of an object, each time with another bit flipped: half of them where its structure is."""
    original = path.read_bytes()
    bits, rng = range(8 * len(original)), random.Random(path.name)
    frame = [*bits[:512], *bits[-1600:]]
    for bit in sorted({*rng.sample(bits, min(most // 2, len(bits))), *rng.sample(frame, min(most // 2, len(frame)))}):
        data = bytearray(original)
        data[bit // 8] ^= 1 << bit % 8
        path.write_bytes(data)
        yield bit
    path.write_bytes(original)


def packs(folder):
    backend = LocalBackend(folder)
    for path in sorted((folder / "packs").rglob("*.pack")):
        yield path, read_footer(backend, path.stem, path.stat().st_size)


def test_the_family_has_deltas_in_packs_of_version_2(sound):
    versions = {path.read_bytes()[6] for path, _ in packs(sound[0])}
    referring = [entry for _, entries in packs(sound[0]) for entry in entries if entry.references]
    assert versions == {1, 2}
    assert {entry.location.codec for entry in referring} == {6}
    assert max(len(entry.references) for entry in referring) == 2  # a base and factors
    assert {path.read_bytes()[6] for path in (sound[0] / "files").rglob("*") if path.is_file()} == {2}


@pytest.mark.parametrize("most", [10, pytest.param(4_000, marks=pytest.mark.slow)])
def test_every_flipped_bit_is_found(copy, most):
    with Store.open(copy) as store:
        for path in objects(copy):
            key = path.relative_to(copy).as_posix()
            for bit in flipped(path, most):
                assert key in {damage.key for damage in store.verify().damage}, (key, bit)
        assert store.verify().ok


def test_a_flipped_bit_in_a_base_names_every_file_that_needs_it(sound, copy):
    path, entries = next((path, entries) for path, entries in packs(copy) if not any(e.references for e in entries))
    entry = max(entries, key=lambda entry: entry.location.raw)
    data = bytearray(path.read_bytes())
    data[entry.location.offset + 100] ^= 1
    path.write_bytes(data)
    with Store.open(copy) as store:
        result = store.verify()
        hurt = {name for damage in result.damage for use in damage.files for name in use.names}
        assert hurt == set(sound[1])


@pytest.mark.parametrize("most", [4, pytest.param(600, marks=pytest.mark.slow)])
def test_no_flipped_bit_is_served_neither_in_pieces_nor_as_a_whole(sound, copy, tmp_path, most):
    for path in objects(copy):
        for bit in flipped(path, most):
            for name, data in sound[1].items():
                try:
                    with Store.open(copy, threads=1) as store:
                        file = store.file(store.resolve(name))
                        assert b"".join(file.iter_range()) == data, (path, bit)
                        assert file.read_at(9_000, 40_000) == data[9_000:49_000], (path, bit)
                except WeighbridgeError:
                    continue
