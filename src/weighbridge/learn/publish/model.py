"""A finished run's files: written beside, measured as a stranger would measure them, and only then put in place."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict
from hashlib import file_digest
from pathlib import Path
from typing import Any

from torch import nn

from weighbridge.learn import record
from weighbridge.learn._json import dump
from weighbridge.learn.data import Splits
from weighbridge.learn.evaluation.evaluate import LOCK
from weighbridge.learn.evaluation.measure import TRAIN_LIMIT, Measured, measure
from weighbridge.learn.evaluation.verdicts import verdict
from weighbridge.learn.networks import Network, Options
from weighbridge.learn.publish.beside import Beside
from weighbridge.learn.publish.card import card
from weighbridge.learn.publish.page import page
from weighbridge.learn.recipe import Recipe
from weighbridge.learn.transfer.lora import Adapter
from weighbridge.learn.transfer.moved import Moved
from weighbridge.provenance import FILE as PROVENANCE
from weighbridge.provenance import training_run

_PART = ".publishing"
ADAPTER = "adapter"
_LAST = "weighbridge.json"  # a folder is a model once this is there
_FOR_PEOPLE = ("README.md", "report.html")  # edited after a run: its provenance does not speak of them


def publish(
    recipe: Recipe, splits: Splits, out: Path, *, network: Network, options: Options, module: nn.Module,
    lock: dict[str, Any], steps: int, chosen: int,
    moved: Callable[[], Sequence[Moved]] = tuple, adapter: Adapter | None = None,
    beside: Beside | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Write a trained model's files into `out`. Returns what metrics.json holds.

    Metrics are those of the files: the model is loaded again from them. `chosen` is the step that the weights are of,
    `moved` tells what became of the starting weights. An `adapter` is saved by itself and added to the weights.
    `beside` is what training from nothing came to, where the recipe asks for that.
    """
    part = out / _PART
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    if adapter is not None:
        adapter.save(part / ADAPTER)
        module = adapter.merge()
    network.save(module, options, splits.facts, part)
    loaded = network.load(part).to(next(module.parameters()).device)
    measured = measure_splits(loaded, splits, recipe)
    judged = verdict(list(record.read(out)), measured, splits)
    metrics = _metrics(recipe, measured, chosen, judged.as_json() if judged else None)
    metrics["moved"] = [each.as_json() for each in moved()]
    if beside is not None:
        metrics["baseline"] = beside.as_json(metrics)
    texts = {
        "metrics.json": dump(metrics),
        "README.md": card(recipe, splits, metrics, lock),
        "report.html": page(recipe, splits, metrics, list(record.read(out)), beside),
        _LAST: dump(_facts(recipe, splits, network, options, steps, chosen)),
    }
    for name, text in texts.items():
        (part / name).write_text(text, encoding="utf-8")
    if adapter is not None:  # published alone, an adapter says too what it takes and how it was made
        (part / ADAPTER / _LAST).write_text(texts[_LAST], encoding="utf-8")
        (part / ADAPTER / LOCK).write_text(dump(lock), encoding="utf-8")
    statement = training_run(lock, metrics, _digests(part))
    (part / PROVENANCE).write_text(dump(statement.as_json()), encoding="utf-8")
    _put_in_place(part, out)
    return metrics


def measure_splits(module: nn.Module, splits: Splits, recipe: Recipe) -> dict[str, Measured]:
    """What is published of a model: the metrics of each split that has samples, of training samples some."""
    size = recipe.evaluate.batch_size
    found = {"train": measure(module, splits.train, splits.facts, size, TRAIN_LIMIT)}
    for name, samples in (("validation", splits.validation), ("test", splits.test)):
        if len(samples):
            found[name] = measure(module, samples, splits.facts, size)
    return found


def _metrics(recipe: Recipe, measured: dict[str, Measured], chosen: int, fit: dict[str, Any] | None) -> dict[str, Any]:
    """The metrics of the split that is most to be trusted (those that the recipe asks for), and all of all splits."""
    split = next(name for name in ("test", "validation", "train") if name in measured)
    found = measured[split].metrics
    return {
        "split": split,
        "metrics": {name: found[name] for name in recipe.evaluate.metrics or found if name in found},
        "samples": measured[split].samples,
        "step": chosen,
        "fit": fit,
        "splits": {name: each.as_json() for name, each in measured.items()},
    }


def _facts(
    recipe: Recipe, splits: Splits, network: Network, options: Options, steps: int, chosen: int
) -> dict[str, Any]:
    return {
        "weighbridge": 1,
        "name": recipe.name,
        "network": {"name": network.name, "options": options.model_dump(mode="json")},
        "facts": asdict(splits.facts),
        "preparation": splits.preparation,
        "steps": steps,
        "step": chosen,
    }


def _digests(part: Path) -> dict[str, str]:
    """SHA-256 in hex of every file that the run made, by its name in the folder."""
    found = {}
    for path in part.rglob("*"):
        name = path.relative_to(part).as_posix()
        if path.is_file() and name not in _FOR_PEOPLE:
            with path.open("rb") as file:
                found[name] = file_digest(file, "sha256").hexdigest()
    return found


def _put_in_place(part: Path, out: Path) -> None:
    """Move each file to its place, durably, the one that marks a finished run last."""
    shutil.rmtree(out / ADAPTER, ignore_errors=True)  # of a process that was killed in this place
    names = sorted((path.name for path in part.iterdir()), key=lambda name: (name == _LAST, name))
    for name in names:
        for path in [part / name] if (part / name).is_file() else sorted((part / name).iterdir()):
            with path.open("rb") as file:
                os.fsync(file.fileno())
        (part / name).replace(out / name)
    part.rmdir()
