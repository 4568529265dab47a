"""A folder of images by class: cat/a.jpg, dog/b.png, with train/ and test/ above the classes or without."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from blake3 import blake3

from weighbridge.errors import DataError
from weighbridge.learn.data.inputs import Image
from weighbridge.learn.data.pictures import SUFFIXES, decode
from weighbridge.learn.data.places import DataFile, split_named
from weighbridge.learn.data.sources.base import Raw, ends
from weighbridge.learn.data.values import Kind
from weighbridge.learn.recipe import DataSpec


@dataclass(frozen=True, slots=True)
class ImageFiles:
    """Images that lie in files of their own, decoded each time they are asked for."""

    paths: tuple[Path, ...]
    kind: Kind = "image"

    def __len__(self) -> int:
        return len(self.paths)

    def image(self, index: int) -> Image:
        return decode(self.paths[index].read_bytes(), str(self.paths[index]))

    def digest(self, index: int) -> bytes:
        return blake3(self.paths[index].read_bytes()).digest()

    def where(self, index: int) -> str:
        return str(self.paths[index])


class ImageFolder:
    """See the module."""

    name = "image-folder"

    def claims(self, file: DataFile) -> bool:
        return ends(file, *SUFFIXES)

    def read(self, files: tuple[DataFile, ...], spec: DataSpec) -> Raw:
        above = _split_folders(files)
        splits, labels = [], []
        for file in files:
            folders = file.inside.parts[:-1]
            split = file.given or (split_named(folders[0]) if above[_root(file)] else "") or ""
            inner = folders[1:] if above[_root(file)] else folders
            if not inner:
                raise DataError(
                    "lies in no folder of a class", where=str(file.path), hint="Put images into folders: cat/, dog/, …"
                )
            splits.append(split)
            labels.append(inner[0])
        if not spec.files:  # other files may lie in a folder that none was wanted of
            _refuse_empty(files, above, frozenset(labels))
        paths = tuple(file.path for file in files)
        return Raw(ImageFiles(paths), np.array(labels, dtype=str), np.array(splits, dtype="U10"))


def _root(file: DataFile) -> Path:
    return file.path.parents[len(file.inside.parts) - 1]


def _split_folders(files: tuple[DataFile, ...]) -> dict[Path, bool]:
    """Whether the folders right under each root are splits: all of them, or a class is called 'test'."""
    above: dict[Path, bool] = {}
    for file in files:
        folders = file.inside.parts[:-1]
        is_split = len(folders) > 1 and split_named(folders[0]) is not None
        above[_root(file)] = above.get(_root(file), True) and is_split
    return above


def _refuse_empty(files: tuple[DataFile, ...], above: dict[Path, bool], labels: frozenset[str]) -> None:
    """A class's folder without one image in it is a mistake that training would not show."""
    for root, splits in above.items():
        for place in _folders(root) if splits else [root]:
            for folder in _folders(place):
                if folder.name not in labels:
                    raise DataError(
                        f"the class '{folder.name}' has no image", where=str(folder), hint="Fill it or remove it."
                    )


def _folders(place: Path) -> list[Path]:
    """Those that people made: tools keep theirs hidden, as a pulled dataset has `.cache`."""
    if not place.is_dir():
        return []
    return sorted(path for path in place.iterdir() if path.is_dir() and not path.name.startswith((".", "__")))
