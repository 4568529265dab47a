"""Small checkpoints in every layout, and a source that counts what is read from it."""

import json

import numpy as np
import pytest

from weighbridge.formats.safetensors import write


class CountingSource:
    """Passes reads on and remembers them."""

    def __init__(self, source):
        self._source = source
        self.name = source.name
        self.size = source.size
        self.reads = []

    def read_at(self, offset, length):
        self.reads.append((offset, length))
        return self._source.read_at(offset, length)

    @property
    def total(self):
        return sum(length for _, length in self.reads)


@pytest.fixture
def counting():
    return CountingSource


@pytest.fixture
def filled():
    """Arrays told apart by their values: filled("a", "b")["b"] is all ones."""

    def make(*names, shape=(2, 3)):
        return {name: np.full(shape, number, np.float32) for number, name in enumerate(names)}

    return make


@pytest.fixture
def sharded(tmp_path, filled):
    """A folder with two shards, their index, a configuration and a card."""
    folder = tmp_path / "model"
    folder.mkdir()
    arrays = filled("a", "b", "c")
    homes = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    homes["c"] = homes["b"]
    for shard in set(homes.values()):
        write(folder / shard, {name: arrays[name] for name, home in homes.items() if home == shard}, {"format": "pt"})
    index = {"metadata": {"total_size": 72}, "weight_map": homes}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "config.json").write_text("{}")
    (folder / "README.md").write_text("# A card")
    return folder
