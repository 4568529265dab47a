"""Predictors: what codec 6 takes a block to be, before it writes what is different.

A *recipe* is a predictor's number and its own fields, as they stand in a payload. Adding a predictor is writing its
fields down in spec/codecs.md, adding a module with its class, and naming it in `PREDICTORS`.
"""

from __future__ import annotations

from collections.abc import Sequence

from weighbridge.store.codecs.base import Buffer, damaged
from weighbridge.store.codecs.predictors.base import NUMBERS, Fields, Number, Predictor, number_of
from weighbridge.store.codecs.predictors.cast import Cast
from weighbridge.store.codecs.predictors.lowrank import Factors, LowRank
from weighbridge.store.codecs.predictors.same import Same

SAME, CAST, LOW_RANK = Same(), Cast(), LowRank()
PREDICTORS: tuple[Predictor, ...] = (SAME, CAST, LOW_RANK)

__all__ = [
    "CAST",
    "LOW_RANK",
    "NUMBERS",
    "PREDICTORS",
    "SAME",
    "Cast",
    "Factors",
    "Fields",
    "LowRank",
    "Number",
    "Predictor",
    "Same",
    "number_of",
    "predict",
]

_BY_ID = {predictor.id: predictor for predictor in PREDICTORS}


def predict(fields: Fields, number: Number, length: int, references: Sequence[Buffer]) -> Buffer:
    """What the recipe at the front of `fields` makes of the references; it is taken from there."""
    chosen = fields.number(1)
    if chosen not in _BY_ID:
        raise damaged("delta", f"it names predictor {chosen}, which we do not know")
    return _BY_ID[chosen].predict(fields, number, length, references)
