"""Our own networks: they fit the data, come back from disk as they were, and say what does not fit."""

import json

import pytest
import torch

from weighbridge.errors import FormatError, UsageError
from weighbridge.learn.data import Facts
from weighbridge.learn.networks import find

PICTURES = Facts("classification", "image", (1, 8, 8), ("a", "b", "c"))
TABLE = Facts("regression", "table", (5,), outputs=2)
CASES = [
    ("mlp", {}, TABLE),
    ("mlp", {"hidden": [], "norm": "layer"}, TABLE),
    ("mlp", {"hidden": [7, 6, 5], "norm": "batch", "activation": "gelu", "dropout": 0.5}, PICTURES),
    ("mlp", {"norm": "layer", "activation": "tanh"}, PICTURES),
    ("cnn", {}, PICTURES),
    ("cnn", {"channels": [4, 6], "convolutions": 2, "norm": "none", "kernel_size": 5, "dropout": 0.3}, PICTURES),
]


def inputs(facts, n=3):
    generator = torch.Generator().manual_seed(1)
    name = "pixels" if facts.kind == "image" else "features"
    return {name: torch.randn(n, *facts.shape, generator=generator)}


@pytest.mark.parametrize(("name", "options", "facts"), CASES)
def test_a_network_comes_back_from_disk_with_the_same_outputs(name, options, facts, tmp_path):
    network, chosen = find(name, options)
    torch.manual_seed(0)
    module = network.build(chosen, facts).eval()
    network.save(module, chosen, facts, tmp_path)
    with torch.no_grad():
        expected = module(**inputs(facts))
        assert torch.equal(network.load(tmp_path)(**inputs(facts)), expected)
    assert expected.shape == (3, len(facts.classes) or facts.outputs)
    assert json.loads((tmp_path / "config.json").read_text())["model_type"] == f"weighbridge-{name}"


@pytest.mark.parametrize(("name", "options", "facts"), CASES)
def test_layers_hold_every_parameter_once_and_the_head_decides_on_the_features(name, options, facts):
    network, chosen = find(name, options)
    module = network.build(chosen, facts).eval()
    prefixes = [prefix for group in network.layers(module) for prefix in group]
    for parameter, _ in module.named_parameters():
        assert sum(parameter.startswith(prefix) for prefix in prefixes) == 1
    (head,) = network.head(module)
    with torch.no_grad():
        decided = module.get_submodule(head)(network.features(module, inputs(facts)))
        assert torch.equal(decided, module(**inputs(facts)))


def test_the_same_seed_builds_the_same_weights():
    network, chosen = find("cnn", {})
    built = []
    for _ in range(2):
        torch.manual_seed(3)
        built.append(network.build(chosen, PICTURES).state_dict())
    assert all(torch.equal(built[0][name], built[1][name]) for name in built[0])


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("cnnn", {}, "no network named 'cnnn'"),
        ("cnn", {"chanels": [3]}, "chanels"),
        ("mlp", {"hidden": [0]}, "hidden.0"),
        ("mlp", {"dropout": 1.0}, "dropout"),
        ("cnn", {"channels": []}, "channels"),
    ],
)
def test_what_is_unknown_or_senseless_is_named(name, options, message):
    with pytest.raises(UsageError, match=message):
        find(name, options)


@pytest.mark.parametrize(
    ("name", "options", "facts", "message"),
    [
        ("cnn", {}, TABLE, "takes images"),
        ("cnn", {"channels": [2] * 5}, PICTURES, "halve pictures 4 times"),
        ("mlp", {}, Facts("classification", "table", (5,), ("one",)), "two classes or more"),
        ("mlp", {}, Facts("classification", "text", (5,), ("a", "b")), "text"),
        ("mlp", {}, Facts("language", "table", (5,)), "causal_lm"),
    ],
)
def test_data_that_a_network_cannot_take_is_refused(name, options, facts, message):
    network, chosen = find(name, options)
    with pytest.raises(UsageError, match=message):
        network.build(chosen, facts)


def damaged(folder, change):
    network, chosen = find("mlp", {"hidden": [4]})
    network.save(network.build(chosen, TABLE), chosen, TABLE, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(change(config)))
    return network


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda config: {**config, "model_type": "bert"}, "found 'bert'"),
        (lambda config: [], "JSON object"),
        (lambda config: {"model_type": "weighbridge-mlp"}, "missing or misspelt"),
        (lambda config: {**config, "facts": {**config["facts"], "shape": [6]}}, "config.json asks for"),
        (lambda config: {**config, "options": {"hidden": [4, 4]}}, "lacks"),
        (lambda config: {**config, "options": {"hidden": []}}, "also holds"),
    ],
)
def test_a_folder_that_holds_something_else_is_refused(change, message, tmp_path):
    network = damaged(tmp_path, change)
    with pytest.raises(FormatError, match=message):
        network.load(tmp_path)
