"""One training run, from a recipe and its data to a folder that people publish; begun, gone on with, or found done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from weighbridge.errors import OtherRunError, UsageError
from weighbridge.learn._json import read_object
from weighbridge.learn.data import Facts, Splits
from weighbridge.learn.evaluation.measure import tensors
from weighbridge.learn.networks import Network, Options, find
from weighbridge.learn.publish.model import publish
from weighbridge.learn.recipe import Recipe
from weighbridge.learn.record import Record
from weighbridge.learn.training import folder, pins, threads
from weighbridge.learn.training.board import Board
from weighbridge.learn.training.checkpoints import Checkpoints
from weighbridge.learn.training.events import Note, Tell, nobody
from weighbridge.learn.training.loop import Loop
from weighbridge.learn.training.losses import loss_for
from weighbridge.learn.training.order import Order
from weighbridge.learn.training.subject import Change, Subject, freeze_below_head, unchanged
from weighbridge.learn.training.trouble import told

Begin = Callable[[nn.Module, Network, Facts], dict[str, str]]
"""Puts starting weights into a module; returns what the lock says of them: `given` and `digest`."""


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended. `steps` were taken in all, `resumed` of them by earlier processes (None: it was done before)."""

    folder: Path
    steps: int
    resumed: int | None
    metrics: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Made:
    """The network of a run before its first step."""

    network: Network
    options: Options
    module: nn.Module
    start: dict[str, str] | None


def run(
    recipe: Recipe,
    splits: Splits,
    out: Path,
    *,
    source: str = "",
    begin: Begin | None = None,
    change: Change = unchanged,
    tell: Tell = nobody,
) -> Result:
    """Train by `recipe` on `splits` in the folder `out`, or go on where a run of the same recipe was ended.

    `source` is the recipe's text, kept as given. However a run is ended, running again goes on from the last checkpoint
    and comes to the same weights, bit for bit. The model's files appear when it is finished, and not before.

    Raises `OtherRunError`, `NotFiniteError`, `OutOfMemoryError`, `StorageFullError`, and `UsageError` for a recipe that
    does not fit the data.
    """
    splits = replace(splits, facts=_with_outputs(splits))
    with folder.held(out), told(out):
        lock = folder.begun(out, recipe)
        if lock is not None and lock["data"]["digest"] != splits.digest:
            raise OtherRunError("was begun with other data: samples or targets have changed since", where=str(out))
        if folder.finished(out):
            return Result(out, _steps(out), None, read_object(out / "metrics.json"))
        device = _device(recipe)
        made = _make(recipe, splits.facts, begin)
        made.module.to(device)
        lock = _pin(recipe, splits, made, device, out, lock, source, tell)
        torch.set_num_threads(lock["threads"])
        return _train(recipe, splits, out, made, device, lock, change, tell)


def _train(
    recipe: Recipe, splits: Splits, out: Path, made: _Made, device: torch.device, lock: dict[str, Any],
    change: Change, tell: Tell,
) -> Result:  # fmt: skip
    loop = Loop(_subject(recipe, splits, made, change), recipe, device)
    with Checkpoints.open(out / folder.CHECKPOINTS, keep=recipe.train.checkpoints.keep) as keeper:
        latest = keeper.latest()
        if latest is not None:
            loop.restore(latest)
            tell(Note(f"Going on after step {loop.progress.step} of {loop.plan.steps}."))
        elif not Board.available():
            tell(Note("TensorBoard is not installed: no event files are written."))
        resumed = loop.progress.step
        board = Board(out, resumed)
        try:
            with Record(out, loop.progress.record) as record:
                loop.run(keeper, record, board, tell)
        finally:
            board.close()
        chosen = _choose(recipe, loop, keeper)
    made.module.eval()
    metrics = publish(
        recipe, splits, out, network=made.network, options=made.options, module=made.module, lock=lock,
        steps=loop.progress.step, chosen=chosen,
    )  # fmt: skip
    return Result(out, loop.progress.step, resumed, metrics)


def _choose(recipe: Recipe, loop: Loop, keeper: Checkpoints) -> int:
    """Put the weights to publish into the module: the best where the recipe watches for them, else the last.

    Returns the step that they come from.
    """
    best = keeper.best() if recipe.train.stopping else None
    if best is None:
        return loop.progress.step
    loop.subject.module.load_state_dict(best["model"])
    return int(best["progress"]["step"])


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


def _make(recipe: Recipe, facts: Facts, begin: Begin | None) -> _Made:
    if recipe.train.what == "lora":
        raise UsageError("train.what is lora, which this version does not train yet", hint="Take all or head.")
    if recipe.start is not None and begin is None:
        raise UsageError(f"the recipe starts from {recipe.start!r}, and nothing here can load that")
    network, options = find(recipe.model.network, recipe.model.options)
    torch.manual_seed(recipe.train.seed)
    module = network.build(options, facts)
    start = begin(module, network, facts) if begin is not None and recipe.start is not None else None
    return _Made(network, options, module, start)


def _subject(recipe: Recipe, splits: Splits, made: _Made, change: Change) -> Subject:
    heads = freeze_below_head(made.network, made.module) if recipe.train.what == "head" else ()
    active = heads or (made.module,)
    layers = made.network.layers(made.module)
    return Subject(made.module, active, layers, splits.facts, splits.train, splits.validation, change)


def _pin(
    recipe: Recipe, splits: Splits, made: _Made, device: torch.device, out: Path, before: dict[str, Any] | None,
    source: str, tell: Tell,
) -> dict[str, Any]:  # fmt: skip
    """The lock: a new one, or that of the run which goes on."""
    count = before["threads"] if before else _threads(recipe, splits, made, device, tell)
    now = pins.pins(recipe, data=splits.digest, start=made.start, threads=count, device=device.type)
    if before is None:
        folder.begin(out, now, source)
        return now
    if before["start"] != now["start"]:
        raise OtherRunError("was begun with other starting weights", where=str(out))
    for difference in pins.moved_on(before, now):
        tell(Note(f"Since the run was begun, {difference}: the result may differ in bits."))
    return before


def _threads(recipe: Recipe, splits: Splits, made: _Made, device: torch.device, tell: Tell) -> int:
    given = recipe.hardware.threads
    if given != "auto":
        return given
    if device.type != "cpu":
        return 1
    (_, indices), *_rest = Order.of(recipe.train, len(splits.train)).batches(0)
    batch = tensors(splits.train.batch(indices), device)
    targets = tensors({"targets": splits.train.targets[indices]}, device)["targets"]
    loss = loss_for(splits.facts)

    def step(module: nn.Module) -> None:
        module.train()
        module.zero_grad()
        loss(module(**batch), targets).backward()  # type: ignore[no-untyped-call]

    chosen = threads.choose(made.module, step)
    tell(Note(f"{chosen} of {threads.cores()} threads, measured to be fastest."))
    return chosen


def _steps(out: Path) -> int:
    return int(read_object(out / folder.FACTS)["steps"])
