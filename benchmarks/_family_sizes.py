"""What a model adds to a store that holds its relative, beside zipnn's delta mode and XOR with zstd."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from _file_sizes import object_bytes
from _files import tensors_of
from _peers import interleaved, main_tensors
from weighbridge.formats.safetensors import write
from weighbridge.store import Store
from weighbridge.tensors import FileSource

MODELS = {"minilm": "tuning", "efficientnet": "reporting"}
PAIRS = (
    ("fine-tune", "base-bf16", "tuned-bf16"),
    ("LoRA merge", "base-bf16", "lora-bf16"),
    ("checkpoints ten steps apart", "earlier-fp32", "tuned-fp32"),
    ("optimiser states ten steps apart", "optimizer-earlier-fp32", "optimizer-fp32"),
)


@dataclass(frozen=True)
class FamilySize:
    """Newly stored bytes / size of the second file; `to_zipnn` and `to_xor` are ours / theirs."""

    pair: str
    model: str
    role: str
    bytes: int
    weighbridge: float
    zipnn_delta: float | None
    xor_zstd: float | None
    to_zipnn: float | None
    to_xor: float | None


def family_sizes(folder: Path, scratch: Path, peers: str) -> Iterator[FamilySize]:
    for model, role in MODELS.items():
        for pair, base, tuned in PAIRS:
            paths = [folder / model / f"{name}.safetensors" for name in (base, tuned)]
            if all(path.exists() for path in paths):
                yield _pair(pair, model, role, *paths, scratch, peers)
            else:
                print(f"{model}, {pair}: needs {paths[1]}: python benchmarks/_families.py {folder}", file=sys.stderr)
        base_path = folder / model / "base-bf16.safetensors"
        if base_path.exists():
            yield from _again(model, role, base_path, scratch)


def _pair(pair: str, model: str, role: str, base: Path, tuned: Path, scratch: Path, peers: str) -> FamilySize:
    new = newly_stored(base, tuned, scratch / f"{model} {pair}")
    size = tuned.stat().st_size
    base_tensors, tensors = scratch / "base", scratch / "tensors"
    main_tensors(base, base_tensors)
    dtype, rest = main_tensors(tuned, tensors)
    theirs = interleaved(("zipnn-delta", "xor-zstd"), dtype, tensors, base_tensors, 1, peers)
    zipnn, xor = (theirs[name].packed + rest if name in theirs else None for name in ("zipnn-delta", "xor-zstd"))
    return FamilySize(
        pair, model, role, size, new / size, _share(zipnn, size), _share(xor, size), _of(new, zipnn), _of(new, xor)
    )


def newly_stored(base: Path, tuned: Path, folder: Path) -> int:
    """By how much a store with the base grows; nothing tells it that the two are related."""
    with Store.open(folder, create=True) as store:
        store.add(FileSource(base))
        before = object_bytes(folder)
        stored = store.add(FileSource(tuned))
        if b"".join(store.file(stored.sha256).iter_range()) != tuned.read_bytes():
            sys.exit(f"{tuned.name} came back as other bytes")
    return object_bytes(folder) - before


def _again(model: str, role: str, base: Path, scratch: Path) -> Iterator[FamilySize]:
    """The same tensors saved otherwise."""
    for pair, save in RESAVED.items():
        to = scratch / f"{model} {pair}".replace(" ", "-")
        save(tensors_of(base), to)
        size = to.stat().st_size
        new = newly_stored(base, to, scratch / f"{model} {pair} store")
        yield FamilySize(pair, model, role, size, new / size, None, None, None, None)


def _reordered(tensors: dict[str, np.ndarray], to: Path) -> None:
    write(to, dict(reversed(tensors.items())))


def _prefixed(tensors: dict[str, np.ndarray], to: Path) -> None:
    write(to, {f"model.{name}": values for name, values in tensors.items()})


def _half_of_it(tensors: dict[str, np.ndarray], to: Path) -> None:
    names = sorted(tensors)
    write(to, {name: tensors[name] for name in names[: len(names) // 2]})


def _as_pth(tensors: dict[str, np.ndarray], to: Path) -> None:
    import torch

    kept = {name: np.ascontiguousarray(values) for name, values in tensors.items()}
    torch.save({name: _torch(values) for name, values in kept.items()}, to)


def _torch(values: np.ndarray) -> object:
    import torch

    if values.dtype.name == "bfloat16":
        return torch.from_numpy(values.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(values)


RESAVED: dict[str, Callable[[dict[str, np.ndarray], Path], None]] = {
    "saved again as .pth": _as_pth,
    "tensors in another order": _reordered,
    "names with a prefix": _prefixed,
    "a shard of it": _half_of_it,
}


def _share(part: int | None, whole: int) -> float | None:
    return None if part is None else part / whole


def _of(ours: int, theirs: int | None) -> float | None:
    return None if theirs is None else ours / theirs
