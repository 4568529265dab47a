"""Data sets in memory, small and made to a purpose."""

from dataclasses import dataclass

import numpy as np
from blake3 import blake3

from weighbridge.learn.data import Facts, Splits
from weighbridge.learn.recipe import Recipe


@dataclass(frozen=True)
class InMemory:
    inputs: np.ndarray
    targets: np.ndarray
    name: str = "features"

    def __len__(self):
        return len(self.inputs)

    def batch(self, indices):
        return {self.name: self.inputs[indices]}

    def digests(self):
        return tuple(blake3(each.tobytes()).digest() for each in self.inputs)


def splits(facts, inputs, targets, sizes, name):
    parts, at = [], 0
    for size in sizes:
        parts.append(InMemory(inputs[at : at + size], targets[at : at + size], name))
        at += size
    digest = blake3(inputs.tobytes() + targets.tobytes()).hexdigest()
    return Splits(facts, *parts, {"kind": facts.kind}, digest)


def blobs(sizes=(120, 60, 60), classes=3, width=4, noise=0.5, seed=0, flipped=0.0):
    """Points around a centre for each class; a share `flipped` of the training labels is wrong."""
    rng = np.random.default_rng(seed)
    count = sum(sizes)
    targets = rng.integers(classes, size=count)
    inputs = (rng.normal(size=(classes, width)) * 2)[targets] + rng.normal(size=(count, width)) * noise
    wrong = np.flatnonzero(rng.random(sizes[0]) < flipped)
    targets[wrong] = rng.integers(classes, size=len(wrong))
    facts = Facts("classification", "table", (width,), tuple("abcdefghij"[:classes]))
    return splits(facts, inputs.astype(np.float32), targets.astype(np.int64), sizes, "features")


def pictures(sizes=(48, 16, 16), side=8, seed=0):
    """A bright bar that lies or stands."""
    rng = np.random.default_rng(seed)
    count = sum(sizes)
    targets = rng.integers(2, size=count)
    inputs = rng.normal(size=(count, 1, side, side)).astype(np.float32) * 0.3
    for picture, target, at in zip(inputs, targets, rng.integers(side, size=count), strict=True):
        if target:
            picture[0, at] += 2
        else:
            picture[0, :, at] += 2
    facts = Facts("classification", "image", (1, side, side), ("stands", "lies"))
    return splits(facts, inputs, targets.astype(np.int64), sizes, "pixels")


def line(sizes=(80, 40, 40), outputs=1, seed=0):
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(sum(sizes), 3)).astype(np.float32)
    targets = inputs @ rng.normal(size=(3, outputs)).astype(np.float32) + 0.5
    facts = Facts("regression", "table", (3,))
    return splits(facts, inputs, targets.astype(np.float32) if outputs > 1 else targets[:, 0], sizes, "features")


def recipe(network="mlp", options=None, *, evaluate=None, start=None, data=None, **train):
    return Recipe.model_validate(
        {
            "recipe": 1,
            "name": "test",
            "data": {"path": "nowhere", **(data or {})},
            "model": {"network": network, "options": options or {}},
            "train": {"steps": 12, "batch_size": 16, **train},
            "evaluate": {"every": 4, **(evaluate or {})},
            "hardware": {"device": "cpu", "threads": 1},
            "start": start,
        }
    )
