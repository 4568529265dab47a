"""Libraries that only some sources need, imported when they are."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from weighbridge.errors import DataError

_PACKAGES = {"h5py": "h5py", "PIL": "pillow", "pyarrow": "pyarrow"}


def library(name: str) -> Any:
    """The module of that name. Raises `DataError` that says what to install."""
    try:
        return import_module(name)
    except ImportError as error:
        package = _PACKAGES[name.partition(".")[0]]
        raise DataError(
            f"reading this needs {package}: {error}", hint="Install it: python -m pip install 'weighbridge[learn]'"
        ) from error
