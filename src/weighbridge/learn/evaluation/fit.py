"""Over- or underfitting, in words, with the evidence: the gap, the shape of the curve, how sure against how right.

A verdict is drawn only from what the record carries. Where the samples held out are too few to tell a gap from chance,
it says that it cannot tell.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any, Literal

Kind = Literal["overfits", "underfits", "fits", "unclear"]

FEWEST = 20
"""Held-out samples below which no gap is told from chance."""
_RISE = 1.1  # held-out loss at the end beside its lowest
_GAP = 0.05  # of accuracy, or of r2
_LOSS_GAP = 1.5  # held-out loss beside training loss
_STILL_FALLING = 0.95  # training loss at the end beside that of three quarters of the way
_LEARNED = 0.5  # of what there is to learn: from the share of the commonest class to 1
_SURE = 0.1  # calibration error


@dataclass(frozen=True, slots=True)
class Verdict:
    """`sentence` for people, `evidence` that it rests on, and what to `try_`."""

    kind: Kind
    sentence: str
    evidence: tuple[str, ...]
    try_: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {**{key: value for key, value in asdict(self).items() if key != "try_"}, "try": list(self.try_)}


@dataclass(frozen=True, slots=True)
class Seen:
    """What a verdict is drawn from. `score` is accuracy or r2; `chance` what knowing nothing scores.

    Curves are losses over evaluations: of training samples, and of those held out (empty without validation).
    """

    train_score: float
    held_out_score: float
    chance: float
    train_loss: float
    held_out_loss: float
    samples: int
    ece: float | None = None
    train_curve: tuple[float, ...] = ()
    held_out_curve: tuple[float, ...] = ()
    score_name: str = "accuracy"
    pictures: bool = True
    """Whether samples can be changed at random, as pictures can."""


def curves(lines: Iterable[dict[str, Any]]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The losses of both splits over the evaluations of a record."""
    found: dict[str, list[float]] = {"train": [], "validation": []}
    for line in lines:
        if line.get("split") in found:
            found[line["split"]].append(line["metrics"]["loss"])
    return tuple(found["train"]), tuple(found["validation"])


def judge(seen: Seen) -> Verdict:
    """What the evidence says."""
    evidence = _evidence(seen)
    if seen.samples < FEWEST:
        said = (
            f"Cannot tell: {seen.samples} samples were held out, and {FEWEST} are the least to tell a gap from chance."
        )
        return Verdict("unclear", said, evidence, ("Hold out more samples: data.split.validation or data.test.",))
    if _overfits(seen):
        return Verdict("overfits", "It overfits: it knows its training samples much better than new ones.", evidence,
                       _against_overfitting(seen))  # fmt: skip
    if _underfits(seen):
        return Verdict("underfits", "It underfits: it does not know even its training samples well.", evidence,
                       _against_underfitting(seen))  # fmt: skip
    return Verdict("fits", "It fits: about as good on new samples as on those it learned from.", evidence,
                   _for_calibration(seen))  # fmt: skip


def _gap(seen: Seen) -> float:
    return seen.train_score - seen.held_out_score


def _chance_of_gap(seen: Seen) -> float:
    """Twice the standard error of the held-out score: what a gap of accuracy may be by chance."""
    if seen.score_name != "accuracy":
        return 0.0
    share = min(max(seen.held_out_score, 1 / seen.samples), 1 - 1 / seen.samples)
    return 2 * sqrt(share * (1 - share) / seen.samples)


def _overfits(seen: Seen) -> bool:
    gap = _gap(seen) > max(_GAP, _chance_of_gap(seen))
    worse = seen.held_out_loss > _LOSS_GAP * seen.train_loss
    return (gap and worse) or (_risen(seen) and worse)


def _risen(seen: Seen) -> bool:
    curve = seen.held_out_curve
    return len(curve) >= 3 and curve[-1] > _RISE * min(curve) and min(curve) not in curve[-2:]


def _underfits(seen: Seen) -> bool:
    learned = (seen.train_score - seen.chance) / max(1 - seen.chance, 1e-9)
    return learned < _LEARNED or (_falling(seen) and learned < (1 + _LEARNED) / 2)


def _falling(seen: Seen) -> bool:
    curve = seen.train_curve
    return len(curve) >= 4 and curve[-1] < _STILL_FALLING * curve[len(curve) * 3 // 4 - 1]


def _evidence(seen: Seen) -> tuple[str, ...]:
    name = seen.score_name
    told = [
        f"{name} {seen.train_score:.3f} on training samples, {seen.held_out_score:.3f} on {seen.samples:,} held out",
        f"knowing nothing scores {seen.chance:.3f}",
        f"loss {seen.train_loss:.3g} on training samples, {seen.held_out_loss:.3g} held out",
    ]
    if _risen(seen):
        lowest = seen.held_out_curve.index(min(seen.held_out_curve)) + 1
        told.append(
            f"held-out loss was lowest at evaluation {lowest} of {len(seen.held_out_curve)} "
            f"({min(seen.held_out_curve):.3g}) and rose to {seen.held_out_curve[-1]:.3g}"
        )
    if _falling(seen):
        told.append("training loss was still falling at the end")
    if seen.ece is not None:
        told.append(f"calibration error {seen.ece:.3f}: the mean distance of how sure it is from how often it is right")
    return tuple(told)


def _against_overfitting(seen: Seen) -> tuple[str, ...]:
    changed = ", or changed ones: data.image.augment" if seen.pictures else ""
    tips = [f"More training samples{changed}.", "Start from pre-trained weights: start."]
    tips += ["Stop where the held-out loss was lowest: train.stopping."] if _risen(seen) else []
    return (*tips, "A smaller network, dropout, or more train.optimizer.weight_decay.")


def _against_underfitting(seen: Seen) -> tuple[str, ...]:
    tips = (
        ["Train longer: its loss was still falling."] if _falling(seen) else ["Another train.optimizer.learning_rate."]
    )
    return (*tips, "A larger network, or less dropout and weight_decay.", "Inputs that tell more of the target.")


def _for_calibration(seen: Seen) -> tuple[str, ...]:
    if seen.ece is None or seen.ece <= _SURE:
        return ()
    return ("Its probabilities are off: calibrate them on held-out samples before you rely on them.",)
