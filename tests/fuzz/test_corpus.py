"""The corpus of the fuzzer, replayed: what it once reached is still refused or decoded, never a crash."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

from weighbridge.errors import WeighbridgeError

FUZZ = Path(__file__).parents[2] / "fuzz"
MOST_CORPUS = 1_000_000
NAMES = ("payload", "both_paths", "pack", "manifest", "small_objects")


@pytest.fixture(scope="module")
def targets():
    sys.path.insert(0, str(FUZZ))
    try:
        import targets

        yield targets
    finally:
        sys.path.remove(str(FUZZ))


def run(decode, data):
    """Whether the input was decoded; any error but ours fails the test."""
    try:
        decode(data)
    except WeighbridgeError:
        return False
    return True


def test_every_target_is_named_once(targets):
    assert tuple(targets.TARGETS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_corpus_is_refused_or_decoded(targets, name):
    inputs = [path.read_bytes() for path in sorted((FUZZ / "corpus" / name).iterdir())]
    decoded = [run(targets.TARGETS[name], data) for data in inputs]
    assert len(decoded) >= 5
    assert any(decoded)


@pytest.mark.parametrize("name", NAMES)
def test_sound_inputs_are_decoded_and_mutated_ones_cause_nothing_else(targets, name):
    from mutate import mutate

    rng = random.Random(name)
    sound = list(targets.seeds(name))
    assert all(run(targets.TARGETS[name], data) for data in sound)
    outcomes = [run(targets.TARGETS[name], mutate(sound, rng)) for _ in range(300)]
    assert name == "both_paths" or not all(outcomes)  # there a refusal is an answer that both must give


def test_the_corpus_stays_small():
    assert sum(path.stat().st_size for path in (FUZZ / "corpus").rglob("*") if path.is_file()) < MOST_CORPUS
