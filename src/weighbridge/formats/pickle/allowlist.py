"""The names that a checkpoint may import.

A permit promises: importing this name is harmless, and so is calling it, in the ways the permit names, with any
arguments that are themselves permitted, and setting any state on what it gives. Where that holds for some arguments
only, the permit names a rule that looks at them. A name that is not here is never called safe.

What may be called has its exact name here. There is no "everything in torch": ``torch.hub.load`` is in torch. Classes
of well-known packages may be made without running their ``__init__``, and their functions named, by the package's or
module's name (`_families`): those entries rest on what the package is for, and not on a reading of every class.
"""

from __future__ import annotations

from weighbridge.formats.pickle._families import family_permit
from weighbridge.formats.pickle._permits_data import DATA
from weighbridge.formats.pickle._permits_python import PYTHON
from weighbridge.formats.pickle._permits_science import SCIENCE
from weighbridge.formats.pickle._permits_torch import TORCH
from weighbridge.formats.pickle._permits_yolo import YOLO
from weighbridge.formats.pickle.permit import Permit

VERSION = 2
"""Counts up with every change of what is allowed: a verdict is reproducible by it."""

ALLOWLIST: dict[tuple[str, str], Permit] = {**PYTHON, **SCIENCE, **DATA, **TORCH, **YOLO}


def permit_for(module: str, name: str) -> Permit | None:
    """The permit of exactly this name, or what its family allows, or None."""
    return ALLOWLIST.get((module, name)) or family_permit(module, name)
