"""An adapter added to the weights that it was made for: files in, files out, one tensor in memory at a time."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weighbridge.checkpoint import Checkpoint
from weighbridge.checkpoint import open as open_checkpoint
from weighbridge.errors import FormatError, PathNotFoundError, UsageError
from weighbridge.formats import safetensors
from weighbridge.learn._json import dump, read_object
from weighbridge.learn.networks.tokenizers import FILES as TOKENIZER_FILES
from weighbridge.learn.start.digest import tensors_digest
from weighbridge.learn.start.source import ADAPTER_CONFIG, ADAPTER_WEIGHTS
from weighbridge.learn.transfer.lora import BASE

_KEY = re.compile(r"^base_model\.model\.(.+)\.lora_([AB])\.weight$")
_SAVED = "base_model.model."
_PLAIN: dict[str, tuple[Any, ...]] = {
    "peft_type": ("LORA",), "bias": ("none", None), "use_dora": (False, None), "lora_bias": (False, None),
    "use_qalora": (False, None), "layer_replication": (None,), "trainable_token_indices": (None,),
    "target_parameters": (None, []), "use_bdlora": (None, False), "rank_pattern": ({}, None),
    "alpha_pattern": ({}, None),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Pair:
    down: NDArray[np.float32]  # A: rank × inputs
    up: NDArray[np.float32]  # B: outputs × rank


def merge_adapter(base: Path, adapter: Path, out: Path) -> None:
    """Write to the folder `out` the weights in `base` with the adapter in `adapter` added, as peft would add it.

    The same inputs give the same bytes. Raises `UsageError` for an adapter for other weights (both are named), one of
    a kind whose sum is not W + scaling · B·A, and an `out` that is not empty.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError("is there already, and merging needs a new or empty folder", where=str(out))
    config = _config(adapter)
    if not (adapter / ADAPTER_WEIGHTS).is_file():
        raise PathNotFoundError(f"there is no {ADAPTER_WEIGHTS} here", where=str(adapter))
    with open_checkpoint(base) as weights, open_checkpoint(adapter / ADAPTER_WEIGHTS) as learned:
        _ensure_meant(weights, learned, base, adapter, config)
        pairs, saved = _pairs(learned, str(adapter))
        prefix = _prefix(weights, pairs)
        _ensure_fits(weights, pairs, prefix, config, f"{adapter}, an adapter for {config['base_model_name_or_path']}")
        merged = _merged(weights, pairs, saved, prefix, config)
        out.mkdir(parents=True, exist_ok=True)
        safetensors.write(out / "model.safetensors", merged, {"format": "pt"})
    _copy(base, out, config, saved)


def _config(adapter: Path) -> dict[str, Any]:
    config = read_object(adapter / ADAPTER_CONFIG)
    for name, plain in _PLAIN.items():
        if name in config and config[name] not in plain:
            raise UsageError(
                f"merging knows plain LoRA, and this adapter has {name} = {config[name]!r}",
                where=str(adapter / ADAPTER_CONFIG),
                hint="Merge it by peft's merge_and_unload.",
            )
    rank, alpha = config.get("r"), config.get("lora_alpha")
    if type(rank) is not int or rank < 1 or not isinstance(alpha, int | float):
        raise FormatError(f"r is {rank!r} and lora_alpha {alpha!r}, expected numbers", where=str(adapter))
    return {"base_model_name_or_path": None, **config}


def _ensure_meant(weights: Checkpoint, learned: Checkpoint, base: Path, adapter: Path, config: dict[str, Any]) -> None:
    meant = learned.metadata.get(BASE)
    found = tensors_digest(weights)
    if isinstance(meant, str) and found != meant:
        raise UsageError(
            f"the adapter was made for {config['base_model_name_or_path']}, weights with the digest {meant[:16]}…: "
            f"{base} has {found[:16]}…",
            where=str(adapter),
        )


def _pairs(learned: Checkpoint, where: str) -> tuple[dict[str, _Pair], dict[str, NDArray[Any]]]:
    """The two matrices of each adapted tensor by its name, and the modules that were saved whole."""
    halves: dict[str, dict[str, NDArray[np.float32]]] = {}
    saved: dict[str, NDArray[Any]] = {}
    for name in learned:
        values = np.array(learned[name].numpy())
        if found := _KEY.match(name):
            halves.setdefault(f"{found[1]}.weight", {})[found[2]] = values.astype(np.float32)
        elif "lora_" in name or not name.startswith(_SAVED):
            raise UsageError(f"merging does not know the adapter's tensor {name}", where=where)
        else:
            saved[name.removeprefix(_SAVED)] = values
    for name, half in halves.items():
        if set(half) != {"A", "B"}:
            raise FormatError(f"of {name} one of lora_A and lora_B is missing", where=where)
    return {name: _Pair(half["A"], half["B"]) for name, half in halves.items()}, saved


def _prefix(weights: Checkpoint, pairs: Mapping[str, _Pair]) -> str:
    """What the adapter's names have before those of the weights: transformers leaves it out of a base model's file."""
    if not pairs or any(name in weights for name in pairs):
        return ""
    first = f"{next(iter(pairs)).split('.')[0]}."
    return first if any(name.removeprefix(first) in weights for name in pairs) else ""


def _ensure_fits(
    weights: Checkpoint, pairs: Mapping[str, _Pair], prefix: str, config: dict[str, Any], where: str
) -> None:
    problems = []
    for name, pair in pairs.items():
        inner = name.removeprefix(prefix)
        shape = _delta(pair, 1.0, turned=False).shape
        if inner not in weights:
            problems.append(f"{inner} is missing")
        elif sorted(weights[inner].shape) != sorted(shape):
            problems.append(f"{inner} is {weights[inner].shape}, the adapter's {shape}")
    if problems:
        more = f" and {len(problems) - 5} more" if len(problems) > 5 else ""
        raise UsageError(f"the adapter does not fit the weights: {'; '.join(problems[:5])}{more}", where=where)


def _merged(
    weights: Checkpoint, pairs: Mapping[str, _Pair], saved: Mapping[str, NDArray[Any]], prefix: str,
    config: dict[str, Any],
) -> dict[str, NDArray[Any]]:  # fmt: skip
    scaling = config["lora_alpha"] / (config["r"] ** 0.5 if config.get("use_rslora") else config["r"])
    merged: dict[str, NDArray[Any]] = {}
    for inner in sorted(weights):
        name = inner if inner.startswith(prefix) else prefix + inner
        if _is_other_head(name, pairs, saved, config):
            continue
        values = np.array(weights[inner].numpy())
        if name in pairs:
            turned = bool(config.get("fan_in_fan_out")) and values.ndim == 2
            values = values + _delta(pairs[name], scaling, turned=turned).astype(values.dtype)
        merged[name] = saved.get(name, values)
    return {**merged, **{name: saved[name] for name in sorted(saved) if name not in merged}}


def _is_other_head(
    name: str, pairs: Mapping[str, _Pair], saved: Mapping[str, NDArray[Any]], config: dict[str, Any]
) -> bool:
    """Whether the base's tensor is of a head that the adapter's own head replaces, as a language model's is."""
    if config.get("task_type") != "SEQ_CLS" or not pairs or not saved or name in saved:
        return False
    return name.split(".")[0] not in {each.split(".")[0] for each in pairs}


def _delta(pair: _Pair, scaling: float, *, turned: bool) -> NDArray[np.float32]:
    """scaling · B·A in the shape of the weight: a matrix, or the kernels of a convolution."""
    up, down = pair.up, pair.down
    product = up.reshape(up.shape[0], -1) @ down.reshape(down.shape[0], -1) * np.float32(scaling)
    if turned:
        return np.asarray(product.T)
    return np.asarray(product.reshape(up.shape[0], *down.shape[1:]))


def _copy(base: Path, out: Path, config: dict[str, Any], saved: Mapping[str, NDArray[Any]]) -> None:
    """The base's configuration, with as many classes as the adapter's head tells, and its tokenizer."""
    folder = base if base.is_dir() else base.parent
    for name in (*TOKENIZER_FILES, "generation_config.json"):
        if (folder / name).is_file():
            shutil.copyfile(folder / name, out / name)
    if not (folder / "config.json").is_file():
        return
    values = read_object(folder / "config.json")
    heads = [each.shape[0] for each in saved.values() if each.ndim == 2]
    if config.get("task_type") == "SEQ_CLS" and heads and heads[-1] != len(values.get("id2label") or (0, 1)):
        values["id2label"] = {str(index): f"LABEL_{index}" for index in range(heads[-1])}
        values["label2id"] = {f"LABEL_{index}": index for index in range(heads[-1])}
    (out / "config.json").write_text(dump(values), encoding="utf-8")
