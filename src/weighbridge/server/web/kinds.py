"""What a file's name suggests. Icons and links follow it, nothing else: what a file is, its bytes say."""

from __future__ import annotations

from posixpath import splitext
from typing import Final

_WEIGHTS: Final = frozenset(
    (".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".gguf", ".npz", ".npy", ".pkl", ".pickle", ".h5", ".onnx")
)
# SVG is not among them: it is a document that may hold scripts.
_PICTURES: Final = frozenset((".png", ".jpg", ".jpeg", ".gif", ".webp"))


def is_weights(path: str) -> bool:
    return splitext(path.lower())[1] in _WEIGHTS


def is_picture(path: str) -> bool:
    return splitext(path.lower())[1] in _PICTURES


def is_markdown(path: str) -> bool:
    return path.lower().endswith((".md", ".markdown"))
