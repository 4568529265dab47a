"""One training run, from a recipe and its data to a folder that people publish; begun, gone on with, or found done."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from weighbridge.documents.licences import declared_beside
from weighbridge.errors import OtherRunError, UsageError
from weighbridge.learn._json import read_object
from weighbridge.learn.data import Facts, Splits, prepare_text
from weighbridge.learn.evaluation.measure import tensors
from weighbridge.learn.networks.tokenizers import tokenizer_of
from weighbridge.learn.publish.model import publish
from weighbridge.learn.recipe import Recipe
from weighbridge.learn.record import Record
from weighbridge.learn.start import Start
from weighbridge.learn.training import folder, pins, threads
from weighbridge.learn.training.board import Board
from weighbridge.learn.training.comparing import compare, forget
from weighbridge.learn.training.events import Note, Tell, nobody
from weighbridge.learn.training.frozen import Frozen
from weighbridge.learn.training.loop import Loop
from weighbridge.learn.training.losses import loss_for
from weighbridge.learn.training.made import Made, make
from weighbridge.learn.training.order import Order
from weighbridge.learn.training.promises import ensure_kept
from weighbridge.learn.training.subject import Change, freezes, unchanged
from weighbridge.learn.training.taking import subject_of, take_steps
from weighbridge.learn.training.trouble import told

FEATURES = f"{folder.LOCAL}/features"
_MEASURED = 8
"""Samples on which the body is timed to choose the number of threads."""


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended. `steps` were taken in all, `resumed` of them by earlier processes (None: it was done before)."""

    folder: Path
    steps: int
    resumed: int | None
    metrics: dict[str, Any]


def run(
    recipe: Recipe,
    splits: Splits,
    out: Path,
    *,
    source: str = "",
    where: Path = Path(),
    start: Start | None = None,
    change: Change = unchanged,
    tell: Tell = nobody,
) -> Result:
    """Train by `recipe` on `splits` in the folder `out`, or go on where a run of the same recipe was ended.

    `source` is the recipe's text, kept as given, `where` the folder that its paths start from; `start` the recipe's
    starting weights, found and scanned. However a run is ended, running again goes on from the last checkpoint and
    comes to the same weights, bit for bit. The model's files appear when it is finished, and not before.

    Raises `OtherRunError`, `NotFiniteError`, `OutOfMemoryError`, `StorageFullError`, and `UsageError` for a recipe that
    does not fit the data.
    """
    splits = replace(splits, facts=_with_outputs(splits))
    ensure_kept(recipe, splits.facts)
    with folder.held(out), told(out):
        lock = folder.begun(out, recipe)
        if lock is not None and lock["data"]["digest"] != splits.digest:
            raise OtherRunError("was begun with other data: samples or targets have changed since", where=str(out))
        if folder.finished(out):
            return Result(out, _steps(out), None, read_object(out / "metrics.json"))
        device = _device(recipe)
        folder.keep_place(out, recipe, where.absolute())
        made = make(recipe, splits.facts, start)
        if (tokenizer := tokenizer_of(made.module)) is not None:
            splits = prepare_text(splits, tokenizer)
        for each in made.notes():
            tell(Note(each))
        made.module.to(device)
        lock = _pin(recipe, splits, made, device, out, lock, source, where, tell)
        torch.set_num_threads(lock["threads"])
        return _train(recipe, splits, out, made, device, lock, change, tell)


def _train(
    recipe: Recipe, splits: Splits, out: Path, made: Made, device: torch.device, lock: dict[str, Any],
    change: Change, tell: Tell,
) -> Result:  # fmt: skip
    frozen = Frozen.of(made, splits, out / FEATURES, tell) if freezes(recipe, made.network, made.module) else None
    if not Board.available():
        tell(Note("TensorBoard is not installed: no event files are written."))
    if frozen is not None and recipe.train.optimizer.name == "lbfgs":
        steps, resumed = _fit(frozen, recipe, splits, out, tell), 0
        chosen = steps
    else:
        subject = frozen.subject(splits) if frozen else subject_of(recipe, splits, made, change)
        steps, resumed, chosen = take_steps(Loop(subject, recipe, device), recipe, out, tell)
    made.module.eval()
    beside = compare(recipe, splits, out, made, device, change, tell) if recipe.train.baseline else None
    metrics = publish(
        recipe, splits, out, network=made.network, options=made.options, module=made.module, lock=lock, steps=steps,
        chosen=chosen, moved=made.moved, adapter=made.adapter, beside=beside,
    )  # fmt: skip
    shutil.rmtree(out / FEATURES, ignore_errors=True)
    forget(out)
    return Result(out, steps, resumed, metrics)


def _fit(frozen: Frozen, recipe: Recipe, splits: Splits, out: Path, tell: Tell) -> int:
    board = Board(out, 0)
    try:
        with Record(out) as record:
            return frozen.fit(recipe, splits, record, board, tell)
    finally:
        board.close()


def _with_outputs(splits: Splits) -> Facts:
    targets = splits.train.targets
    several = splits.facts.task == "regression" and targets.ndim > 1
    return replace(splits.facts, outputs=targets.shape[1]) if several else splits.facts


def _device(recipe: Recipe) -> torch.device:
    wanted = recipe.hardware.device
    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise UsageError("hardware.device is cuda, and torch finds no GPU", hint="Set hardware.device to auto or cpu.")
    if wanted == "cpu" or not there:
        return torch.device("cpu")
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True, warn_only=True)
    return torch.device("cuda")


def _pin(
    recipe: Recipe, splits: Splits, made: Made, device: torch.device, out: Path, before: dict[str, Any] | None,
    source: str, where: Path, tell: Tell,
) -> dict[str, Any]:  # fmt: skip
    """The lock: a new one, or that of the run which goes on."""
    count = before["threads"] if before else _threads(recipe, splits, made, device, tell)
    now = pins.pins(
        recipe, data=splits.digest, origin=splits.origin, start=made.pinned(), threads=count, device=device.type,
        licence=declared_beside(where / recipe.data.path),
    )  # fmt: skip
    if before is None:
        folder.begin(out, now, source)
        return now
    if _without_licence(before["start"]) != _without_licence(now["start"]):
        raise OtherRunError("was begun with other starting weights", where=str(out))
    for difference in pins.moved_on(before, now):
        tell(Note(f"Since the run was begun, {difference}: the result may differ in bits."))
    return before


def _without_licence(start: dict[str, str] | None) -> dict[str, str]:
    """What makes starting weights those and no others: a card that was edited meanwhile is no matter."""
    return {key: value for key, value in (start or {}).items() if key != "licence"}


def _threads(recipe: Recipe, splits: Splits, made: Made, device: torch.device, tell: Tell) -> int:
    given = recipe.hardware.threads
    if given != "auto":
        return given
    if device.type != "cpu":
        return 1
    step = _body_step if freezes(recipe, made.network, made.module) else _training_step
    chosen = threads.choose(made.module, step(recipe, splits, made, device))
    tell(Note(f"{chosen} of {threads.cores()} threads, measured to be fastest."))
    return chosen


def _training_step(recipe: Recipe, splits: Splits, made: Made, device: torch.device) -> Callable[[nn.Module], None]:
    (_, indices), *_rest = Order.of(recipe.train, len(splits.train)).batches(0)
    batch = tensors(splits.train.batch(indices), device)
    targets = tensors({"targets": splits.train.targets[indices]}, device)["targets"]
    loss = loss_for(splits.facts)

    def step(module: nn.Module) -> None:
        module.train()
        module.zero_grad()
        loss(module(**batch), targets).backward()  # type: ignore[no-untyped-call]

    return step


def _body_step(_recipe: Recipe, splits: Splits, made: Made, device: torch.device) -> Callable[[nn.Module], None]:
    batch = tensors(splits.train.batch(np.arange(min(len(splits.train), _MEASURED))), device)

    def step(module: nn.Module) -> None:
        module.eval()
        with torch.inference_mode():
            made.network.features(module, batch)

    return step


def _steps(out: Path) -> int:
    return int(read_object(out / folder.FACTS)["steps"])
