"""A sketch survives casts and fine-tunes, and tells unrelated tensors apart; manifests keep it."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from weighbridge.store._sketch import MOST_WORDS, NO_SKETCH, row_length, sketch
from weighbridge.store.manifests import Manifest, Region
from weighbridge.store.values import BlockRef
from weighbridge.tensors import BytesSource

NAMES = {"float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16", "float8_e4m3fn": "F8_E4M3"}


def weights(seed=0, count=20_000, scale=0.02):
    return np.random.default_rng(seed).normal(0, scale, count).astype(np.float32)


def sketch_of(values):
    raw = values.tobytes()
    return sketch(raw, len(raw), NAMES[values.dtype.name])


def distance(one, two):
    return (int.from_bytes(sketch_of(one)) ^ int.from_bytes(sketch_of(two))).bit_count()


@pytest.mark.parametrize("dtype", [np.float64, np.float16, ml_dtypes.bfloat16])
def test_a_cast_changes_nearly_nothing(dtype):
    assert distance(weights(), weights().astype(dtype)) <= 3


def test_subnormals_of_a_narrow_type_are_the_numbers_they_are():
    small = weights(scale=1e-6)
    assert distance(small, small.astype(np.float16)) <= 12  # few bits are left of them, so some change their exponent


def test_a_fine_tune_stays_near_and_another_tensor_does_not():
    base = weights()
    assert distance(base, base + weights(1, scale=0.0002)) <= 12
    assert distance(base, base + weights(1, scale=0.002)) <= 36
    assert min(distance(base, weights(seed)) for seed in range(1, 200)) > 36


def test_rows_added_at_the_end_change_nothing():
    base = weights(count=400_000)
    assert distance(base, np.append(base, weights(1, 5000))) == 0
    assert distance(base[:20_000], base[:20_100]) == 0


def test_a_region_too_small_has_none():
    assert sketch_of(weights(count=63)) == NO_SKETCH
    assert sketch_of(weights(count=64)) != NO_SKETCH


def test_the_first_words_are_enough():
    raw = weights(count=MOST_WORDS + 5000).tobytes()
    assert sketch(raw[: 4 * MOST_WORDS], len(raw), "F32") == sketch(raw, len(raw), "F32")


@pytest.mark.parametrize(
    ("shape", "row"),
    [
        ((30522, 384), 384),
        ((384,), 384),
        ((64, 3, 7, 7), 49),
        ((320, 1280, 1, 1), 1280),
        ((128, 64, 3, 3), 576),
        ((8, 4096, 1024), 1024),
        ((1000, 8), 8),
        ((), 1),
    ],
)
def test_a_row_is_the_last_dimensions_that_make_one(shape, row):
    assert row_length(shape) == row


def test_a_manifest_keeps_rows_and_sketches_in_version_2_and_writes_version_1_where_there_are_none():
    blocks = (BlockRef(bytes(32), 4096),)
    plain = Manifest("ab" * 32, 5000, (Region(8, 4096, "F32", blocks),), (BlockRef(bytes(32), 904),))
    hinted = Manifest("ab" * 32, 5000, (Region(8, 4096, "F32", blocks, 32, bytes(range(16))),), plain.rest)
    for manifest, version in ((plain, 1), (hinted, 2)):
        sealed = manifest.encode()
        assert int.from_bytes(sealed[6:8], "little") == version
        assert Manifest.decode(sealed, manifest.sha256) == manifest


def test_the_store_notes_both_of_every_region(store, make):
    data = make.safetensors({"a": weights().reshape(100, 200), "b": weights(1).astype(np.float16)})
    regions = store.manifest(store.add(BytesSource(data)).sha256).regions
    assert [(region.row, region.sketch) for region in regions] == [
        (200, sketch_of(weights())),
        (20_000, sketch_of(weights(1).astype(np.float16))),
    ]
