"""Pickled arrays and .npy files, as MNIST-like sets come: inputs in one, labels in another, or both in a dictionary.

Pickles are read by Weighbridge's own reader, compressed or not: nothing in them is executed.
"""

from __future__ import annotations

from weighbridge.errors import UnsafeError, UnsupportedError
from weighbridge.formats import Verdict
from weighbridge.learn.data.places import DataFile
from weighbridge.learn.data.sources._pairing import Named, pair
from weighbridge.learn.data.sources.base import Raw, ends
from weighbridge.learn.recipe import DataSpec

_UNNAMED = "tensor"  # what a file is called that holds one array without a name
_SUFFIXES = (".pkl", ".pickle", ".p", ".joblib", ".npy")
_COMPRESSED = (".gz", ".bz2", ".xz", ".z")
_OTHERS = (".csv", ".tsv", ".json", ".jsonl", ".ubyte", "-ubyte", ".tar", ".txt")


class Arrays:
    """See the module."""

    name = "arrays"

    def claims(self, file: DataFile) -> bool:
        stem = file.path.name.lower()
        for suffix in _COMPRESSED:
            if stem.endswith(suffix):
                return not stem.removesuffix(suffix).endswith(_OTHERS)
        return ends(file, *_SUFFIXES)

    def read(self, files: tuple[DataFile, ...], spec: DataSpec) -> Raw:
        return pair([array for file in files for array in arrays_in(file)], spec)


def arrays_in(file: DataFile) -> list[Named]:
    """The arrays of one file that `weighbridge.open` reads. Raises `UnsafeError` where its pickle is no plain data."""
    from weighbridge.checkpoint import open as open_checkpoint

    opened = open_checkpoint(file.path)
    for scan in (scan for index in opened.files.values() for scan in index.pickles):
        if scan.verdict is not Verdict.ALLOWED:
            names = ", ".join(item.qualified for item in scan.imports if item.verdict is not Verdict.ALLOWED)
            raise UnsafeError(f"its pickle imports more than arrays need: {names or scan.broken}", where=str(file.path))
    if not len(opened):
        raise UnsupportedError("holds no array of numbers", where=str(file.path), hint="Keep arrays as .npz or .npy.")
    return [
        Named(file, "" if name == _UNNAMED else name, opened[name].shape, False, opened[name].numpy) for name in opened
    ]
