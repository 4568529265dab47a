"""Starting weights are scanned, matched tensor by tensor, and named by a digest."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from weighbridge.errors import PathNotFoundError, UnsafeError, UsageError
from weighbridge.formats import safetensors
from weighbridge.learn.data import Facts
from weighbridge.learn.networks import find as network_named
from weighbridge.learn.start import find, load

FOUR = ("bear", "bird", "cow", "zebra")


def _cnn(classes=FOUR, channels=(4, 8), seed=0):
    network, options = network_named("cnn", {"channels": channels})
    facts = Facts("classification", "image", (1, 8, 8), tuple(classes))
    torch.manual_seed(seed)
    return network, options, facts, network.build(options, facts)


@pytest.fixture
def published(tmp_path: Path) -> Path:
    network, options, facts, module = _cnn()
    folder = tmp_path / "animals"
    folder.mkdir()
    network.save(module, options, facts, folder)
    return folder


def _load(given: Path, classes=FOUR, channels=(4, 8)):
    network, _, facts, module = _cnn(classes, channels, seed=1)
    start = find(str(given), where=given.parent)
    return module, load(start, module, network=network.name, head=network.head(module), classes=facts.classes)


def test_the_same_classes_take_everything(published: Path) -> None:
    module, loaded = _load(published)
    for name, tensor in _cnn()[3].state_dict().items():
        assert torch.equal(module.state_dict()[name], tensor)
    assert (loaded.new, loaded.unused, loaded.said) == ((), (), ())


def test_other_classes_get_a_new_head_even_of_the_same_shape(published: Path) -> None:
    for classes in (("cat", "dog"), ("cat", "dog", "fox", "elk")):
        module, loaded = _load(published, classes)
        assert loaded.new == ("head.weight", "head.bias")
        untouched = _cnn(classes, seed=1)[3]
        assert torch.equal(module.head.weight, untouched.head.weight)
        assert torch.equal(module.body[0][0].weight, _cnn()[3].body[0][0].weight)
        assert "the weights tell bear, bird, cow and 1 other classes" in loaded.said[0]


def test_tensors_of_another_shape_are_named_and_nothing_is_loaded(published: Path) -> None:
    network, _, _, module = _cnn(channels=(4, 16), seed=1)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    with pytest.raises(UsageError) as caught:
        load(find(str(published), where=published), module, network="cnn", head=("head",), classes=FOUR)
    assert "body.1.0.weight is 8×4×3×3 (expected 16×4×3×3)" in str(caught.value)
    assert "5 of another shape" in str(caught.value)
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())
    assert network.name in str(caught.value)


def test_a_missing_layer_and_a_layer_too_many_are_named(published: Path) -> None:
    with pytest.raises(UsageError, match=r"missing: body\.2\.0\.weight"):
        _load(published, channels=(4, 8, 8))
    with pytest.raises(UsageError, match=r"6 that it has no place for: body\.1\.0\.weight"):
        _load(published, channels=(4,))


def test_nan_in_the_weights_is_refused_with_the_tensor(published: Path) -> None:
    module = _cnn()[3]
    tensors = {name: tensor.numpy() for name, tensor in module.state_dict().items()}
    tensors["body.0.0.weight"] = np.full_like(tensors["body.0.0.weight"], np.nan)
    safetensors.write(published / "model.safetensors", tensors)
    with pytest.raises(UsageError, match=r"36 values of NaN or infinity in body\.0\.0\.weight"):
        _load(published)


class _Calls:
    def __reduce__(self):
        return (__import__("os").system, ("true",))


def test_a_pickle_that_would_run_code_is_refused_before_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "weights.pkl").write_bytes(pickle.dumps({"body.0.0.weight": _Calls()}))
    with pytest.raises(UnsafeError, match=r"would call (os|posix)\.system"):
        find("weights.pkl", where=tmp_path)


def test_half_precision_becomes_the_modules_own_type(published: Path) -> None:
    tensors = {name: tensor.numpy() for name, tensor in _cnn()[3].state_dict().items()}
    halves = {k: v.astype(np.float16) if v.dtype == np.float32 else v for k, v in tensors.items()}
    safetensors.write(published / "model.safetensors", halves)
    module, _ = _load(published)
    assert module.head.weight.dtype == torch.float32
    assert np.array_equal(module.head.weight.detach().numpy(), halves["head.weight"].astype(np.float32))


def test_the_digest_is_of_tensors_and_not_of_files(published: Path, tmp_path: Path) -> None:
    _, first = _load(published)
    state = _cnn()[3].state_dict()
    torch.save(dict(reversed(state.items())), tmp_path / "again.pth")
    (tmp_path / "config.json").write_text(json.dumps({"id2label": dict(enumerate(FOUR))}))
    _, second = _load(tmp_path / "again.pth")
    assert first.digest == second.digest
    state["head.bias"] += 1
    torch.save(state, tmp_path / "again.pth")
    assert _load(tmp_path / "again.pth")[1].digest != first.digest


def test_what_is_no_path_goes_to_the_hub_with_its_revision(published: Path, tmp_path: Path) -> None:
    asked = []

    def resolve(name: str) -> Path:
        asked.append(name)
        return published

    assert find("zoo/animals@v1", where=tmp_path, resolve=resolve).path == published
    assert find("animals", where=published.parent, resolve=resolve).path == published
    assert asked == ["zoo/animals@v1"]


def test_a_place_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(PathNotFoundError, match="no starting weights here"):
        find("./nothing", where=tmp_path, resolve=lambda _: tmp_path)
    with pytest.raises(UsageError, match="no hub to ask"):
        find("zoo/animals", where=tmp_path)


def test_names_given_by_nobody_do_not_count_as_classes(published: Path) -> None:
    config = json.loads((published / "config.json").read_text())
    config["id2label"] = {str(index): f"LABEL_{index}" for index in range(4)}
    (published / "config.json").write_text(json.dumps(config))
    _, loaded = _load(published, ("a", "b", "c", "d"))
    assert loaded.new == ()
