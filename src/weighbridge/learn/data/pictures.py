"""Encoded images: decoded, and brought to one size. Pillow does the work; what it may be given is limited here."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weighbridge.errors import FormatError, LimitError
from weighbridge.learn.data.inputs import Image
from weighbridge.learn.data.needs import library

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
MAX_PIXELS = 80_000_000
"""Of one image, when decoded: a photograph of 80 megapixels takes 240 MB."""

_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    struct.error,
    zlib.error,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    MemoryError,
)  # fmt: skip  (what Pillow's decoders raise on damaged files)


def decode(data: bytes, where: str) -> Image:
    """The pixels of an encoded image, upright, uint8 (height, width, 1 or 3); 16-bit grey as float32 from 0 to 1.

    Raises `FormatError` for damaged images and formats that are not in `FORMATS`, `LimitError` for enormous ones.
    """
    images: Any = library("PIL.Image")
    try:
        with images.open(io.BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise LimitError(
                    f"an image of {image.width:,} × {image.height:,} pixels; we decode up to {MAX_PIXELS:,}",
                    where=where,
                )
            return _pixels(library("PIL.ImageOps").exif_transpose(image))
    except images.DecompressionBombError as error:
        raise LimitError(f"is too large an image: {error}", where=where) from error
    except _BROKEN as error:
        hint = "Remove the file or replace it by a whole copy."
        raise FormatError(f"is no image that can be decoded: {_reason(error)}", where=where, hint=hint) from error


def _reason(error: BaseException) -> str:
    text = str(error)
    known = ", ".join(FORMATS)
    return f"it is none of {known}" if "cannot identify" in text else text or type(error).__name__


def _pixels(image: Any) -> Image:
    if image.mode.startswith("I"):
        return np.asarray(image, np.float32)[:, :, None] / np.float32(65535)
    if image.mode in ("1", "L", "LA"):
        return np.asarray(image.convert("L"))[:, :, None]
    return np.asarray(image.convert("RGB"))


def with_channels(image: Image, channels: int) -> Image:
    """Grey as three equal channels, colours as their luminance (ITU-R 601), transparency left out."""
    if image.shape[2] == channels:
        return image
    colours = image[:, :, :1] if image.shape[2] == 2 else image[:, :, :3]
    if colours.shape[2] == channels:
        return colours
    if channels == 3:
        return np.repeat(colours, 3, axis=2)
    grey = colours.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    return (np.rint(grey).astype(np.uint8) if image.dtype == np.uint8 else grey)[:, :, None]


def framed(image: Image, size: int | None, crop: float, interpolation: str) -> Image:
    """The middle of an image: its shorter side scaled to size / crop, then size × size cut out, as the field does.

    Without a size: the share `crop` of each side, unscaled.
    """
    height, width = image.shape[:2]
    if size is None:
        return _middle(image, max(round(height * crop), 1), max(round(width * crop), 1))
    shorter = max(int(size / crop), size)
    if height <= width:
        target = (shorter, max(int(shorter * width / height), shorter))
    else:
        target = (max(int(shorter * height / width), shorter), shorter)
    return _middle(_resized(image, target, interpolation), size, size)


def _middle(image: Image, height: int, width: int) -> Image:
    top, left = round((image.shape[0] - height) / 2), round((image.shape[1] - width) / 2)
    return image[top : top + height, left : left + width]


def _resized(image: Image, size: tuple[int, int], interpolation: str) -> Image:
    """Antialiased where it shrinks. uint8 stays uint8; float stays float32."""
    if image.shape[:2] == size:
        return image
    images: Any = library("PIL.Image")
    method = {"bilinear": images.Resampling.BILINEAR, "bicubic": images.Resampling.BICUBIC}[interpolation]
    to = (size[1], size[0])
    if image.dtype == np.uint8 and image.shape[2] == 3:
        return np.asarray(images.fromarray(np.ascontiguousarray(image)).resize(to, method))
    planes = [_plane(image[:, :, channel], to, method, images) for channel in range(image.shape[2])]
    return np.stack(planes, axis=2)


def _plane(plane: NDArray[Any], to: tuple[int, int], method: Any, images: Any) -> NDArray[Any]:
    kind = np.uint8 if plane.dtype == np.uint8 else np.float32
    return np.asarray(images.fromarray(np.ascontiguousarray(plane, kind)).resize(to, method))
