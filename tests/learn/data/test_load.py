"""What `load` makes of data: classes, duplicates, splits, normalisation, digests; and what it refuses."""

import numpy as np
import pytest

from weighbridge.errors import DataError, PathNotFoundError, UnsafePathError
from weighbridge.learn.data import Like, load
from weighbridge.learn.recipe import DataSpec

NAMES = ["Bear", "Bird", "Cat", "Cow", "Dog", "Elephant", "Giraffe", "Horse", "Sheep", "Zebra"]


def save(folder, x, y, name="data.npz", **more):
    np.savez(folder / name, x=x, y=y, **more)


def images(count, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, 6, 5, 3), np.uint8), np.arange(count) % classes


def read(folder, **more):
    return load(DataSpec.model_validate({"path": "data.npz", **more}), where=folder)


def refusal(folder, **more):
    with pytest.raises(DataError) as caught:
        read(folder, **more)
    return str(caught.value)


def codes(splits):
    return {notice.code: notice.text for notice in splits.notices}


def test_images_come_out_channels_first_and_normalised(tmp_path):
    x, y = images(30)
    save(tmp_path, x, y)
    splits = read(tmp_path)
    batch = splits.train.batch(np.arange(30))["pixels"]
    assert (batch.shape, batch.dtype) == ((30, 3, 6, 5), np.float32)
    assert np.allclose(batch.mean((0, 2, 3)), 0, atol=1e-5)
    assert np.allclose(batch.std((0, 2, 3)), 1, atol=1e-4)
    assert splits.facts.shape == (3, 6, 5)
    assert splits.facts.classes == ("0", "1", "2")
    assert np.array_equal(splits.train.targets, y)


def test_normalisation_knows_only_the_training_images(tmp_path):
    x, y = images(40)
    x[20:] = 255 - x[20:] // 8
    save(tmp_path, x[:20], y[:20], "train.npz")
    save(tmp_path, x[20:], y[20:], "test.npz")
    splits = load(DataSpec(path="train.npz", test="test.npz"), where=tmp_path)
    assert np.allclose(splits.preparation["mean"], x[:20].mean((0, 1, 2)) / 255)


def test_exact_duplicates_go_before_the_split_and_are_counted(tmp_path):
    x, y = images(30)
    x[7], x[8] = x[1], x[1]
    save(tmp_path, x, y)
    splits = read(tmp_path, split={"test": 0.5})
    assert len(splits.train) + len(splits.test) == 28
    assert "2 samples" in codes(splits)["data.duplicates"]
    assert "1 groups" in codes(splits)["data.conflicts"]
    assert len(read(tmp_path, duplicates="keep").train) == 30
    assert "exact duplicates" in refusal(tmp_path, duplicates="refuse")


def test_an_overlap_of_given_splits_is_removed_from_training(tmp_path):
    x, y = images(30)
    x[25] = x[4]
    x[26] = x[27]
    save(tmp_path, x[:20], y[:20], "train.npz")
    save(tmp_path, x[20:], y[20:], "test.npz")
    splits = load(DataSpec(path="train.npz", test="test.npz"), where=tmp_path)
    assert (len(splits.train), len(splits.test)) == (19, 10)
    assert "data.overlap" in codes(splits)
    assert not set(splits.train.digests()) & set(splits.test.digests())


def test_classes_are_chosen_joined_and_named(tmp_path):
    x, y = images(40, classes=4)
    save(tmp_path, x, y)
    names = ["ant", "bee", "cat", "dog"]
    assert read(tmp_path, names=names, only=["dog", "bee"]).facts.classes == ("bee", "dog")
    joined = read(tmp_path, names=names, classes={"cat": ["cat"], "other": ["*"]})
    assert joined.facts.classes == ("cat", "other")
    assert np.bincount(joined.train.targets).tolist() == [10, 30]
    partly = read(tmp_path, names=names, classes={"pet": ["cat", "dog"], "insect": ["bee"]})
    assert np.bincount(partly.train.targets).tolist() == [20, 10]


def test_few_labels_and_limits(tmp_path):
    x, y = images(60)
    save(tmp_path, x, y)
    splits = read(tmp_path, labels=9, limits={"test": 6}, split={"test": 0.5})
    assert np.bincount(splits.train.targets).tolist() == [3, 3, 3]
    assert np.bincount(splits.test.targets).tolist() == [2, 2, 2]


def test_the_digest_changes_with_a_pixel_a_label_and_a_seed(tmp_path):
    x, y = images(30)
    save(tmp_path, x, y)
    split = {"test": 0.3}
    first = read(tmp_path, split=split).digest
    assert read(tmp_path, split=split).digest == first
    other = read(tmp_path, split={**split, "seed": 1}).digest
    x[0, 0, 0, 0] ^= 1
    save(tmp_path, x, y)
    pixel = read(tmp_path, split=split).digest
    y = y.copy()
    y[0] = 1
    save(tmp_path, x, y)
    assert len({first, other, pixel, read(tmp_path, split=split).digest}) == 4


def test_wrong_labels_are_named(tmp_path):
    x, y = images(30)
    save(tmp_path, x, np.where(y == 2, 7, y))
    assert "sample 2 has 7, but there are 3 classes, 0 to 2" in refusal(tmp_path, names=["a", "b", "c"])
    save(tmp_path, x, y - 1)
    assert "sample 0 has the label -1" in refusal(tmp_path)
    save(tmp_path, x, y[:20])
    assert "30 inputs but 20 labels" in refusal(tmp_path)
    save(tmp_path, x, y + 0.5)
    assert "a class is a whole number" in refusal(tmp_path, task="classification")


def test_classes_that_cannot_be_learned_are_named(tmp_path):
    x, y = images(30)
    save(tmp_path, x, y * 0)
    assert "one class only: 0" in refusal(tmp_path)
    save(tmp_path, x, y)
    assert "no sample to learn from of class d" in refusal(tmp_path, names=["a", "b", "c", "d"])
    assert "did you mean 'cat'?" in refusal(tmp_path, names=["ant", "bee", "cat"], only=["cats"])
    assert "both 'x' and 'y'" in refusal(tmp_path, classes={"x": ["0"], "y": ["0", "1"]})
    assert "of classes 1, 2" in refusal(tmp_path, labels=1)


def test_numbers_are_predicted_and_must_be_finite(tmp_path):
    x, y = images(30)
    save(tmp_path, x, y + 0.5)
    splits = read(tmp_path)
    assert (splits.facts.task, splits.facts.classes, splits.train.targets.dtype) == ("regression", (), np.float32)
    save(tmp_path, x, np.where(y == 1, np.nan, y + 0.5))
    assert "first of sample 1" in refusal(tmp_path)


def test_one_hot_labels_are_classes(tmp_path):
    x, y = images(30)
    save(tmp_path, x, np.eye(3)[y])
    assert np.array_equal(read(tmp_path).train.targets, y)


def test_rows_of_numbers_are_standardised_and_checked(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.normal(5, 3, (50, 4)), np.arange(50) % 2
    x[:, 2] = 1.1
    save(tmp_path, x, y)
    splits = read(tmp_path)
    batch = splits.train.batch(np.arange(50))["features"]
    assert splits.facts.shape == (4,)
    assert np.allclose(batch.mean(0), 0, atol=1e-6)
    assert np.allclose(batch.std(0), [1, 1, 0, 1], atol=1e-5)
    x[3, 1] = np.nan
    save(tmp_path, x, y)
    assert "row 3: column 'x1' holds nan" in refusal(tmp_path)


def test_other_data_is_measured_as_the_model_learned(tmp_path):
    x, y = images(40)
    save(tmp_path, x, y)
    splits = read(tmp_path, names=["a", "b", "c"])
    save(tmp_path, x[:10] // 2, np.array(["c", "a"] * 5), "other.npz")
    like = Like(splits.facts, splits.preparation)
    other = load(DataSpec(path="other.npz"), where=tmp_path, like=like)
    assert (len(other.train), len(other.test)) == (0, 10)
    assert other.test.targets.tolist() == [2, 0] * 5
    assert other.preparation == splits.preparation
    save(tmp_path, x[:10], np.array(["c", "z"] * 5), "other.npz")
    with pytest.raises(DataError, match="classes that the model does not know: z"):
        load(DataSpec(path="other.npz"), where=tmp_path, like=like)


def test_places_that_are_not_there(tmp_path):
    for path in ("nowhere", "package:no_such_package_of_animals"):
        with pytest.raises(PathNotFoundError):
            load(DataSpec(path=path), where=tmp_path)
    with pytest.raises(UnsafePathError):
        load(DataSpec(path="package:numpy/../pip"), where=tmp_path)
    with pytest.raises(DataError, match="on a hub"):
        load(DataSpec(path="hub:org/cats@main"), where=tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no data"):
        load(DataSpec(path="empty"), where=tmp_path)
    with pytest.raises(DataError, match="did you mean 'hdf5'"):
        load(DataSpec(path="empty", format="hdf"), where=tmp_path)


def test_a_package_is_found_but_not_imported(tmp_path, monkeypatch):
    package = tmp_path / "spotted_animals"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    x, y = images(12)
    save(package, x, y)
    monkeypatch.syspath_prepend(tmp_path)
    assert len(load(DataSpec(path="package:spotted_animals"), where=tmp_path).train) == 12


def test_silhouettes_lose_284_duplicates():
    pytest.importorskip("importlib.util").find_spec("animal_mnist") or pytest.skip("needs animal-mnist")
    spec = DataSpec.model_validate({"path": "package:animal_mnist", "names": NAMES, "split": {"test": 0.2}})
    from pathlib import Path

    splits = load(spec, where=Path())
    assert splits.facts.classes == tuple(NAMES)
    assert "284 samples" in codes(splits)["data.duplicates"]
    assert (len(splits.train) + len(splits.test), splits.facts.shape) == (9716, (1, 28, 28))
