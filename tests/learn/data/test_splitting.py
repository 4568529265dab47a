"""Splits: every sample in exactly one, classes in proportion, the same seed the same split."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.learn.data.splitting import divide, evenly, limited

shares = st.tuples(st.floats(0, 0.45), st.floats(0, 0.45))
classes = st.lists(st.integers(0, 4), min_size=1, max_size=200).map(lambda values: np.array(values, np.int64))
seeds = st.integers(0, 2**32)


def _free(count):
    return np.full(count, "", "U10")


@given(classes, shares, seeds)
def test_every_sample_is_in_exactly_one_split(targets, share, seed):
    parts = divide(_free(len(targets)), targets, validation=share[0], test=share[1], seed=seed)
    together = np.concatenate(list(parts.values()))
    assert sorted(together) == list(range(len(targets)))
    assert all((np.diff(part) > 0).all() for part in parts.values())


@given(classes, shares, seeds)
def test_each_class_gives_its_share_within_one(targets, share, seed):
    parts = divide(_free(len(targets)), targets, validation=share[0], test=share[1], seed=seed)
    for name, wanted in (("validation", share[0]), ("test", share[1])):
        for each in np.unique(targets):
            size = (targets == each).sum()
            assert abs((targets[parts[name]] == each).sum() - size * wanted) <= 1 or size <= 2


@given(classes, shares, seeds)
def test_each_class_keeps_a_sample_to_learn_from(targets, share, seed):
    parts = divide(_free(len(targets)), targets, validation=share[0], test=share[1], seed=seed)
    assert set(targets[parts["train"]]) == set(targets)


@given(classes, shares, seeds)
def test_the_same_seed_gives_the_same_split(targets, share, seed):
    first, again = (
        divide(_free(len(targets)), targets, validation=share[0], test=share[1], seed=seed) for _ in range(2)
    )
    assert all(np.array_equal(first[name], again[name]) for name in first)


def test_another_seed_gives_another_split():
    parts = [divide(_free(100), None, validation=0, test=0.5, seed=seed)["test"] for seed in (1, 2)]
    assert not np.array_equal(*parts)


@given(st.lists(st.sampled_from(["", "train", "validation", "test"]), min_size=1, max_size=60), seeds)
def test_what_the_data_says_stays(given_splits, seed):
    splits = np.array(given_splits, "U10")
    parts = divide(splits, None, validation=0.3, test=0.3, seed=seed)
    assert set(np.flatnonzero(splits == "test")) <= set(parts["test"])
    if (splits == "test").any():
        assert set(parts["test"]) == set(np.flatnonzero(splits == "test"))


@given(classes, st.integers(1, 250), seeds)
def test_labels_are_drawn_evenly(targets, count, seed):
    drawn = evenly(np.arange(len(targets)), targets, count, seed)
    assert len(drawn) == min(count, len(targets))
    there, taken = np.bincount(targets, minlength=5), np.bincount(targets[drawn], minlength=5)
    fewest = min((int(taken[each]) for each in range(5) if taken[each] < there[each]), default=None)
    assert fewest is None or taken.max() - fewest <= 1


@given(classes, st.integers(1, 250), seeds)
def test_a_limit_keeps_proportions(targets, most, seed):
    kept = limited(np.arange(len(targets)), targets, most, seed)
    assert len(kept) == min(most, len(targets))
    if most < len(targets):
        for each in np.unique(targets):
            assert abs((targets[kept] == each).sum() - (targets == each).sum() * most / len(targets)) <= 1
