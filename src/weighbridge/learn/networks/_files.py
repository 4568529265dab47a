"""Our own networks on disk: `model.safetensors` beside a `config.json` that says how to build what it fits."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch as safetensors
import torch
from torch import nn

from weighbridge.checkpoint import open as open_checkpoint
from weighbridge.errors import FormatError
from weighbridge.learn._json import dump, read_object
from weighbridge.learn.data import Facts
from weighbridge.learn.networks.base import Options

WEIGHTS = "model.safetensors"
CONFIG = "config.json"
_PREFIX = "weighbridge-"


def save(name: str, module: nn.Module, options: Options, facts: Facts, folder: Path) -> None:
    """Write both files."""
    tensors = {key: value.detach().cpu().contiguous() for key, value in module.state_dict().items()}
    (folder / WEIGHTS).write_bytes(safetensors.save(tensors, metadata={"format": "pt"}))
    config = {
        "model_type": _PREFIX + name,
        "options": options.model_dump(mode="json"),
        "facts": asdict(facts),
        "num_labels": len(facts.classes),
        "id2label": {str(index): label for index, label in enumerate(facts.classes)},
    }
    (folder / CONFIG).write_text(dump(config), encoding="utf-8")


def read_config(name: str, folder: Path) -> tuple[dict[str, Any], Facts]:
    """The options and facts that were saved. Raises `FormatError` if the folder holds another network."""
    path = folder / CONFIG
    config = read_object(path)
    if config.get("model_type") != _PREFIX + name:
        raise FormatError(
            f"expected model_type {_PREFIX + name!r}, found {str(config.get('model_type'))!r}", where=str(path)
        )
    try:
        facts = dict(config["facts"])
        facts.update({key: tuple(facts[key]) for key in ("shape", "classes", "columns")})
        return dict(config["options"]), Facts(**facts)
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(f"options or facts are missing or misspelt ({error})", where=str(path)) from None


def read_weights(module: nn.Module, folder: Path) -> nn.Module:
    """Put the saved values into the module, in evaluation mode. Raises `FormatError` where they do not fit."""
    expected = module.state_dict()
    with open_checkpoint(folder / WEIGHTS) as saved:
        shared = _shared(expected, set(saved))
        for what, names in (("lacks", set(expected) - set(saved) - shared), ("also holds", set(saved) - set(expected))):
            if names:
                raise FormatError(f"{what} {', '.join(sorted(names)[:5])}", where=str(folder / WEIGHTS))
        values = {name: torch.from_numpy(np.array(saved[name].numpy())) for name in expected if name in saved}
    for name, value in values.items():
        if value.shape != expected[name].shape:
            found, fits = tuple(value.shape), tuple(expected[name].shape)
            raise FormatError(f"{name} is {found}, and config.json asks for {fits}", where=str(folder / WEIGHTS))
    module.load_state_dict(values, strict=False)  # what is not among them shares the memory of one that is
    return module.eval()


def _shared(state: dict[str, torch.Tensor], saved: Collection[str]) -> set[str]:
    """Names whose memory has another name that is saved (tied embeddings): a file holds one of them."""
    places: dict[tuple[int, torch.Size], list[str]] = {}
    for name, tensor in state.items():
        places.setdefault((tensor.data_ptr(), tensor.shape), []).append(name)
    return {name for names in places.values() if any(each in saved for each in names) for name in names}
