"""timm's networks where timm imports; elsewhere it is said what to install."""

import json
import sys

import numpy as np
import pytest
import torch

from weighbridge.errors import FormatError, UsageError
from weighbridge.learn.data import Facts
from weighbridge.learn.evaluation.evaluate import evaluate
from weighbridge.learn.networks import find
from weighbridge.learn.training import run

from ..samples import pictures, recipe

FACTS = Facts("classification", "image", (1, 32, 32), ("a", "b", "c"))


@pytest.fixture
def timm():
    try:
        import timm
    except (ImportError, RuntimeError) as error:
        pytest.skip(f"timm does not import here: {error}")
    return timm


@pytest.mark.parametrize("error", [None, "broken"])
def test_without_timm_it_is_said_what_to_install(monkeypatch, error):
    def breaks(name):
        raise RuntimeError("operator torchvision::nms does not exist")

    if error:
        monkeypatch.setattr("weighbridge.learn.networks.timm_backbone.import_module", breaks)
    else:
        monkeypatch.setitem(sys.modules, "timm", None)
        monkeypatch.setitem(sys.modules, "timm.models", None)
    network, options = find("timm/resnet18", {"drop_rate": 0.1})
    with pytest.raises(UsageError, match="need timm and a torchvision") as told:
        network.build(options, FACTS)
    assert "weighbridge[timm]" in told.value.hint


def test_other_data_and_other_options_are_refused():
    network, options = find("timm/resnet18", {})
    with pytest.raises(UsageError, match="take images"):
        network.build(options, Facts("classification", "table", (3,), ("a", "b")))
    with pytest.raises(UsageError, match="options of the network"):
        find("timm/resnet18", {"depth": 3})


@pytest.mark.parametrize("name", ["resnet18", "vit_tiny_patch16_224"])
def test_a_network_is_built_saved_and_loaded_by_us_and_by_timm(timm, name, tmp_path):
    network, options = find(f"timm/{name}", {})
    module = network.build(options, FACTS).eval()
    pixels = torch.randn(2, 1, 32, 32)
    with torch.inference_mode():
        logits = module(pixels=pixels)
        features = network.features(module, {"pixels": pixels})
        assert logits.shape == (2, 3)
        (head,) = network.head(module)
        assert torch.allclose(module.get_submodule(head)(features), logits, atol=1e-5)
        groups = network.layers(module)
        named = [name for name, _ in module.named_parameters()]
        assert all(sum(name.startswith(group) for group in groups) == 1 for name in named)
        network.save(module, options, FACTS, tmp_path)
        assert torch.equal(network.load(tmp_path)(pixels=pixels), logits)
        theirs = timm.create_model(f"local-dir:{tmp_path}", pretrained=True).eval()
        assert torch.equal(theirs(pixels), logits)
    with pytest.raises(FormatError, match="is not of resnet34"):
        find("timm/resnet34", {})[0].load(tmp_path)


def test_a_run_is_measured_again(timm, tmp_path):
    result = run(recipe("timm/resnet10t", steps=6, batch_size=8), pictures(side=32), tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["architecture"] == "resnet10t"
    assert evaluate(tmp_path, pictures(side=32)).metrics == result.metrics["metrics"]
    assert np.isfinite(result.metrics["metrics"]["loss"])


def test_a_name_that_timm_does_not_know_is_told(timm):
    network, options = find("timm/resnet19", {})
    with pytest.raises(UsageError, match="no network named 'resnet19'") as told:
        network.build(options, FACTS)
    assert "resnet18" in told.value.hint or "resnet" in told.value.hint
