"""A published model on new inputs: pictures, rows of tables and texts, prepared as those that it learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from weighbridge.errors import FormatError, LimitError, NotFiniteError, PathNotFoundError
from weighbridge.learn.data import Facts
from weighbridge.learn.data.pictures import decode
from weighbridge.learn.data.preparing.images import ImagePreparation
from weighbridge.learn.evaluation import metrics, predict_table, predict_text
from weighbridge.learn.evaluation.evaluate import facts_of, load
from weighbridge.learn.evaluation.measure import tensors

MAX_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model says of one input. `likely`: classes with probabilities, the likeliest first; `values` are the
    numbers of a regression, `text` is how a text goes on."""

    given: str
    likely: tuple[tuple[str, float], ...] = ()
    values: tuple[float, ...] = ()
    text: str | None = None
    notes: tuple[str, ...] = ()
    """What a person should know of this input."""


def predict(folder: Path, inputs: Sequence[Path | str], *, top: int = 5) -> list[Prediction]:
    """What the model in `folder` says of each picture, of each text (a file of text, or the text itself), or of each
    row (of a table in a file, or an object of JSON)."""
    _, facts, preparation = facts_of(folder)
    if facts.kind == "text":
        return _of_texts(folder, facts, [str(each) for each in inputs], top)
    if facts.kind == "table":
        return _of_rows(folder, facts, preparation, [str(each) for each in inputs], top)
    return _of_pictures(folder, facts, preparation, [Path(each) for each in inputs], top)


def _of_texts(folder: Path, facts: Facts, inputs: Sequence[str], top: int) -> list[Prediction]:
    texts = [predict_text.read(given) for given in inputs]
    module = load(folder)
    if facts.task == "language":
        return [
            Prediction(given, text=predict_text.continued(module, text, facts))
            for given, text in zip(inputs, texts, strict=True)
        ]
    return [
        _told(given, predict_text.outputs(module, text, facts), facts.classes, top)
        for given, text in zip(inputs, texts, strict=True)
    ]


def _of_rows(
    folder: Path, facts: Facts, preparation: dict[str, Any], inputs: Sequence[str], top: int
) -> list[Prediction]:
    prepared = predict_table.preparation_of(preparation, folder)
    module = load(folder)
    return [
        replace(_told(each.given, each.outputs, facts.classes, top), notes=each.notes)
        for given in inputs
        for each in predict_table.ask(module, given, prepared)
    ]


def _of_pictures(
    folder: Path, facts: Facts, preparation: dict[str, Any], inputs: Sequence[Path], top: int
) -> list[Prediction]:
    try:
        prepared = ImagePreparation.from_json({key: each for key, each in preparation.items() if key != "kind"})
    except (KeyError, TypeError) as error:
        raise FormatError(f"says not how pictures are prepared ({error})", where=str(folder)) from None
    module = load(folder)
    found = []
    for path in inputs:
        image = prepared.frame(decode(_read(path), str(path)), str(path))
        batch = tensors({"pixels": prepared.finish(np.stack([image]))}, torch.device("cpu"))
        with torch.inference_mode():
            outputs = module(**batch).float().numpy()
        if not np.isfinite(outputs).all():
            raise NotFiniteError("the model's output is NaN or infinite", where=str(path))
        found.append(_told(str(path), outputs, facts.classes, top))
    return found


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise PathNotFoundError("there is no such file", where=str(path))
    if path.stat().st_size > MAX_BYTES:
        raise LimitError(f"has more than {MAX_BYTES:,} bytes, which no picture needs", where=str(path))
    return path.read_bytes()


def _told(given: str, outputs: np.ndarray, classes: tuple[str, ...], top: int) -> Prediction:
    if not classes:
        return Prediction(given, values=tuple(float(value) for value in outputs[0]))
    probabilities = metrics.softmax(outputs)[0]
    order = np.argsort(-probabilities, kind="stable")[:top]
    return Prediction(given, tuple((classes[index], float(probabilities[index])) for index in order))
