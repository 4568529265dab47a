"""What a checkpoint is made of, from its headers."""

from types import MappingProxyType

import numpy as np
import pytest

from weighbridge.checks import run
from weighbridge.checks.anatomy import layer_of
from weighbridge.report import Anatomy, Outcome
from weighbridge.tensors import Extent, TensorInfo, dtype_named


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("encoder.layer.0.attention.self.query.weight", "encoder.layer.0"),
        ("blk.11.attn_q.weight", "blk.11"),
        ("unet/down_blocks.0.resnets.1.conv.weight", "unet/down_blocks.0"),
        ("embeddings.word_embeddings.weight", "embeddings.word_embeddings"),
        ("token_embd.weight", "token_embd"),
        ("weight", ""),
        ("", ""),
        ("0", ""),
        ("0.weight", "0"),
        ("layers.0", "layers.0"),
        ("...", ""),
        ("a//b", "a"),
        ("x.²", "x"),
    ],
)
def test_layers_are_told_by_name(name, layer):
    assert layer_of(name) == layer


def test_sums_and_groups(checkpoint_of):
    arrays = {
        "layer.0.weight": np.zeros((2, 3), np.float32),
        "layer.1.weight": np.zeros((2, 3), np.float16),
        "empty": np.zeros((0,), np.float32),
        "scalar": np.array(1, np.int64),
    }
    anatomy = Anatomy.of(
        run(checkpoint_of(arrays, **{"config.json": {"architectures": ["TinyModel"]}}), only=["anatomy"])
    )
    assert (anatomy.parameters, anatomy.nbytes, anatomy.tensors) == (13, 44, 4)
    assert anatomy.architecture == "TinyModel"
    assert {group.name: (group.tensors, group.nbytes) for group in anatomy.dtypes} == {
        "F32": (2, 24),
        "F16": (1, 12),
        "I64": (1, 8),
    }
    assert {group.name for group in anatomy.layers} == {"layer.0", "layer.1", ""}
    assert {tensor.name: tensor.shape for tensor in anatomy.listed}["layer.0.weight"] == (2, 3)
    assert [(file.name, file.format) for file in anatomy.files] == [
        ("model.safetensors", "safetensors"),
        ("config.json", ""),
    ]


def test_a_pattern_chooses_what_is_listed_and_not_what_is_counted(checkpoint_of):
    arrays = {"a.weight": np.zeros(2, np.float32), "a.bias": np.zeros(1, np.float32)}
    anatomy = Anatomy.of(run(checkpoint_of(arrays), only=["anatomy"], match="*.bias"))
    assert [tensor.name for tensor in anatomy.listed] == ["a.bias"]
    assert anatomy.tensors == 2


def test_a_file_without_tensors_has_an_anatomy(checkpoint_of):
    report = run(checkpoint_of({}), only=["anatomy", "statistics", "health", "duplicates"])
    assert Anatomy.of(report).tensors == 0
    assert [result.outcome for result in report.results] == [Outcome.PASS] + [Outcome.SKIPPED] * 3


class _Tensor:
    def __init__(self, name, offset, shape, strides=None):
        self.name, self.shape, self.dtype = name, shape, dtype_named("F32")
        self.info = TensorInfo(name, self.dtype, shape, Extent(0, 40, self.dtype), offset, strides, file="f")
        self.nbytes = self.info.nbytes


def _with_tensors(fake, *tensors):
    checkpoint = fake()
    by_name = {tensor.name: tensor for tensor in tensors}
    checkpoint.files = {"f": type("Index", (), {"format": "x", "tensors": tensors, "pickles": ()})()}
    checkpoint.sources = {"f": type("Source", (), {"size": 40})()}
    checkpoint.values, checkpoint.items = by_name.values, MappingProxyType(by_name).items
    return checkpoint


def test_tied_tensors_are_named_and_counted_once(fake):
    checkpoint = _with_tensors(fake, _Tensor("wte", 0, (10,)), _Tensor("lm_head", 0, (10,)))
    anatomy = Anatomy.of(run(checkpoint, only=["anatomy"]))
    assert anatomy.tied == (("wte", "lm_head"),)
    assert (anatomy.parameters, anatomy.nbytes) == (10, 40)


def test_views_of_one_storage_count_no_more_than_it_holds(fake):
    tensors = [_Tensor("all", 0, (10,)), _Tensor("part", 5, (5,)), _Tensor("endless", 0, (2**40,), (0,))]
    anatomy = Anatomy.of(run(_with_tensors(fake, *tensors), only=["anatomy"]))
    assert (anatomy.parameters, anatomy.nbytes, anatomy.tied) == (10, 40, ())


@pytest.mark.parametrize("config", ["[]", "{", "null", '{"architectures": [7]}', '{"architectures": []}'])
def test_a_useless_configuration_names_no_architecture(checkpoint_of, config):
    report = run(checkpoint_of({"a": np.zeros(1, np.float32)}, **{"config.json": config}), only=["anatomy"])
    assert Anatomy.of(report).architecture == ""
