"""What is other here than where a model was made, in words, before work begins."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import torch

from weighbridge.checkpoint import open as open_checkpoint
from weighbridge.errors import UsageError
from weighbridge.learn._json import read_object
from weighbridge.learn.evaluation.evaluate import LOCK
from weighbridge.learn.recipe import Recipe
from weighbridge.learn.start import Start
from weighbridge.learn.start.digest import tensors_digest
from weighbridge.learn.training import pins


def lock_of(folder: Path) -> dict[str, Any]:
    """What a model depends on, as was pinned. Raises `PathNotFoundError` for a folder without a lock."""
    return read_object(folder / LOCK)


def differences(lock: dict[str, Any], recipe: Recipe) -> tuple[str, ...]:
    """Versions, machine and code that are other here: any of them may give other bits."""
    now = pins.pins(recipe, data="", start=None, threads=int(lock.get("threads", 1)), device=_device(recipe))
    return tuple(pins.moved_on(lock, now))


def machine(recipe: Recipe, lock: dict[str, Any]) -> dict[str, str]:
    """This machine in words: kind, instructions, device, threads, and the versions that matter most."""
    now = pins.pins(recipe, data="", start=None, threads=int(lock.get("threads", 1)), device=_device(recipe))
    told = {name: str(now["machine"][name]) for name in ("architecture", "instructions")}
    told |= {"system": platform.system(), "device": str(now["device"]), "threads": str(now["threads"])}
    return told | {name: str(now["versions"][name]) for name in ("torch", "python") if name in now["versions"]}


def _device(recipe: Recipe) -> str:
    return "cuda" if recipe.hardware.device != "cpu" and torch.cuda.is_available() else "cpu"


def ensure_same_weights(lock: dict[str, Any], start: Start | None) -> None:
    """Raises `UsageError` where the starting weights are not those that the lock pins."""
    pinned = (lock.get("start") or {}).get("digest")
    if pinned is None or start is None:
        return
    with open_checkpoint(start.path) as checkpoint:
        found = tensors_digest(checkpoint)
    if found != pinned:
        raise UsageError(
            f"these starting weights are others: their digest is {found[:16]}…, and the lock pins {pinned[:16]}…",
            where=str(start.path),
            hint="Say by --start where the right ones lie.",
        )
