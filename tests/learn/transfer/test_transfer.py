"""Frozen features, the head on them, and what moved."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from weighbridge.errors import UsageError
from weighbridge.learn.data import Batch, Facts
from weighbridge.learn.networks import find as network_named
from weighbridge.learn.transfer import FrozenSamples, extract, fit_head, moved, moved_by_layer
from weighbridge.learn.transfer.features import can_freeze
from weighbridge.learn.transfer.moved import snapshot


@dataclass
class _Pictures:
    """Pictures of noise; those of class 1 are lighter."""

    pixels: np.ndarray
    targets: np.ndarray
    asked: int = 0

    def __len__(self) -> int:
        return len(self.pixels)

    def batch(self, indices: np.ndarray) -> Batch:
        self.asked += 1
        return {"pixels": self.pixels[indices]}

    def digests(self) -> tuple[bytes, ...]:
        return tuple(bytes([int(value * 20) % 256]) for value in self.pixels[:, 0, 0, 0])


def _pictures(count: int = 60, seed: int = 0) -> _Pictures:
    rng = np.random.default_rng(seed)
    targets = np.arange(count, dtype=np.int64) % 2
    pixels = rng.standard_normal((count, 1, 8, 8)) + 0.8 * targets[:, None, None, None]
    return _Pictures(pixels.astype(np.float32), targets)


def _cnn():
    torch.manual_seed(0)
    network, options = network_named("cnn", {"channels": (4, 8)})
    return network, network.build(options, Facts("classification", "image", (1, 8, 8), ("dark", "light"))).eval()


def test_features_and_head_together_are_the_network() -> None:
    network, module = _cnn()
    samples = _pictures()
    assert can_freeze(network, module)
    frozen = extract(network, module, samples, batch_size=7)
    with torch.inference_mode():
        logits = module(pixels=torch.from_numpy(samples.pixels))
        np.testing.assert_allclose(module.head(torch.from_numpy(frozen.values)), logits, atol=1e-5)
    assert frozen.values.shape == (60, 8)
    assert frozen.batch(np.array([3, 1]))["features"].tolist() == frozen.values[[3, 1]].tolist()


def test_features_leave_a_training_network_as_it_was() -> None:
    network, module = _cnn()
    module.train()
    state = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    extract(network, module, _pictures())
    assert module.training
    assert all(torch.equal(state[name], tensor) for name, tensor in module.state_dict().items())


def test_features_are_kept_for_the_same_body_and_the_same_samples_only(tmp_path: Path) -> None:
    network, module = _cnn()
    samples = _pictures()
    first = extract(network, module, samples, cache=tmp_path)
    asked = samples.asked
    with torch.no_grad():
        module.head.weight += 1  # a head does not change what it is given
    again = extract(network, module, samples, cache=tmp_path)
    assert samples.asked == asked
    assert np.array_equal(first.values, again.values)
    with torch.no_grad():
        module.body[0][0].weight += 1
    assert not np.array_equal(extract(network, module, samples, cache=tmp_path).values, first.values)
    other = _pictures(seed=1)
    extract(network, module, other, cache=tmp_path)
    assert other.asked > 0


def test_no_samples_have_no_features() -> None:
    network, module = _cnn()
    assert extract(network, module, _pictures(0)).values.shape == (0, 8)


def test_the_head_is_the_minimum_of_the_penalised_loss() -> None:
    rng = np.random.default_rng(3)
    values = (rng.standard_normal((200, 5)) * [1, 10, 0.1, 3, 0] + [0, 5, -2, 100, 7]).astype(np.float32)
    targets = (values[:, 0] + values[:, 1] / 10 + rng.standard_normal(200) > 0.5).astype(np.int64)
    head = torch.nn.Linear(5, 2)
    fit = fit_head(head, FrozenSamples(values, targets, ()), weight_decay=0.1)
    assert fit.converged
    assert all(later <= before + 1e-6 for before, later in zip(fit.losses, fit.losses[1:], strict=False))

    scale = np.where(values.std(0) > 1e-6, values.std(0), 1)
    weight = (head.weight.detach() * torch.from_numpy(scale)).double().requires_grad_()
    bias = (head.bias.detach() + head.weight.detach() @ torch.from_numpy(values.mean(0))).double().requires_grad_()
    outputs = torch.from_numpy((values - values.mean(0)) / scale).double() @ weight.T + bias
    loss = torch.nn.functional.cross_entropy(outputs, torch.from_numpy(targets)) + 0.05 * weight.square().sum()
    loss.backward()
    assert weight.grad is not None
    assert float(weight.grad.abs().max()) < 1e-3  # the gradient vanishes where we stopped


def test_a_head_learns_light_from_dark_and_gives_the_same_bits_again() -> None:
    network, module = _cnn()
    train, test = extract(network, module, _pictures(200)), extract(network, module, _pictures(100, seed=9))
    weights = []
    for _ in range(2):
        torch.nn.init.normal_(module.head.weight)
        fit_head(module.head, train)
        weights.append(module.head.weight.detach().clone())
    assert torch.equal(*weights)
    with torch.inference_mode():
        right = module.head(torch.from_numpy(test.values)).argmax(1).numpy() == test.targets
    assert right.mean() > 0.9


def test_a_head_can_predict_numbers() -> None:
    values = np.random.default_rng(0).standard_normal((100, 3)).astype(np.float32)
    targets = (values @ np.array([1.0, -2.0, 0.5]) + 4).astype(np.float32)
    head = torch.nn.Linear(3, 1)
    fit_head(head, FrozenSamples(values, targets, ()), weight_decay=0)
    np.testing.assert_allclose(head.weight.detach().numpy()[0], [1, -2, 0.5], atol=1e-3)
    np.testing.assert_allclose(head.bias.detach().numpy(), [4], atol=1e-3)


def test_nothing_to_fit_to_is_told() -> None:
    with pytest.raises(UsageError, match="no sample"):
        fit_head(torch.nn.Linear(3, 2), FrozenSamples(np.zeros((0, 3), np.float32), np.zeros(0, np.int64), ()))


def test_moved_says_what_changed_and_how_far() -> None:
    network, module = _cnn()
    names = tuple(name for name, _ in module.named_parameters())
    before = snapshot(module, names)
    with torch.no_grad():
        module.head.weight *= 1.5
        module.body[1][0].weight[0, 0, 0, 0] += 2
    found = {each.name: each for each in moved(before, module)}
    assert found["head.weight"].relative == pytest.approx(0.5)
    assert found["head.weight"].changed == found["head.weight"].items
    assert found["body.0.0.weight"].unchanged
    assert str(found["body.0.0.weight"]) == "body.0.0.weight: unchanged, bit for bit"
    assert (found["body.1.0.weight"].changed, found["body.1.0.weight"].largest) == (1, pytest.approx(2))
    layers = {each.name: each for each in moved_by_layer(network, module, tuple(found.values()))}
    assert layers["body.0"].unchanged
    assert layers["body.1"].changed == 1
    assert "moved by" in str(layers["head"])
