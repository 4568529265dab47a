"""Attacks by the files around the tensors: indexes, links and names, each told and then tried."""

import json
import os

import numpy as np
import pytest

import weighbridge as wb
from weighbridge.errors import UnsafePathError, WeighbridgeError
from weighbridge.formats.safetensors import write
from weighbridge.tensors import BytesSource


@pytest.fixture
def model(tmp_path):
    """A folder with one good file, and a secret beside the folder."""
    folder = tmp_path / "model"
    folder.mkdir()
    write(folder / "good.safetensors", {"good": np.zeros(2, np.float32)})
    write(tmp_path / "secret.safetensors", {"secret": np.zeros(2, np.float32)})
    return folder


WAYS_OUT = ["../secret.safetensors", "{root}/secret.safetensors", "x/../../secret.safetensors",
            "..\\secret.safetensors", "secret.safetensors\0.txt",
            "C:secret.safetensors", "", ".", "..", "a//b", "x" * 5000]  # fmt: skip


@pytest.mark.parametrize("way", WAYS_OUT)
def test_an_index_that_points_outside_its_folder(model, way):
    """An index names the files to open. One that names ``../`` reads what its author may not, or a device."""
    index = {"weight_map": {"secret": way.format(root=model.parent)}}
    (model / "model.safetensors.index.json").write_text(json.dumps(index))
    opened = wb.open(model)
    assert list(opened) == ["good"]
    assert isinstance(opened.broken["model.safetensors.index.json"], UnsafePathError)
    assert str(opened.broken["model.safetensors.index.json"]).isprintable()
    with pytest.raises(UnsafePathError):
        wb.open(model / "model.safetensors.index.json")


def test_an_index_that_points_at_a_link_to_the_outside(model):
    """The name is harmless, but it is a link that leaves the folder."""
    (model / "shard.safetensors").symlink_to("../secret.safetensors")
    (model / "model.safetensors.index.json").write_text('{"weight_map": {"secret": "shard.safetensors"}}')
    assert isinstance(wb.open(model).broken["shard.safetensors"], UnsafePathError)
    with pytest.raises(UnsafePathError):
        wb.open(model / "model.safetensors.index.json")


def test_an_index_that_unfolds(cheaply, model):
    """Brackets without end exhaust the stack of a recursive parser."""
    (model / "model.safetensors.index.json").write_text('{"weight_map":' + "[" * 2_000_000)
    with cheaply(megabytes=32):
        opened = wb.open(model)
    assert "expected an object" in str(opened.broken["model.safetensors.index.json"])


def test_an_index_that_names_itself(model):
    """A shard that is the index: an index is no weights, and nothing loops."""
    name = "model.safetensors.index.json"
    (model / name).write_text(json.dumps({"weight_map": {"a": name}}))
    assert list(wb.open(model)) == ["good"]
    with pytest.raises(WeighbridgeError):
        wb.open(model / name)


def test_a_pipe_that_never_answers(model):
    """Opening a named pipe waits for a writer that never comes."""
    os.mkfifo(model / "model.safetensors")
    assert list(wb.open(model)) == ["good"]
    with pytest.raises(WeighbridgeError, match="not a regular file"):
        wb.open(model / "model.safetensors")


def test_a_series_of_99999_parts(cheaply, model):
    """The name of one file claims a hundred thousand siblings; the list of the missing must stay short."""
    (model / "good.safetensors").rename(model / "model-00001-of-99999.safetensors")
    with cheaply():
        opened = wb.open(model)
    assert list(opened) == ["good"]
    assert len(opened.broken) <= 100


def test_names_that_become_prefixes_of_each_other():
    """A tensor named like the prefix that a clash would get must not hide the tensor that gets it."""
    import struct

    def source(*names):
        entries = {n: {"dtype": "U8", "shape": [1], "data_offsets": [i, i + 1]} for i, n in enumerate(names)}
        text = json.dumps(entries).encode()
        return BytesSource(struct.pack("<Q", len(text)) + text + bytes(len(names)))

    opened = wb.open({"a.safetensors": source("t", "b.safetensors:t"), "b.safetensors": source("t")})
    assert list(opened) == ["t", "b.safetensors:t", "b.safetensors:t#2"]
