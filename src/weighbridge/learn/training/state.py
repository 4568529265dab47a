"""The state of a run as one safetensors file: nested values with tensors in them, there and back, bit for bit."""

from __future__ import annotations

import json
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from weighbridge.errors import FormatError

_KEY = "weighbridge"
_VERSION = 1
_TENSOR, _TUPLE, _PAIRS = "$tensor", "$tuple", "$pairs"


def encode(state: dict[str, Any]) -> bytes:
    """The bytes of a file. `state` may hold dicts, lists, tuples, tensors and what JSON knows, finite or not.

    `decode(encode(state))` is `state` again: types of numbers, keys of any kind and the bits of tensors included.
    Tensors are named by where they are, so that a delta finds the one of the checkpoint before.
    """
    tensors: dict[str, torch.Tensor] = {}
    plain = _flatten(state, "", tensors)
    text = json.dumps({"version": _VERSION, "state": plain}, separators=(",", ":"))
    return save(tensors, metadata={_KEY: text})


def decode(data: bytes, where: str = "") -> dict[str, Any]:
    """What `encode` was given. Raises `FormatError` for anything else."""
    try:
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        held = json.loads(header["__metadata__"][_KEY])
        if held["version"] != _VERSION:
            raise FormatError(f"is a checkpoint of version {held['version']}, and this reads {_VERSION}", where=where)
        state = _unflatten(held["state"], load(data))
    except (ValueError, KeyError, TypeError, SafetensorError) as error:
        raise FormatError(f"is no checkpoint of a training run ({error})", where=where) from None
    if not isinstance(state, dict):
        raise FormatError("is no checkpoint of a training run", where=where)
    return state


def _flatten(value: Any, path: str, tensors: dict[str, torch.Tensor]) -> Any:
    if isinstance(value, torch.Tensor):
        name = path or "value"
        tensors[name] = value.detach().cpu().contiguous().clone()
        return {_TENSOR: name}
    if isinstance(value, dict):
        return {
            _PAIRS: [
                [key, _flatten(each, f"{path}.{key}" if path else str(key), tensors)] for key, each in value.items()
            ]
        }
    if isinstance(value, list | tuple):
        items = [_flatten(each, f"{path}.{index}", tensors) for index, each in enumerate(value)]
        return {_TUPLE: items} if isinstance(value, tuple) else items
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a checkpoint cannot hold {type(value).__name__} (at {path})")


def _unflatten(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    if isinstance(value, list):
        return [_unflatten(each, tensors) for each in value]
    if not isinstance(value, dict):
        return value
    ((kind, held),) = value.items()
    if kind == _TENSOR:
        return tensors[held]
    if kind == _TUPLE:
        return tuple(_unflatten(each, tensors) for each in held)
    return {key: _unflatten(each, tensors) for key, each in held}
