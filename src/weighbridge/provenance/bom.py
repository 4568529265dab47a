"""A bill of materials for a model: CycloneDX 1.6, with the model card that the standard has for machine learning.

Facts come from the files alone: the card, the configuration, the checkpoint's headers, metrics and statements beside
the weights, and a SHA-256 of every file. The same files give the same document: its serial number follows from their
digests, and no time is written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from weighbridge.checkpoint import Checkpoint
from weighbridge.checkpoint import open as open_checkpoint
from weighbridge.documents.cards import Card, Json, parse_card
from weighbridge.documents.licences import is_unnamed, spdx
from weighbridge.errors import PathNotFoundError, WeighbridgeError
from weighbridge.trust.listing import walk

SCHEMA = "http://cyclonedx.org/schema/bom-1.6.schema.json"
_LARGEST_TEXT = 4 << 20
_MODEL = "model"
_STATEMENTS = {
    "provenance.intoto.json": ("attestation", "how the weights were made"),
    "model.sig": ("attestation", "a signature over the files"),
    "metrics.json": ("evidence", "what the model was measured to do"),
    "recipe.lock.json": ("configuration", "everything that the training was made from, pinned"),
}
_MOST_LISTED = 200


@dataclass(frozen=True, slots=True)
class _Facts:
    """What was read of one model."""

    name: str
    card: Card
    config: Mapping[str, Any]
    digests: Mapping[str, str]
    checkpoint: Checkpoint | None


def bom(path: Path, *, name: str = "") -> dict[str, Any]:
    """The bill of materials of a folder or a file, as the JSON of CycloneDX 1.6.

    `name` is what the model is called; the folder's name by default. Nothing in the files is executed. Raises
    `WeighbridgeError` where a file cannot be read at all.
    """
    if not path.exists():
        raise PathNotFoundError("there is no such file or folder", where=str(path))
    names = list(walk(path)) if path.is_dir() else [path.name]
    root = path if path.is_dir() else path.parent
    digests = {each: _digest(root / each) for each in sorted(names)}
    card = parse_card(_small(root / "README.md")) if path.is_dir() else Card()
    config = _json(_small(root / "config.json")) if path.is_dir() else {}
    try:
        with open_checkpoint(path, allow_unsafe=True, allow_empty=True) as checkpoint:
            return _document(_Facts(name or path.resolve().name, card, config, digests, checkpoint))
    except WeighbridgeError:
        if not digests:
            raise
        return _document(_Facts(name or path.resolve().name, card, config, digests, None))


def _document(facts: _Facts) -> dict[str, Any]:
    listed = "".join(f"{digest} {name}\n" for name, digest in facts.digests.items())
    serial = uuid5(NAMESPACE_URL, hashlib.sha256(listed.encode()).hexdigest())
    bases, data = _named(facts.card, "base_model"), _named(facts.card, "datasets")
    tool = {"type": "application", "name": "weighbridge", "version": version("weighbridge")}
    return {
        "$schema": SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {"tools": {"components": [tool]}, "component": _model(facts, bases, data)},
        "components": [
            *(_file(name, digest) for name, digest in facts.digests.items()),
            *({"type": "machine-learning-model", "bom-ref": f"base:{base}", "name": base} for base in bases),
            *({"type": "data", "bom-ref": f"data:{each}", "name": each} for each in data),
        ],
        "dependencies": [
            {
                "ref": _MODEL,
                "dependsOn": [
                    *(f"file:{name}" for name in facts.digests),
                    *(f"base:{base}" for base in bases),
                    *(f"data:{each}" for each in data),
                ],
            }
        ],
    }


def _model(facts: _Facts, bases: list[str], data: list[str]) -> dict[str, Any]:
    model: dict[str, Any] = {"type": "machine-learning-model", "bom-ref": _MODEL, "name": facts.name}
    if licences := list(_licences(facts.card)):
        model["licenses"] = licences
    if bases:
        model["pedigree"] = {"ancestors": [{"type": "machine-learning-model", "name": base} for base in bases]}
    references = [
        {"type": kind, "url": name, "comment": comment}
        for name, (kind, comment) in _STATEMENTS.items()
        if name in facts.digests
    ]
    if "README.md" in facts.digests:
        references.append({"type": "model-card", "url": "README.md", "comment": "the model's card"})
    if references:
        model["externalReferences"] = references
    if tags := list(facts.card.tags):
        model["tags"] = tags
    model["modelCard"] = _model_card(facts, data)
    model["properties"] = [{"name": f"weighbridge:{key}", "value": value} for key, value in _properties(facts)]
    return model


def _licences(card: Card) -> Iterator[dict[str, Any]]:
    for name in _named(card, "license"):
        if is_unnamed(name):
            name = _text(card.data.get("license_name")) or name
        found: dict[str, Any] = {"id": spdx(name)} if spdx(name) else {"name": name}
        if link := _text(card.data.get("license_link")):
            found["url"] = link
        yield {"license": found}


def _model_card(facts: _Facts, data: list[str]) -> dict[str, Any]:
    parameters: dict[str, Any] = {}
    task = facts.card.pipeline_tag or _text(facts.config.get("pipeline_tag"))
    if task:
        parameters["task"] = task
    if family := _text(facts.config.get("model_type")):
        parameters["architectureFamily"] = family
    architectures = facts.config.get("architectures") or facts.config.get("architecture")
    if architecture := _text(architectures[0] if isinstance(architectures, list) and architectures else architectures):
        parameters["modelArchitecture"] = architecture
    if data:
        parameters["datasets"] = [{"ref": f"data:{each}"} for each in data]
    card: dict[str, Any] = {"modelParameters": parameters}
    if metrics := list(_metrics(facts.card)):
        card["quantitativeAnalysis"] = {"performanceMetrics": metrics}
    return card


def _metrics(card: Card) -> Iterator[dict[str, str]]:
    """The standard model-index of a card, a metric each."""
    for model in _list(card.data.get("model-index")):
        for result in _list(_dict(model).get("results")):
            measured = _dict(result)
            slice_ = _text(_dict(measured.get("dataset")).get("name"))
            for metric in _list(measured.get("metrics"))[:_MOST_LISTED]:
                kind, value = _text(_dict(metric).get("type")), _dict(metric).get("value")
                if kind and value is not None:
                    yield {"type": kind, "value": str(value)[:200], **({"slice": slice_} if slice_ else {})}


def _properties(facts: _Facts) -> Iterator[tuple[str, str]]:
    if facts.checkpoint is not None and facts.checkpoint.files:
        formats = dict.fromkeys(index.format for index in facts.checkpoint.files.values())
        yield "formats", ", ".join(formats)
        yield "tensors", str(len(facts.checkpoint))
        yield "parameters", str(facts.checkpoint.parameters)
        yield "dtypes", ", ".join(sorted({str(tensor.dtype) for tensor in facts.checkpoint.values()}))
    for name in facts.checkpoint.broken if facts.checkpoint is not None else ():
        yield "unreadable", name
    if library := facts.card.library_name:
        yield "library", library
    if facts.card.problem:
        yield "card-problem", facts.card.problem[:500]


def _file(name: str, digest: str) -> dict[str, Any]:
    return {
        "type": "file",
        "bom-ref": f"file:{name}",
        "name": name,
        "hashes": [{"alg": "SHA-256", "content": digest}],
    }


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _small(path: Path) -> bytes:
    """A text beside the weights, up to a bound; nothing where there is none."""
    if not path.is_file():
        return b""
    with path.open("rb") as stream:
        return stream.read(_LARGEST_TEXT)


def _json(text: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return {}  # the file is listed with its digest; what it says is for `weigh check` to tell
    return found if isinstance(found, dict) else {}


def _named(card: Card, key: str) -> list[str]:
    names = [_text(each) for each in _list(card.data.get(key))]
    return list(dict.fromkeys(name for name in names if name))[:_MOST_LISTED]


def _list(value: Json | Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value.strip()[:500] if isinstance(value, str) and value.isprintable() else ""
