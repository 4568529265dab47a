"""Training images changed a little, at random but the same for the same generator. NumPy alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from weighbridge.errors import UsageError

Pixels: TypeAlias = NDArray[np.float32]
_Change: TypeAlias = Callable[[Pixels, np.random.Generator], Pixels]

_SHIFT = 0.125  # of a side
_DEGREES = 15.0
_SMALLEST = 0.8  # side of a crop
_HOLE = 0.25  # side of a cutout


def augment(pixels: Pixels, names: tuple[str, ...], rng: np.random.Generator) -> Pixels:
    """A new array of the same shape, float32 (n, c, h, w), each image changed in each way in the order of `names`.

    flip: left and right, for every other image. shift: up to an eighth of each side. rotate: up to 15 degrees.
    crop: to 80 to 100 % of each side, and scaled back. cutout: a square of a quarter of a side set to 0, the mean.
    Pixels from outside are those of the nearest edge. Raises `UsageError` for other names.
    """
    for name in names:
        if name not in _CHANGES:
            raise UsageError(f"there is no augmentation '{name}'", hint=f"There are {', '.join(_CHANGES)}.")
        pixels = _CHANGES[name](pixels, rng)
    return pixels


def _flip(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    chosen = rng.random(len(pixels)) < 0.5
    return np.where(chosen[:, None, None, None], pixels[:, :, :, ::-1], pixels)


def _shift(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    count, _, height, width = pixels.shape
    down = rng.integers(-int(height * _SHIFT), int(height * _SHIFT) + 1, (count, 1))
    right = rng.integers(-int(width * _SHIFT), int(width * _SHIFT) + 1, (count, 1))
    rows = np.clip(np.arange(height) - down, 0, height - 1)
    columns = np.clip(np.arange(width) - right, 0, width - 1)
    index = np.arange(count)[:, None, None]
    moved = pixels.transpose(0, 2, 3, 1)[index, rows[:, :, None], columns[:, None, :]]
    return np.ascontiguousarray(moved.transpose(0, 3, 1, 2))


def _rotate(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    angle = _uniform(rng, np.deg2rad(_DEGREES), len(pixels))
    y, x = _centred(pixels)
    rows = y * np.cos(angle) - x * np.sin(angle)
    columns = y * np.sin(angle) + x * np.cos(angle)
    return _sampled(pixels, rows, columns)


def _crop(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    count, _, height, width = pixels.shape
    room = (1 - _SMALLEST) / 4 * (1 + _uniform(rng, 1, count))
    scale = 1 - 2 * room
    down = _uniform(rng, 1, count) * room * (height - 1)
    right = _uniform(rng, 1, count) * room * (width - 1)
    y, x = _centred(pixels)
    return _sampled(pixels, y * scale + down + x * 0, x * scale + right + y * 0)


def _cutout(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    count, _, height, width = pixels.shape
    tall, wide = max(int(height * _HOLE), 1), max(int(width * _HOLE), 1)
    top = rng.integers(0, height - tall + 1, count)[:, None]
    left = rng.integers(0, width - wide + 1, count)[:, None]
    rows = (np.arange(height) >= top) & (np.arange(height) < top + tall)
    columns = (np.arange(width) >= left) & (np.arange(width) < left + wide)
    hole = (rows[:, :, None] & columns[:, None, :])[:, None]
    return np.where(hole, np.float32(0), pixels)


def _uniform(rng: np.random.Generator, most: float, count: int) -> Pixels:
    """(count, 1, 1) numbers from -most to most."""
    return np.asarray(rng.uniform(-most, most, (count, 1, 1)), np.float32)


def _centred(pixels: Pixels) -> tuple[Pixels, Pixels]:
    """Rows (1, h, 1) and columns (1, 1, w) counted from the middle."""
    height, width = pixels.shape[2:]
    y = np.arange(height, dtype=np.float32) - np.float32((height - 1) / 2)
    x = np.arange(width, dtype=np.float32) - np.float32((width - 1) / 2)
    return y[None, :, None], x[None, None, :]


def _sampled(pixels: Pixels, rows: Pixels, columns: Pixels) -> Pixels:
    """Bilinear values at places (n, h, w) counted from the middle."""
    count, _, height, width = pixels.shape
    rows = np.clip(rows + np.float32((height - 1) / 2), 0, height - 1)
    columns = np.clip(columns + np.float32((width - 1) / 2), 0, width - 1)
    top, left = np.floor(rows).astype(np.int64), np.floor(columns).astype(np.int64)
    down, right = (rows - top).astype(np.float32)[..., None], (columns - left).astype(np.float32)[..., None]
    bottom, beside = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
    last = pixels.transpose(0, 2, 3, 1)
    index = np.arange(count)[:, None, None]
    upper = last[index, top, left] * (1 - right) + last[index, top, beside] * right
    lower = last[index, bottom, left] * (1 - right) + last[index, bottom, beside] * right
    return np.ascontiguousarray((upper * (1 - down) + lower * down).transpose(0, 3, 1, 2), np.float32)


_CHANGES: dict[str, _Change] = {
    "flip": _flip, "shift": _shift, "rotate": _rotate, "crop": _crop, "cutout": _cutout,
}  # fmt: skip
