"""What a run depends on besides its recipe: data, starting weights, versions, threads, instruction sets, code."""

from __future__ import annotations

import os
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from blake3 import blake3

from weighbridge import __version__
from weighbridge.learn.recipe import Recipe

FILE = "recipe.lock.json"
_PACKAGES = ("torch", "numpy", "safetensors", "transformers", "timm", "peft", "accelerate")
_CAPS = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "MKL_CBWR", "CUBLAS_WORKSPACE_CONFIG")


def pins(
    recipe: Recipe,
    *,
    data: str,
    start: dict[str, str] | None,
    threads: int,
    device: str,
    origin: str | None = None,
    licence: str = "",
) -> dict[str, Any]:
    """The lock of a run, as JSON values. Two runs of equal locks on the same kind of machine give the same bits.

    `origin` is ``org/name@commit`` of a dataset on a hub, `licence` what the card of the data declares.
    """
    return {
        "lock": 1,
        "recipe": public(recipe),
        "data": {"digest": data} | ({"hub": origin} if origin else {}) | ({"licence": licence} if licence else {}),
        "start": start,
        "seed": recipe.train.seed,
        "threads": threads,
        "device": device,
        "machine": {
            "architecture": platform.machine(),
            "instructions": torch.backends.cpu.get_cpu_capability(),
            "caps": {name: os.environ[name] for name in _CAPS if name in os.environ},
        },
        "versions": {"weighbridge": __version__, "python": platform.python_version(), **_versions()},
        "code": code_digest(),
    }


def public(recipe: Recipe) -> dict[str, Any]:
    """The recipe as JSON values without folders of this machine: of a path from the root its last part. What lies
    there is pinned by digests."""
    values = recipe.model_dump(mode="json")
    for part, name in ((values, "start"), (values["data"], "path"), (values["data"], "test")):
        if part[name] is not None and Path(part[name]).expanduser().is_absolute():
            part[name] = Path(part[name]).name
    return values


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@cache
def code_digest() -> str:
    """BLAKE3 over names and contents of the source files of `weighbridge.learn`."""
    root = Path(__file__).resolve().parent.parent
    hasher = blake3()
    for path in sorted(root.rglob("*.py")):
        data = path.read_bytes()
        hasher.update(f"{path.relative_to(root).as_posix()}\0{len(data)}\0".encode() + data)
    return hasher.hexdigest()


def moved_on(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """In words, what of versions, machine and code is other than in a lock."""
    told = [
        f"{name} was {old}, is {now['versions'].get(name, 'not installed')}"
        for name, old in before.get("versions", {}).items()
        if now["versions"].get(name) != old
    ]
    told += [
        f"{name} was {before.get(name)}, is {now[name]}"
        for name in ("machine", "device")
        if before.get(name) != now[name]
    ]
    return told + (["the code of weighbridge.learn has changed"] if before.get("code") != now["code"] else [])
