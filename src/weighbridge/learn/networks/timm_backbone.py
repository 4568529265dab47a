"""Any network of timm, by its name there: `timm/resnet18`. timm is an extra, and is imported when one is asked for.

Architectures alone come from timm: weights never do. They come from `start`, scanned and read by our own reader.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import safetensors.torch as safetensors
from pydantic import Field
from torch import Tensor, nn

from weighbridge.errors import FormatError, UsageError
from weighbridge.learn._json import dump, read_object
from weighbridge.learn.data import Facts
from weighbridge.learn.networks import _files, _parts
from weighbridge.learn.networks.base import Options

PREFIX = "timm/"


class TimmOptions(Options):
    """`drop_rate` is of the features before the head."""

    drop_rate: Annotated[float, Field(ge=0, lt=1)] = 0.0


@dataclass(frozen=True, slots=True)
class TimmBackbone:
    """The kind of network named `timm/NAME`."""

    name: str
    options: type[TimmOptions] = TimmOptions

    @property
    def architecture(self) -> str:
        """What timm calls it."""
        return self.name.removeprefix(PREFIX)

    def build(self, options: TimmOptions, facts: Facts) -> nn.Module:
        if facts.kind != "image":
            raise UsageError(f"networks of timm take images, and this data is {facts.kind}", hint="Take mlp.")
        return self._create(options.drop_rate, _parts.outputs(facts), facts.shape)

    def save(self, module: nn.Module, options: TimmOptions, facts: Facts, folder: Path) -> None:
        tensors = {key: value.detach().cpu().contiguous() for key, value in module.state_dict().items()}
        (folder / _files.WEIGHTS).write_bytes(safetensors.save(tensors, metadata={"format": "pt"}))
        model: Any = module
        config = {
            "architecture": self.architecture,
            "num_classes": _parts.outputs(facts),
            "num_features": int(model.num_features),
            "label_names": list(facts.classes),
            "model_args": {"drop_rate": options.drop_rate, "in_chans": facts.shape[0]} | self._sized(facts.shape),
            "pretrained_cfg": {"input_size": list(facts.shape), "classifier": model.pretrained_cfg["classifier"]},
        }
        (folder / _files.CONFIG).write_text(dump(config), encoding="utf-8")

    def load(self, folder: Path) -> nn.Module:
        path = folder / _files.CONFIG
        config = read_object(path)
        try:
            shape = tuple(int(size) for size in config["pretrained_cfg"]["input_size"])
            rate, outputs = float(config["model_args"]["drop_rate"]), int(config["num_classes"])
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError(f"is no config of a timm network that we wrote ({error})", where=str(path)) from None
        if config.get("architecture") != self.architecture or len(shape) != 3:
            raise FormatError(f"is not of {self.architecture}, but of {config.get('architecture')!r}", where=str(path))
        return _files.read_weights(self._create(rate, outputs, shape), folder)

    def head(self, module: Any) -> tuple[str, ...]:
        named = module.pretrained_cfg["classifier"]
        return (named,) if isinstance(named, str) else tuple(named)

    def layers(self, module: Any) -> tuple[tuple[str, ...], ...]:
        """As timm groups them for layer-wise rates; the head is the last group."""
        head = self.head(module)
        of_head = tuple(f"{name}." for name in head)
        grouped = _timm("timm.models").group_parameters(module, module.group_matcher(coarse=False))
        body = [tuple(name for name in names if not name.startswith(of_head)) for _, names in sorted(grouped.items())]
        return (*(names for names in body if names), of_head)

    def features(self, module: Any, batch: dict[str, Tensor]) -> Tensor:
        found: Tensor = module.forward_head(module.forward_features(batch["pixels"]), pre_logits=True)
        return found

    def _create(self, drop_rate: float, outputs: int, shape: tuple[int, ...]) -> nn.Module:
        timm = _timm("timm")
        if not timm.is_model(self.architecture):
            near = timm.list_models(f"{self.architecture[:6]}*")[:5]
            hint = f"There are {', '.join(near)} and others: timm.list_models()." if near else "See timm.list_models()."
            raise UsageError(f"timm has no network named {self.architecture!r}", hint=hint)
        given = {"num_classes": outputs, "in_chans": shape[0], "drop_rate": drop_rate, **self._sized(shape)}
        try:
            module: nn.Module = timm.create_model(self.architecture, pretrained=False, **given)
        except (TypeError, ValueError, AssertionError, RuntimeError) as error:
            raise UsageError(f"timm cannot build {self.architecture} for inputs {list(shape)}: {error}") from error
        module.register_forward_pre_hook(_by_name, with_kwargs=True)
        return module

    def _sized(self, shape: tuple[int, ...]) -> dict[str, Any]:
        """Networks of a fixed size, such as vision transformers, are built for the data's."""
        configured = _timm("timm.models").get_pretrained_cfg(self.architecture)
        return {"img_size": list(shape[1:])} if configured is not None and configured.fixed_input_size else {}


def _by_name(
    module: nn.Module, given: tuple[Any, ...], named: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """A batch has its pixels by name, and timm takes them by place."""
    rest = {name: value for name, value in named.items() if name != "pixels"}
    return ((named["pixels"], *given) if "pixels" in named else given), rest


def _timm(name: str) -> Any:
    """timm, or a module of it. Raises `UsageError` that says what to install."""
    try:
        return import_module(name)
    except (ImportError, RuntimeError) as error:  # RuntimeError: a torchvision that was built for another torch
        raise UsageError(
            f"networks of timm need timm and a torchvision that fits torch: {str(error).splitlines()[0]}",
            hint="Install them: pip install 'weighbridge[timm]'. Where torchvision does not fit your torch, take "
            "network: cnn or efficientnet_lite, which need neither.",
        ) from error
