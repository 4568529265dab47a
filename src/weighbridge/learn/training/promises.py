"""What a recipe may ask for and this version does not do: refused before work begins, never passed over."""

from __future__ import annotations

from weighbridge.errors import UsageError
from weighbridge.learn.data import Facts
from weighbridge.learn.evaluation.metrics import KNOWN
from weighbridge.learn.recipe import Recipe


def ensure_kept(recipe: Recipe, facts: Facts) -> None:
    """Raises `UsageError` for the first thing in a recipe that a run would not do."""
    known = KNOWN[facts.task]
    unknown = [name for name in recipe.evaluate.metrics if name not in known]
    if unknown:
        raise UsageError(
            f"evaluate.metrics: {', '.join(unknown)} is not known for {facts.task}",
            hint=f"There are {', '.join(known)}.",
        )
    if recipe.data.image.augment and facts.kind != "image":
        raise UsageError(
            f"data.image.augment changes pictures, and this data is {facts.kind}", hint="Leave it out of the recipe."
        )
    if recipe.train.baseline and recipe.start is None:
        raise UsageError(
            "train.baseline compares with training from nothing, and this recipe starts from nothing",
            hint="Leave it out, or say where to start from: start.",
        )
    if recipe.hardware.processes > 1:
        raise UsageError("hardware.processes: this version trains in one process", hint="Leave it out, or set it to 1.")
    if recipe.hardware.sharding != "none":
        raise UsageError("hardware.sharding: this version does not shard a network", hint="Leave it out, or set none.")
