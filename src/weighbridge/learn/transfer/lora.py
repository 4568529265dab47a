"""LoRA: small matrices beside frozen weights, learned alone, in peft's own layers and its own files.

Beside each chosen matrix W stand A (rank × inputs) and B (outputs × rank); the network computes with
W + alpha/rank · B·A. A head that decides is learned whole and saved with the adapter.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from torch import nn

from weighbridge.errors import UsageError
from weighbridge.formats import safetensors
from weighbridge.learn._json import dump
from weighbridge.learn.data import Facts
from weighbridge.learn.networks import Network
from weighbridge.learn.recipe.model import LoraSpec
from weighbridge.learn.start.source import ADAPTER_CONFIG, ADAPTER_WEIGHTS

BASE = "weighbridge.base"
"""In the metadata of an adapter's file: the digest of the weights that it was made for."""
_PREFIX = "base_model.model."
_TASKS = {"classification": "SEQ_CLS", "regression": "SEQ_CLS", "language": "CAUSAL_LM"}


@dataclass(frozen=True)
class Adapter:
    """An adapter inside a module; `tuner` is peft's hold on it. `digest` is of the weights below it."""

    tuner: Any
    config: Any
    digest: str

    def save(self, folder: Path) -> None:
        """Write `adapter_model.safetensors` and `adapter_config.json`, which `PeftModel.from_pretrained` reads."""
        from peft import get_peft_model_state_dict

        folder.mkdir(exist_ok=True)
        held = get_peft_model_state_dict(self.tuner.model, adapter_name="default", save_embedding_layers=False)
        tensors = {f"{_PREFIX}{name}": held[name].detach().cpu().contiguous().numpy() for name in sorted(held)}
        safetensors.write(folder / ADAPTER_WEIGHTS, tensors, {"format": "pt", BASE: self.digest})
        values = {name: _plain(each) for name, each in self.config.to_dict().items()}
        (folder / ADAPTER_CONFIG).write_text(dump({**values, "inference_mode": True}), encoding="utf-8")

    def merge(self) -> nn.Module:
        """The module as it was, with what was learned added to its weights."""
        module: nn.Module = self.tuner.merge_and_unload()
        if "peft_config" in module.__dict__:
            del module.__dict__["peft_config"]
        return module


def adapt(network: Network, module: nn.Module, spec: LoraSpec, facts: Facts, *, base: str, digest: str) -> Adapter:
    """Put an adapter into the module, in place: it and the head alone need gradients afterwards.

    `base` names the weights below it. Raises `UsageError` where no layer can be adapted or none has a named end.
    """
    from peft import LoraConfig
    from peft.tuners.lora import LoraModel

    head = network.head(module) if facts.task != "language" else ()
    text = facts.kind == "text"
    alpha: Any = int(spec.alpha) if spec.alpha.is_integer() else spec.alpha  # as peft writes it
    config = LoraConfig(
        r=spec.rank, lora_alpha=alpha, lora_dropout=spec.dropout, target_modules=_targets(network, module, spec),
        modules_to_save=list(head) or None, task_type=_TASKS[facts.task] if text else None,
        base_model_name_or_path=base, fan_in_fan_out=_turned(module),
    )  # fmt: skip
    tuner = LoraModel(module, config, "default")
    return Adapter(tuner, config, digest)


def _targets(network: Network, module: nn.Module, spec: LoraSpec) -> list[str]:
    head = tuple(f"{name}." for name in network.head(module))
    able = [name for name, each in module.named_modules() if _able(each) and not f"{name}.".startswith(head)]
    if not able:
        raise UsageError(f"LoRA finds no layer in {network.name} that it could adapt", hint="Set train.what to all.")
    ends = spec.targets or _usual(module)
    chosen = [name for name in able if any(name == end or name.endswith(f".{end}") for end in ends)] if ends else able
    if not chosen:
        known = ", ".join(sorted({name.rpartition(".")[2] for name in able})[:12])
        raise UsageError(f"no layer ends in {', '.join(ends)}", hint=f"Give train.lora.targets of: {known}.")
    return chosen


def _able(each: nn.Module) -> bool:
    """Linear layers, transformers' transposed ones, and plain convolutions: no subclass made in another way."""
    if type(each) is nn.Conv2d:
        return each.groups == 1
    return type(each) is nn.Linear or _is_turned(each)


def _is_turned(each: nn.Module) -> bool:
    return type(each).__name__ == "Conv1D" and type(each).__module__ == "transformers.pytorch_utils"


def _turned(module: nn.Module) -> bool:
    return any(_is_turned(each) for each in module.modules())


def _usual(module: nn.Module) -> tuple[str, ...]:
    """What peft adapts in an architecture by default; empty for one that it does not know: then all."""
    from peft.utils import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING as USUAL

    known = USUAL.get(getattr(getattr(module, "config", None), "model_type", ""), ())
    return tuple(known) if not isinstance(known, str) else ()


def _plain(value: Any) -> Any:
    if isinstance(value, set):
        return sorted(value)
    return value.value if isinstance(value, Enum) else value
