"""Images made ready for a network: one size, channels first, normalised."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weighbridge.errors import DataError
from weighbridge.learn.data.inputs import Image, Images, blocks
from weighbridge.learn.data.pictures import framed, with_channels
from weighbridge.learn.data.values import Indices
from weighbridge.learn.recipe import ImageSpec

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_BLOCK = 256
_LOOKED_AT = 16


@dataclass(frozen=True, slots=True)
class ImagePreparation:
    """How one image becomes what a network takes. ``ImagePreparation(**p.as_json()) == p``."""

    height: int
    width: int
    channels: int
    size: int | None
    crop: float
    interpolation: str
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "height": self.height, "width": self.width, "channels": self.channels, "size": self.size,
            "crop": self.crop, "interpolation": self.interpolation, "mean": list(self.mean), "std": list(self.std),
        }  # fmt: skip

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> ImagePreparation:
        return cls(**{**values, "mean": tuple(values["mean"]), "std": tuple(values["std"])})

    def frame(self, image: Image, where: str) -> Image:
        """(height, width, channels), uint8 or float32. Raises `DataError` for another size where none was chosen."""
        framed_ = framed(with_channels(_plain(image), self.channels), self.size, self.crop, self.interpolation)
        if framed_.shape[:2] != (self.height, self.width):
            raise DataError(
                f"is {framed_.shape[1]} × {framed_.shape[0]} pixels, others are {self.width} × {self.height}",
                where=where,
                hint="Choose one size for all: data.image.size.",
            )
        return framed_

    def finish(self, images: NDArray[Any]) -> NDArray[np.float32]:
        """From framed images (n, h, w, c) to float32 (n, c, h, w): uint8 scaled to 0 … 1, then normalised."""
        values = images.transpose(0, 3, 1, 2).astype(np.float32, order="C")
        if images.dtype == np.uint8:
            values /= np.float32(255)
        shape = (1, self.channels, 1, 1)
        values -= np.array(self.mean, np.float32).reshape(shape)
        values /= np.array(self.std, np.float32).reshape(shape)
        return values


def fit(images: Images, train: Indices, spec: ImageSpec) -> ImagePreparation:
    """What the training images ask for. Raises `DataError` and whatever reading an image may."""
    channels = spec.channels or _channels(images, train)
    first = framed(_plain(images.image(int(train[0]))), spec.size, spec.crop, spec.interpolation)
    zero, one = (0.0,) * channels, (1.0,) * channels
    height, width = first.shape[:2]
    plain = ImagePreparation(height, width, channels, spec.size, spec.crop, spec.interpolation, zero, one)
    mean, std = _normalisation(plain, images, train, spec)
    return ImagePreparation(height, width, channels, spec.size, spec.crop, spec.interpolation, mean, std)


def frames(preparation: ImagePreparation, images: Images, indices: Iterable[int]) -> NDArray[Any]:
    """The framed images of these numbers, (n, h, w, c)."""
    found = [preparation.frame(images.image(int(index)), images.where(int(index))) for index in indices]
    if not found:
        return np.zeros((0, preparation.height, preparation.width, preparation.channels), np.uint8)
    return np.stack(found) if len({image.dtype for image in found}) == 1 else np.stack([_as_float(i) for i in found])


def _as_float(image: Image) -> Image:
    return image.astype(np.float32) / np.float32(255) if image.dtype == np.uint8 else image


def _plain(image: Image) -> Image:
    """uint8 as it is, everything else as float32."""
    return image if image.dtype == np.uint8 else image.astype(np.float32, copy=False)


def _channels(images: Images, train: Indices) -> int:
    """Three, unless the first images are all grey."""
    looked_at = [images.image(int(index)).shape[2] for index in train[:_LOOKED_AT]]
    return 1 if all(count <= 2 for count in looked_at) else 3


def _normalisation(
    plain: ImagePreparation, images: Images, train: Indices, spec: ImageSpec
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    if spec.normalise == "none":
        return plain.mean, plain.std
    if spec.normalise == "data":
        return _statistics(plain, images, train)
    mean, std = IMAGENET if spec.normalise == "imagenet" else spec.normalise
    if len(mean) != plain.channels or len(std) != plain.channels or min(std) <= 0:
        raise DataError(
            f"normalising with {len(mean)} means and {len(std)} deviations does not fit {plain.channels} channels",
            hint="Give one of each for a channel, deviations above 0, or set data.image.channels.",
        )
    return tuple(mean), tuple(std)


def _statistics(plain: ImagePreparation, images: Images, train: Indices) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel over all training pixels.

    Sums of uint8 are taken in integers, so they do not depend on the order or the size of the blocks.
    """
    total: NDArray[Any] = np.zeros(plain.channels)
    squares: NDArray[Any] = np.zeros(plain.channels)
    count = 0
    for block in blocks(len(train), _BLOCK):
        values = frames(plain, images, train[block])
        wide = values.astype(np.uint64 if values.dtype == np.uint8 else np.float64)
        scale = 255 if values.dtype == np.uint8 else 1
        total = total + wide.sum((0, 1, 2)) / scale
        squares = squares + (wide * wide).sum((0, 1, 2)) / scale**2
        count += values.shape[0] * values.shape[1] * values.shape[2]
    if not np.isfinite(total).all():
        raise DataError("images hold values that are no finite numbers")
    mean = total / count
    std = np.sqrt(np.maximum(squares / count - mean * mean, 0))
    return tuple(float(value) for value in mean), tuple(float(value) if value > 1e-6 else 1.0 for value in std)
