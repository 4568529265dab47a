"""The loop run from its last checkpoint to its end, and the weights chosen that are published."""

from __future__ import annotations

from pathlib import Path

from weighbridge.learn.data import Splits
from weighbridge.learn.recipe import Recipe
from weighbridge.learn.record import Record
from weighbridge.learn.training import folder
from weighbridge.learn.training.board import Board
from weighbridge.learn.training.checkpoints import Checkpoints
from weighbridge.learn.training.events import Note, Tell
from weighbridge.learn.training.loop import Loop
from weighbridge.learn.training.made import Made
from weighbridge.learn.training.subject import Change, Subject, freeze_below_head


def subject_of(recipe: Recipe, splits: Splits, made: Made, change: Change) -> Subject:
    """What a loop trains: the module, frozen below its head where the recipe says so, on these samples."""
    heads = freeze_below_head(made.network, made.module) if recipe.train.what == "head" else ()
    active = heads or (made.module,)
    layers = made.network.layers(made.module)
    return Subject(made.module, active, layers, splits.facts, splits.train, splits.validation, change)


def take_steps(loop: Loop, recipe: Recipe, out: Path, tell: Tell) -> tuple[int, int, int]:
    """Run the loop from its last checkpoint on. Returns the steps in all, those of before, and the chosen one."""
    with Checkpoints.open(out / folder.CHECKPOINTS, keep=recipe.train.checkpoints.keep) as keeper:
        latest = keeper.latest()
        if latest is not None:
            loop.restore(latest)
            tell(Note(f"Going on after step {loop.progress.step} of {loop.plan.steps}."))
        resumed = loop.progress.step
        board = Board(out, resumed)
        try:
            with Record(out, loop.progress.record) as record:
                loop.run(keeper, record, board, tell)
        finally:
            board.close()
        return loop.progress.step, resumed, _choose(recipe, loop, keeper)


def _choose(recipe: Recipe, loop: Loop, keeper: Checkpoints) -> int:
    """Put the weights to publish into the module: the best where the recipe watches for them, else the last.

    Returns the step that they come from.
    """
    best = keeper.best() if recipe.train.stopping else None
    if best is None:
        return loop.progress.step
    loop.subject.module.load_state_dict(best["model"])
    return int(best["progress"]["step"])
