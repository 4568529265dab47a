"""What a frozen network says of samples, computed once and learned from as often as one likes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from blake3 import blake3
from numpy.typing import NDArray
from torch import nn

from weighbridge.checkpoint import open as open_checkpoint
from weighbridge.formats import safetensors
from weighbridge.learn.data import Batch, Indices, Samples
from weighbridge.learn.evaluation.measure import tensors
from weighbridge.learn.networks import Network

Tell = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class FrozenSamples:
    """Samples whose one input is what the network's head is given: `features` float32 (n, features)."""

    values: NDArray[np.float32]
    targets: NDArray[Any]
    _digests: tuple[bytes, ...]

    def __len__(self) -> int:
        return len(self.values)

    def batch(self, indices: Indices) -> Batch:
        return {"features": self.values[indices]}

    def digests(self) -> tuple[bytes, ...]:
        return self._digests


def can_freeze(network: Network, module: nn.Module) -> bool:
    """Whether the head is one linear layer, so that all below it need be computed only once a sample."""
    names = network.head(module)
    return len(names) == 1 and isinstance(module.get_submodule(names[0]), nn.Linear)


def extract(
    network: Network,
    module: nn.Module,
    samples: Samples,
    *,
    batch_size: int = 32,
    cache: Path | None = None,
    preparation: Mapping[str, Any] | None = None,
    tell: Tell | None = None,
) -> FrozenSamples:
    """The features of all samples, by the network in evaluation mode, on the device where it lies.

    With `cache`, a folder, they are kept there under a digest of the body's weights, the samples, their `preparation`
    and the number of threads, and read back instead of computed again. `tell` is called with samples done and in all.
    """
    digests = samples.digests()
    path = cache / f"features-{_key(network, module, digests, preparation)}.safetensors" if cache else None
    if path is not None and path.is_file():
        with open_checkpoint(path) as kept:
            return FrozenSamples(np.array(kept["features"].numpy()), samples.targets, digests)
    values = _computed(network, module, samples, batch_size, tell)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        safetensors.write(path, {"features": values})
    return FrozenSamples(values, samples.targets, digests)


def _computed(
    network: Network, module: nn.Module, samples: Samples, batch_size: int, tell: Tell | None
) -> NDArray[np.float32]:
    was_training = module.training
    module.eval()
    device = next(module.parameters()).device
    parts = []
    with torch.inference_mode():
        for at in range(0, len(samples), batch_size):
            indices = np.arange(at, min(at + batch_size, len(samples)))
            features = network.features(module, tensors(samples.batch(indices), device))
            parts.append(features.float().cpu().numpy())
            if tell is not None:
                tell(int(indices[-1]) + 1, len(samples))
    module.train(was_training)
    return np.concatenate(parts) if parts else np.zeros((0, _width(network, module)), np.float32)


def _width(network: Network, module: nn.Module) -> int:
    return int(module.get_submodule(network.head(module)[0]).in_features)  # type: ignore[arg-type]


def _key(network: Network, module: nn.Module, digests: tuple[bytes, ...], preparation: Mapping[str, Any] | None) -> str:
    hasher = blake3(f"{torch.__version__} {torch.get_num_threads()}\n".encode())
    hasher.update(json.dumps(preparation, sort_keys=True).encode() + b"\n")
    head = tuple(f"{name}." for name in network.head(module))
    for name, tensor in module.state_dict().items():
        if not name.startswith(head):
            hasher.update(f"{name} {tensor.dtype} {tuple(tensor.shape)} ".encode())
            hasher.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    for digest in digests:
        hasher.update(digest)
    return hasher.hexdigest(16)
