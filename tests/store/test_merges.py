"""A model after a LoRA merge costs little more than its adapter, and reads back in any range."""

from __future__ import annotations

import numpy as np
import pytest

from weighbridge.errors import CorruptError
from weighbridge.store import Store
from weighbridge.store._keys import pack_key
from weighbridge.tensors import BytesSource

from .models import BF16, cast, merged, safetensors


def model(seed=0):
    """An embedding, and attention matrices that have rows of different scales."""
    rng = np.random.default_rng(seed)
    tensors = {"embedding": rng.normal(0, 0.05, (4000, 256))}
    for name in ("0.q", "0.k", "1.q", "1.k", "wide.q"):
        shape = (1400, 1000) if name == "wide.q" else (512, 256)  # more than one block, and rows across their border
        tensors[name] = rng.normal(0, 0.05, shape) * np.exp(rng.normal(0, 0.5, (shape[0], 1)))
    return {name: values.astype(np.float32) for name, values in tensors.items()}


def add(store, tensors):
    """Stored, and the bytes that it must give back."""
    data = safetensors(tensors)
    return store.add(BytesSource(data)), data


def changed_bytes(tensors):
    return sum(values.nbytes for name, values in tensors.items() if name.endswith("q"))


@pytest.mark.parametrize("dtype", [BF16, np.float16, np.float32])
def test_a_merged_model_costs_a_few_hundredths_of_what_changed(tmp_path, dtype):
    base = cast(model(), dtype)
    with Store.open(tmp_path / "store", create=True) as store:
        add(store, base)
        stored, data = add(store, merged(base))
        assert stored.new_bytes < 0.06 * changed_bytes(base)
        assert b"".join(store.file(stored.sha256).iter_range()) == data
    with Store.open(tmp_path / "store") as again:
        file = again.file(stored.sha256)
        assert b"".join(file.iter_range()) == data
        rng = np.random.default_rng(2)
        for start in rng.integers(0, len(data), 20).tolist():
            length = min(int(rng.integers(1, 5000)), len(data) - start)
            assert file.read_at(start, length) == data[start : start + length]
        assert again.verify().ok


def test_the_blocks_of_a_tensor_share_its_factors_and_refer_to_nothing_deeper(store):
    base = cast(model(), BF16)
    root, _ = add(store, base)
    stored, _ = add(store, merged(base))
    regions = store.manifest(stored.sha256).regions
    own = {block.digest for block in store.manifest(root.sha256).blocks}
    (wide,) = [region for region in regions if region.nbytes == 2 * 1400 * 1000]
    references = [store._catalog.places(block.digest)[0].references for block in wide.blocks]
    assert len(references) == 2
    factors = {found[-1] for found in references}
    assert len(factors) == 1
    assert not factors & own
    assert all(set(found[:-1]) <= own for found in references)
    assert all(not store._catalog.places(digest)[0].references for found in references for digest in found)


def test_a_merge_of_a_merge_is_coded_against_the_first_base(store):
    base = cast(model(), BF16)
    add(store, base)
    once = merged(base)
    add(store, once)
    stored, data = add(store, merged(once, seed=3))
    assert stored.new_bytes < 0.16 * changed_bytes(base)
    assert b"".join(store.file(stored.sha256).iter_range()) == data
    assert store.verify().ok


def test_the_factors_are_missed_when_they_are_gone(tmp_path):
    base = cast(model(), BF16)
    with Store.open(tmp_path / "store", create=True) as store:
        add(store, base)
        stored, _ = add(store, merged(base))
        block = store.manifest(stored.sha256).regions[1].blocks[0]
        (place,) = store._catalog.places(block.digest)
    key = tmp_path / "store" / pack_key(place.pack)
    flipped = bytearray(key.read_bytes())
    flipped[40] ^= 1  # of the first payload of the merged model's pack: the factors that its first blocks need
    key.chmod(0o644)
    key.write_bytes(flipped)
    with Store.open(tmp_path / "store") as store:
        result = store.verify()
        assert not result.ok
        assert stored.sha256 in {use.sha256 for damage in result.damage for use in damage.files}


def test_a_base_that_cannot_be_read_costs_bytes_and_not_the_file(store, monkeypatch):
    base = cast(model(), BF16)
    add(store, base)

    def broken(*arguments):
        raise CorruptError("this base is gone")

    monkeypatch.setattr("weighbridge.store._lowrank.find_factors", broken)
    stored, data = add(store, merged(base))
    assert b"".join(store.file(stored.sha256).iter_range()) == data
