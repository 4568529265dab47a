"""A family of models: bases are found without being told, differences are kept, and a bad base costs only bytes."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from weighbridge.errors import UsageError
from weighbridge.store import BaseUse, Store
from weighbridge.store._keys import file_key, pack_key
from weighbridge.tensors import BytesSource

from .models import BF16, cast, normal, safetensors, tuned


def model(seed=0):
    """A small model: matrices, an embedding, a norm whose numbers are all positive, a bias of zeros."""
    tensors = {f"layers.{n}.weight": normal([seed, n], (96, 512)) for n in range(4)}
    tensors["embedding"] = normal([seed, 9], (1000, 128))
    tensors["norm"] = 1 + normal([seed, 10], 4096)
    tensors["bias"] = np.zeros(4096, np.float32)
    return tensors


def add(store, tensors, **options):
    """Stored, after it was read back and found the same. What it took of its size is `share`."""
    data = safetensors(tensors) if isinstance(tensors, dict) else tensors
    stored = store.add(BytesSource(data), **options)
    assert b"".join(store.file(stored.sha256).iter_range()) == data
    return stored


def share(stored):
    return stored.new_bytes / stored.size


def roots_of(store, sha256):
    """For each block of a file, the blocks that it needs."""
    return [store._catalog.places(block.digest)[0].references for block in store.manifest(sha256).blocks]


def test_a_fine_tune_costs_its_difference(store):
    base = add(store, cast(model()))
    other = add(store, cast(model(1)))
    fine = add(store, cast(tuned(model())))
    assert share(base) > 0.6
    assert not base.bases
    assert not other.bases  # unrelated numbers of the same shapes are no base
    assert share(fine) < 0.4
    assert fine.bases == (BaseUse(base.sha256, 6),)  # all but the bias, which did not change its bytes
    assert store.verify().ok


def test_the_base_is_found_whatever_the_order_the_names_and_the_file(store):
    base = add(store, cast(model()))
    fine = {f"model.{name}": values for name, values in reversed(cast(tuned(model())).items())}
    assert share(add(store, fine)) < 0.4
    shard = dict(list(cast(tuned(model(), 2)).items())[2:5])
    stored = add(store, shard)
    assert share(stored) < 0.4
    assert {use.sha256 for use in stored.bases} <= {base.sha256, *(use.sha256 for use in stored.bases)}


def test_a_model_that_is_only_saved_again_costs_its_header(store, tmp_path):
    torch = pytest.importorskip("torch")
    tensors = model()
    add(store, tensors)
    again = add(store, {f"module.{name}": values for name, values in reversed(tensors.items())})
    path = tmp_path / "model.pth"
    torch.save({name: torch.from_numpy(values) for name, values in tensors.items()}, path)
    pickled = add(store, path.read_bytes())
    assert again.new_bytes < 2000
    assert pickled.new_bytes < 4000
    assert not again.bases
    assert not pickled.bases


def test_rows_added_to_an_embedding_leave_the_rest_a_difference(store):
    large = normal(5, (9000, 256))  # more than one block, and more than what a sketch looks at
    base = add(store, cast({"embedding": large}))
    longer = np.concatenate([large + normal(6, large.shape, 1e-4), normal(7, (50, 256))])
    stored = add(store, cast({"embedding": longer}))
    assert stored.bases[0].sha256 == base.sha256
    assert share(stored) < 0.5


def test_checkpoints_of_a_training_are_coded_against_one_root(store):
    """Depth one: the third is near to the second, which is a difference itself, so it refers to the first."""
    tensors, stored = model(), []
    for step in range(4):
        stored.append(add(store, tensors))
        tensors = tuned(tensors, step + 1, 1e-5)
    assert share(stored[0]) > 0.75
    assert max(map(share, stored[1:])) < 0.75 * share(stored[0])
    first = {block.digest for block in store.manifest(stored[0].sha256).blocks}
    for later in stored[1:]:
        needed = {digest for references in roots_of(store, later.sha256) for digest in references}
        assert needed <= first
        assert len(needed) >= 6


@pytest.mark.parametrize(
    ("first", "second", "most"),
    [
        (np.float32, BF16, 0.01),
        (np.float32, np.float16, 0.01),
        (BF16, np.float32, 0.6),
        (np.float16, np.float32, 0.5),
    ],
)
def test_a_cast_shares_what_it_can(store, first, second, most):
    base = add(store, cast(model(), first))
    other = add(store, cast(model(), second))
    assert other.bases[0].sha256 == base.sha256
    assert share(other) < most


def test_a_fine_tune_of_a_cast_finds_the_wider_root(store):
    """Depth one: the bf16 file is a cast of the fp32 one, so what comes from it refers to the fp32 one too."""
    add(store, model())
    add(store, cast(model()))
    fine = add(store, cast(tuned(model())))
    assert share(fine) < 0.4


def test_a_merged_adapter_costs_its_factors(folder):
    """W + AB, rounded: what changed every number is two narrow matrices, kept once and used by both blocks."""
    base = cast({"w": normal(0, (1536, 1024)), "other": normal(1, (64, 512))})
    product = normal(2, (1536, 8), 0.03) @ normal(3, (8, 1024), 0.03)
    merged = {**base, "w": (base["w"].astype(np.float32) + product).astype(BF16)}
    with Store.open(folder, create=True) as store:
        add(store, base)
        stored = add(store, merged)
        assert share(stored) < 0.04
        blocks = store.manifest(stored.sha256).regions[0].blocks
        needed = [store._catalog.places(block.digest)[0].references for block in blocks]
        assert [len(references) for references in needed] == [2, 2]
        assert len({references[-1] for references in needed}) == 1
        tuned_further = cast(tuned({name: values.astype(np.float32) for name, values in merged.items()}))
        again = add(store, tuned_further)
        assert again.bases
        assert store.verify().ok
    with Store.open(folder) as store:
        assert store.file(stored.sha256).read_at(0, stored.size) == safetensors(merged)


def test_adding_a_model_leaves_the_older_ones_as_they_are(store):
    base = add(store, cast(model()))
    before = roots_of(store, base.sha256)
    assert set(before) == {()}
    add(store, cast(tuned(model())))
    assert roots_of(store, base.sha256) == before


def test_files_of_one_session_are_bases_of_one_another(folder):
    contents = [safetensors(cast(model())), safetensors(cast(tuned(model())))]
    with Store.open(folder, create=True) as store:
        first, second = store.add_many(map(BytesSource, contents))
        assert second.bases == (BaseUse(first.sha256, 6),)
    with Store.open(folder) as store:
        for stored, data in zip((first, second), contents, strict=True):
            assert store.file(stored.sha256).read_at(0, stored.size) == data
        assert store.verify().ok


def test_a_block_that_comes_twice_in_a_file_is_kept_once(store):
    tensors = cast(model())
    alone = add(store, tensors)
    tied = add(store, {**cast(tuned(model())), "head": tensors["embedding"]})
    assert share(tied) < 0.4 * share(alone) / 0.6


def test_hints_decide_between_equals(store):
    fine = [add(store, cast(tuned(model(), seed, 1e-6))) for seed in (1, 2)]
    for hint in fine:
        stored = add(store, cast(tuned(model(), 5 if hint is fine[0] else 6)), bases=[hint.sha256])
        assert stored.bases[0].sha256 == hint.sha256


def test_a_hint_that_is_not_in_the_store_helps_nobody_and_hurts_nobody(store):
    assert not add(store, cast(model()), bases=["ab" * 32]).bases
    with pytest.raises(UsageError, match="SHA-256"):
        store.add(BytesSource(b"x"), bases=["../../etc"])


@pytest.mark.parametrize("harm", ["flip", "no pack", "no manifest", "damaged manifest"])
def test_a_base_that_is_damaged_or_gone_costs_only_bytes(folder, harm):
    with Store.open(folder, create=True) as store:
        base = add(store, cast(model()))
        pack = folder / pack_key(store._catalog.places(store.manifest(base.sha256).regions[0].blocks[0].digest)[0].pack)
    manifest = folder / file_key(base.sha256)
    with Store.open(folder) as store:
        if harm == "flip":
            data = bytearray(pack.read_bytes())
            for at in range(200, len(data) - 2000, 500):
                data[at] ^= 1
            pack.write_bytes(data)
        elif harm == "damaged manifest":
            manifest.write_bytes(manifest.read_bytes()[:-1])
        else:
            (pack if harm == "no pack" else manifest).unlink()
        fine = add(store, cast(tuned(model())))
        assert not fine.bases
        assert share(fine) > 0.6


def test_two_writers_of_one_fine_tune_at_once(folder):
    data = safetensors(cast(tuned(model())))
    with Store.open(folder, create=True) as store:
        add(store, cast(model()))
    failures = []

    def write():
        try:
            with Store.open(folder) as store:
                add(store, data)
        except Exception as error:  # noqa: BLE001 - told by the main thread
            failures.append(error)

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    with Store.open(folder) as store:
        assert store.verify().ok


def test_a_constant_block_does_not_decide_for_its_tensor(store):
    """The first block is as it was, the second is cleared, and the third is what a fine-tune made of it."""
    values = normal(3, (6144, 512))
    base = add(store, cast({"embedding": values}))
    moved = values + normal(4, values.shape, 1e-4)
    moved[:2048], moved[2048:4096] = values[:2048], 0.5
    stored = add(store, cast({"embedding": moved}))
    assert stored.bases == (BaseUse(base.sha256, 1),)
    assert share(stored) < 0.15
