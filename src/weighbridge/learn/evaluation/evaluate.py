"""A published model measured again, on the split that its metrics are of or on any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from weighbridge.errors import FormatError, UsageError
from weighbridge.learn._json import read_object
from weighbridge.learn.data import Facts, Splits, prepare_text
from weighbridge.learn.evaluation.measure import TRAIN_LIMIT, Measured, measure
from weighbridge.learn.networks import Network, find
from weighbridge.learn.networks.tokenizers import tokenizer_of

FACTS, LOCK, METRICS = "weighbridge.json", "recipe.lock.json", "metrics.json"


def facts_of(folder: Path) -> tuple[Network, Facts, dict[str, Any]]:
    """The network, facts and preparation that a published folder says it was made with."""
    path = folder / FACTS
    held = read_object(path)
    try:
        network, _ = find(held["network"]["name"], held["network"]["options"])
        facts = dict(held["facts"])
        facts.update({key: tuple(facts[key]) for key in ("shape", "classes", "columns")})
        return network, Facts(**facts), dict(held["preparation"])
    except (KeyError, TypeError) as error:
        raise FormatError(f"is no description of a trained model ({error})", where=str(path)) from None


def load(folder: Path) -> nn.Module:
    """The published model, in evaluation mode, with as many threads set as it was trained with."""
    network, _, _ = facts_of(folder)
    threads = read_object(folder / LOCK).get("threads") if (folder / LOCK).is_file() else None
    if isinstance(threads, int) and 1 <= threads <= 1024:
        torch.set_num_threads(threads)
    return network.load(folder)


def evaluate(folder: Path, splits: Splits, split: str | None = None) -> Measured:
    """Measure the model in `folder` on a split of this data: the same digits on every run on the same kind of CPU.

    Without `split`, the one that its published metrics are of. Raises `UsageError` where that has no samples or the
    data is of another shape.
    """
    _, facts, _ = facts_of(folder)
    if (splits.facts.task, splits.facts.shape) != (facts.task, facts.shape):
        found, fits = (f"{each.task} of inputs {each.shape}" for each in (splits.facts, facts))
        raise UsageError(f"the data is {found}, and the model was made for {fits}", where=str(folder))
    chosen = split or str(read_object(folder / METRICS).get("split"))
    if chosen not in ("train", "validation", "test"):
        raise UsageError(f"there is no split {chosen!r}", hint="There are train, validation and test.")
    module = load(folder)
    if (tokenizer := tokenizer_of(module)) is not None:
        splits = prepare_text(splits, tokenizer)
    limit = TRAIN_LIMIT if chosen == "train" else None
    return measure(module, getattr(splits, chosen), facts, _batch_size(folder), limit)


def _batch_size(folder: Path) -> int:
    """That of the recipe: another would sum in another order."""
    size = read_object(folder / LOCK).get("recipe", {}).get("evaluate", {}).get("batch_size")
    return size if isinstance(size, int) and size > 0 else 256
