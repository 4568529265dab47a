"""What training from nothing came to on the same data in the same steps, beside a model that had starting weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from weighbridge.figures import Figure, Line, lines

_BETTER_HIGH = ("balanced_accuracy", "accuracy", "r2")


@dataclass(frozen=True, slots=True)
class Beside:
    """`splits` are as metrics.json has them, by name; `record` is the lines of that run, `steps` how many it took."""

    steps: int
    splits: Mapping[str, Mapping[str, Any]]
    record: Sequence[Mapping[str, Any]]

    def as_json(self, metrics: Mapping[str, Any]) -> dict[str, Any]:
        """`metrics` are those of the model with starting weights. No times: they are other in each run."""
        return {"steps": self.steps, "splits": dict(self.splits), "said": self._said(metrics)}

    def curves(self, record: Sequence[Mapping[str, Any]]) -> dict[str, Figure]:
        """Figures by metric: validation samples (else training samples) over steps, with and without a start."""
        split = "validation" if any(line.get("split") == "validation" for line in record) else "train"
        ours, theirs = (_evaluated(each, split) for each in (record, self.record))
        if not ours or not theirs:
            return {}
        return {
            name: lines(
                [_line("from starting weights", ours, name), _line("from nothing", theirs, name)],
                x="step", y=f"{split} {name}", what=f"{split} {name} with and without starting weights",
            )
            for name in ours[0]["metrics"]
            if all(name in line["metrics"] for line in (*ours, *theirs))
        }  # fmt: skip

    def seconds(self, record: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
        """Of steps and evaluations, with and without starting weights; features that are computed once not included."""
        return _last(record), _last(self.record)

    def _said(self, metrics: Mapping[str, Any]) -> str:
        split = metrics["split"]
        ours, theirs = metrics["splits"][split]["metrics"], self.splits[split]["metrics"]
        name = next((each for each in _BETTER_HIGH if each in ours and each in theirs), "loss")
        higher = name != "loss"
        if ours[name] == theirs[name]:
            verdict = "the same"
        else:
            verdict = "better" if (ours[name] > theirs[name]) == higher else "worse"
        return (
            f"With starting weights {verdict}: {name} {ours[name]:.4g} on {metrics['samples']:,} {split} samples, "
            f"{theirs[name]:.4g} from nothing after {self.steps:,} steps on the same data."
        )


def _evaluated(record: Sequence[Mapping[str, Any]], split: str) -> list[Mapping[str, Any]]:
    return [line for line in record if line.get("split") == split]


def _line(name: str, found: Sequence[Mapping[str, Any]], metric: str) -> Line:
    return Line(name, [line["step"] for line in found], [line["metrics"][metric] for line in found])


def _last(record: Sequence[Mapping[str, Any]]) -> float:
    return float(max((line.get("seconds", 0.0) for line in record), default=0.0))
