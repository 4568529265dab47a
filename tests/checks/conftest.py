"""Small checkpoints for checks, and fakes for what no honest writer produces."""

import json
from types import SimpleNamespace

import pytest

from weighbridge.checkpoint import open as open_checkpoint
from weighbridge.formats.safetensors import write
from weighbridge.tensors import BytesSource


@pytest.fixture
def folder_of(tmp_path):
    """A folder with these arrays in one file and these side files (text, bytes, or a value for JSON)."""

    def make(arrays=None, **side):
        folder = tmp_path / "model"
        folder.mkdir(exist_ok=True)
        if arrays is not None:
            write(folder / "model.safetensors", arrays)
        for name, content in side.items():
            path = folder / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                path.write_bytes(content)
            else:
                path.write_text(content if isinstance(content, str) else json.dumps(content))
        return folder

    return make


@pytest.fixture
def checkpoint_of(folder_of):
    """The folder of `folder_of`, open."""
    opened = []

    def make(arrays, **side):
        opened.append(open_checkpoint(folder_of(arrays, **side), allow_empty=True))
        return opened[-1]

    yield make
    for checkpoint in opened:
        checkpoint.close()


@pytest.fixture
def fake():
    """A checkpoint without tensors, whose files say what a test wants."""

    def make(files=None, broken=None, side_files=None, anomalies=()):
        sources = {name: BytesSource(b"", name) for name in files or {}}
        return SimpleNamespace(
            name="fake",
            files=files or {},
            broken=broken or {},
            sources=sources,
            side_files={name: BytesSource(data, name) for name, data in (side_files or {}).items()},
            given=sources,
            anomalies=anomalies,
            alternatives={},
            metadata={},
            items={}.items,
            values={}.values,
        )

    return make
