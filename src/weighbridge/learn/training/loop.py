"""The loop: steps, evaluations, checkpoints. All that it draws at random follows from the seed and the step's number,
so a run that goes on from a checkpoint takes the same steps to the bit."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from math import ceil, isfinite
from typing import Any

import torch
from torch import Tensor, nn

from weighbridge.errors import NotFiniteError, UsageError
from weighbridge.learn.data import Indices
from weighbridge.learn.evaluation.measure import measure, tensors
from weighbridge.learn.evaluation.metrics import KNOWN
from weighbridge.learn.recipe import Recipe
from weighbridge.learn.record import Record
from weighbridge.learn.training import faults, optimisers, schedules
from weighbridge.learn.training.board import Board
from weighbridge.learn.training.checkpoints import Checkpoints
from weighbridge.learn.training.events import Evaluated, Step, Tell
from weighbridge.learn.training.losses import loss_for
from weighbridge.learn.training.order import Order
from weighbridge.learn.training.precision import Precision
from weighbridge.learn.training.restore import restore_optimizer
from weighbridge.learn.training.stopping import Best
from weighbridge.learn.training.subject import Subject
from weighbridge.learn.training.weights import distributions

WATCHED = 256
"""So many training samples are measured beside the validation split, to see the gap between them."""
_SMALLEST_SCALE = 2.0**-8


@dataclass(frozen=True, slots=True)
class Plan:
    """How long, and how often what is done besides. A run evaluates at its last step too."""

    steps: int
    evaluate_every: int
    checkpoint_every: int

    @classmethod
    def of(cls, recipe: Recipe, order: Order) -> Plan:
        spec = recipe.train
        steps = spec.steps or order.steps_in(spec.epochs or 1)
        evaluate = recipe.evaluate.every or max(ceil(order.batches_per_epoch / order.accumulate), 1)
        return cls(steps, evaluate, spec.checkpoints.every or evaluate)


@dataclass(slots=True)
class Progress:
    """Where a run is; what a checkpoint keeps besides weights and optimiser."""

    step: int = 0
    seconds: float = 0.0
    record: int = 0
    done: bool = False
    best: Best = field(default_factory=lambda: Best("loss"))


class Loop:
    """One run over its `subject`. `keeper` keeps its checkpoints, `record` what happened."""

    def __init__(self, subject: Subject, recipe: Recipe, device: torch.device) -> None:
        self.subject = subject
        self.recipe = recipe
        self.spec = recipe.train
        self.order = Order.of(self.spec, len(subject.train))
        self.plan = Plan.of(recipe, self.order)
        self.device = device
        self.precision = Precision.of(self.spec.precision, device)
        self.optimizer = optimisers.build(self.spec.optimizer, subject.module, subject.layers)
        self.parameters = [each for each in subject.module.parameters() if each.requires_grad]
        self.loss = loss_for(subject.facts, self.spec.label_smoothing)
        self.progress = Progress(best=Best(_watched_metric(recipe, subject)))

    def state(self) -> dict[str, Any]:
        """All that going on needs, bit for bit."""
        progress = {**asdict(self.progress), "best": asdict(self.progress.best)}
        return {
            "model": self.subject.module.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.precision.state(),
            "progress": progress,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.subject.module.load_state_dict(state["model"])
        restore_optimizer(self.optimizer, state["optimizer"])
        self.precision.restore(state["scaler"])
        values = dict(state["progress"])
        self.progress = Progress(**{**values, "best": Best(**values["best"])})

    def run(self, keeper: Checkpoints, record: Record, board: Board, tell: Tell) -> None:
        """Train to the end. Raises `NotFiniteError`; whatever ends it early, the last checkpoint is whole."""
        began = time.perf_counter() - self.progress.seconds
        self.subject.to_training()
        while not self.progress.done:
            step = self.progress.step
            rate = self.spec.optimizer.learning_rate * schedules.factor(self.spec.schedule, step, self.plan.steps)
            loss = self._step(step, rate)
            self.progress.step = step + 1
            self.progress.seconds = time.perf_counter() - began
            self._tell_step(loss, rate, record, board, tell)
            self._after_step(keeper, record, board, tell)

    def _tell_step(self, loss: float, rate: float, record: Record, board: Board, tell: Tell) -> None:
        now = self.progress
        epoch = self.order.epoch(now.step)
        record.add(step=now.step, epoch=round(epoch, 6), loss=loss, rate=rate, seconds=round(now.seconds, 4))
        board.scalars(now.step, {"loss": loss, "learning_rate": rate})
        tell(Step(now.step, self.plan.steps, epoch, loss, rate, now.seconds))

    def _after_step(self, keeper: Checkpoints, record: Record, board: Board, tell: Tell) -> None:
        now, last = self.progress, self.progress.step >= self.plan.steps
        better = False
        if last or now.step % self.plan.evaluate_every == 0:
            better = self._evaluate(record, board, tell)
            patience = self.spec.stopping and self.spec.stopping.patience
            last = last or bool(patience and now.best.exhausted(patience))
        now.done = last
        if last or better or now.step % self.plan.checkpoint_every == 0:
            now.record = record.secure()
            keeper.save(now.step, self.state(), best=better)

    def _evaluate(self, record: Record, board: Board, tell: Tell) -> bool:
        """Measure on both splits, write it down. Whether the weights are the best so far."""
        now, better = self.progress, False
        place = {"step": now.step, "epoch": round(self.order.epoch(now.step), 6), "seconds": round(now.seconds, 4)}
        for split, samples in (("train", self.subject.train), ("validation", self.subject.validation)):
            if not len(samples):
                continue
            limit = WATCHED if split == "train" else None
            try:
                size = self.recipe.evaluate.batch_size
                found = measure(self.subject.module, samples, self.subject.facts, size, limit).metrics
            except NotFiniteError as error:
                raise error.at(f"{split} split, after step {now.step}") from None
            record.add(**place, split=split, metrics=found)
            board.scalars(now.step, found, split)
            tell(Evaluated(now.step, split, found))
            if split == "validation":
                now.best = now.best.after(found[now.best.metric], now.step)
                better = now.best.step == now.step
        record.add(**place, weights=distributions(self.subject.module))
        record.flush()
        return better

    def _step(self, step: int, rate: float) -> float:
        """One step of the optimiser. Returns the loss of its batches."""
        optimisers.set_rate(self.optimizer, rate)
        batches = [(number, indices, self._batch(number, indices)) for number, indices in self.order.batches(step)]
        count = sum(len(indices) for _, indices, _ in batches)

        def gradients() -> Tensor:
            self.optimizer.zero_grad(set_to_none=True)
            parts = [self._backward(*batch, len(batch[1]) / count) for batch in batches]
            return torch.stack(parts).sum()

        if self.spec.optimizer.name == "lbfgs":
            loss = float(self.optimizer.step(gradients))  # type: ignore[arg-type]
            self._ensure_finite(step, batches, loss, 0.0)
            return loss
        loss = float(gradients())
        scaler = self.precision.scaler
        if scaler:
            scaler.unscale_(self.optimizer)
        norm = float(nn.utils.clip_grad_norm_(self.parameters, self.spec.clip or float("inf")))
        if scaler is None or scaler.get_scale() < _SMALLEST_SCALE:
            self._ensure_finite(step, batches, loss, norm)
        else:
            self._ensure_finite(step, batches, loss, 0.0)  # float16 overflows now and then: such steps are skipped
        if scaler:
            scaler.step(self.optimizer)
            scaler.update()
        else:
            self.optimizer.step()
        return loss

    def _batch(self, number: int, indices: Indices) -> dict[str, Tensor]:
        batch = self.subject.train.batch(indices)
        return tensors(self.subject.change(batch, self.order.changes(number)), self.device)

    def _backward(self, number: int, indices: Indices, batch: dict[str, Tensor], share: float) -> Tensor:
        torch.manual_seed(self.order.torch_seed(number))
        targets = tensors({"targets": self.subject.train.targets[indices]}, self.device)["targets"]
        with self.precision.autocast():
            loss = self.loss(self.subject.module(**batch), targets) * share
        (self.precision.scaler.scale(loss) if self.precision.scaler else loss).backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    def _ensure_finite(self, step: int, batches: list[Any], loss: float, norm: float) -> None:
        if isfinite(loss) and isfinite(norm):
            return
        numbers = {id(batch): number for number, _, batch in batches}

        def again(batch: dict[str, Tensor], indices: Indices) -> Tensor:
            return self._backward(numbers[id(batch)], indices, batch, 1.0)

        raise faults.explain(
            self.subject.module, [(indices, batch) for _, indices, batch in batches], again, step=step + 1
        )


def _watched_metric(recipe: Recipe, subject: Subject) -> str:
    stopping = recipe.train.stopping
    if stopping is None:
        return "loss"
    known = KNOWN[subject.facts.task]
    if stopping.metric not in known:
        raise UsageError(f"train.stopping.metric is {stopping.metric!r}", hint=f"Known are: {', '.join(known)}.")
    if not len(subject.validation):
        raise UsageError(
            "train.stopping needs samples to validate on, and the data leaves none", hint="Set data.split.validation."
        )
    return stopping.metric
