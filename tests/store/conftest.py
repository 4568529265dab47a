"""Stores, and weights to put in them."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from weighbridge.store import Store
from weighbridge.tensors import BytesSource

from . import models


@pytest.fixture
def folder(tmp_path) -> Path:
    """Where `store` lies."""
    return tmp_path / "store"


@pytest.fixture
def store(folder):
    with Store.open(folder, create=True) as opened:
        yield opened


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    """Ways to make test data: `weights`, `safetensors`, `sha256`, and `size_of` a store's folder."""
    return SimpleNamespace(weights=models.weights, safetensors=models.safetensors, sha256=_sha256, size_of=_size_of)


@pytest.fixture(scope="session")
def _family(tmp_path_factory) -> SimpleNamespace:
    files = models.family()
    folder = tmp_path_factory.mktemp("family") / "store"
    with Store.open(folder, create=True) as opened:
        for name, data in files.items():
            opened.bind(name, opened.add(BytesSource(data)).sha256)
    return SimpleNamespace(folder=folder, files=files)


@pytest.fixture
def family(_family, tmp_path) -> SimpleNamespace:
    """A store of a base, a fine-tune and a merge of it: its `folder`, and its `files`, bytes by name."""
    shutil.copytree(_family.folder, tmp_path / "family")
    return SimpleNamespace(folder=tmp_path / "family", files=_family.files)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _size_of(folder: Path) -> int:
    """Bytes in a store, without what is no part of it."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in files if path.relative_to(folder).parts[0] not in ("index", "tmp"))
