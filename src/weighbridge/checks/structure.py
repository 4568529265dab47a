"""Structure: whether every file keeps the rules of its format.

What: files that cannot be read (an error), oddities that an honest writer never produces (a failure), untidiness
(information), and files beside the weights that look like models in formats that we do not read (information).

Why: a file that breaks its format is damaged or was made to be read differently by different programs.

Example: ``format.truncated: model.safetensors: the header promises 90,868,376 bytes, the file holds 65,536``.

What to do: fetch the file again and compare digests. If it is still broken, treat it as hostile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from weighbridge.checkpoint import Checkpoint
from weighbridge.checks.base import Answer, Check, judged, skipped
from weighbridge.checks.listing import capped, plural, some_names
from weighbridge.errors import LimitError, UnknownFormatError, UnsafeError, UnsafePathError, WeighbridgeError
from weighbridge.formats import Anomaly
from weighbridge.report import Finding, Outcome, Severity

_HOSTILE = (LimitError, UnsafePathError, UnsafeError)
_OTHER_MODELS = (
    *(".7z", ".bz2", ".gz", ".rar", ".tar", ".tgz", ".xz", ".zip", ".zst"),
    *(".caffemodel", ".h5", ".hdf5", ".joblib", ".keras", ".mar", ".mlmodel", ".msgpack", ".nemo", ".onnx", ".ot"),
    *(".pb", ".pdiparams", ".pickle", ".pkl", ".pmml", ".tflite"),
)


# What may lie beside weights, or alone in a folder, without anybody missing weights in it.
_NOT_WEIGHTS = (
    *(".cfg", ".css", ".csv", ".html", ".ini", ".ipynb", ".jinja", ".jinja2", ".json", ".jsonl", ".md", ".py", ".rst"),
    *(".toml", ".tsv", ".txt", ".yaml", ".yml", ".gif", ".jpeg", ".jpg", ".png", ".svg", ".webp", "license", "mlmodel"),
)


def _structure(checkpoint: Checkpoint) -> Answer:
    if not checkpoint.files and not checkpoint.broken:
        return _no_weights(checkpoint)
    findings = [
        *capped(_unreadable(name, error) for name, error in checkpoint.broken.items()),
        *capped(_anomalies(checkpoint)),
        *_unread_models(checkpoint),
    ]
    facts = {"files": len(checkpoint.files), "unreadable": len(checkpoint.broken)}
    if checkpoint.broken:
        count = len(checkpoint.files) + len(checkpoint.broken)
        reason = f"{plural(len(checkpoint.broken), 'file')} of {count:,} could not be read"
        return Answer(Outcome.ERROR, tuple(findings), dict(facts), reason)
    return judged(findings, dict(facts))


CHECK = Check("safety.structure", "Whether the files keep their format's rules", _structure)


def _no_weights(checkpoint: Checkpoint) -> Answer:
    if checkpoint.side_files and all(name.lower().endswith(_NOT_WEIGHTS) for name in checkpoint.side_files):
        return skipped("there are no weights, only configuration and text")
    message = f"none of {plural(len(checkpoint.side_files), 'file')} holds weights in a format that we read"
    hint = UnknownFormatError.default_hint
    finding = Finding(UnknownFormatError.code, Severity.WARNING, message, where=checkpoint.name, hint=hint)
    return Answer(Outcome.ERROR, (finding, *_unread_models(checkpoint)), reason=message)


def _unreadable(name: str, error: WeighbridgeError) -> Finding:
    severity = Severity.DANGER if isinstance(error, _HOSTILE) else Severity.WARNING
    return Finding(error.code, severity, error.message, where=name, hint=error.hint, evidence={"file": name})


def _anomalies(checkpoint: Checkpoint) -> Iterator[Finding]:
    for name, index in checkpoint.files.items():
        yield from _told(name, index.anomalies)
    yield from _told("", checkpoint.anomalies)


def _told(name: str, anomalies: Iterable[Anomaly]) -> Iterator[Finding]:
    for anomaly in anomalies:
        severity = Severity.WARNING if anomaly.severe else Severity.INFO
        where = " ".join(part for part in (name, anomaly.where) if part)
        yield Finding(anomaly.code, severity, anomaly.message, where=where, evidence={"file": name})


def _unread_models(checkpoint: Checkpoint) -> Iterator[Finding]:
    names = [name for name in checkpoint.side_files if name.lower().endswith(_OTHER_MODELS)]
    if names:
        verb = "is" if len(names) == 1 else "are"
        yield Finding(
            "structure.unread",
            Severity.INFO,
            f"{plural(len(names), 'file')} {verb} of a format whose weights we do not read: {some_names(names)}",
            evidence={"count": len(names), "files": list(names[:100])},
        )
