"""Weighbridge: an open-source home for model weights.

A tour::

    import weighbridge as wb

    model = wb.open("model.safetensors")        # or a .pth, a GGUF, a folder: a mapping of lazy tensors
    model["embeddings.weight"].numpy()          # read only now; PyTorch files too, without torch, nothing executed
    report = wb.check("downloaded/")            # what is inside, and is it safe to open?
    store = wb.Store.open("weights", create=True)
    store.add(wb.FileSource("model.safetensors"))

Names are loaded when first used: importing weighbridge imports nothing heavy.
"""

from __future__ import annotations

from importlib import import_module

__version__ = "0.1.0"

_HOMES = {
    "Checkpoint": "weighbridge.checkpoint",
    "DType": "weighbridge.tensors",
    "FileSource": "weighbridge.tensors",
    "Finding": "weighbridge.report",
    "Outcome": "weighbridge.report",
    "Report": "weighbridge.report",
    "Severity": "weighbridge.report",
    "Store": "weighbridge.store",
    "TensorInfo": "weighbridge.tensors",
    "WeighbridgeError": "weighbridge.errors",
    "check": "weighbridge.checks",
    "open": "weighbridge.checkpoint",
}

__all__ = sorted([*_HOMES, "__version__"])


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'weighbridge' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
