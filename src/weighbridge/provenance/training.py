"""A training run as SLSA provenance v1 (slsa.dev/spec/v1.0/provenance) in an in-toto Statement v1.

Form and meaning: ``spec/provenance.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from weighbridge.trust.statement import Statement, Subject

FILE: Final = "provenance.intoto.json"
PREDICATE_TYPE: Final = "https://slsa.dev/provenance/v1"
BUILD_TYPE: Final = "https://weighbridge.dev/training/v1"
BUILDER: Final = "https://weighbridge.dev/weigh-train/v1"
_INTERNAL = ("seed", "threads", "device", "machine")


def training_run(lock: Mapping[str, Any], metrics: Mapping[str, Any], files: Mapping[str, str]) -> Statement:
    """What a finished run says of its files.

    `lock` is what recipe.lock.json holds, `metrics` what metrics.json does; `files` maps the names of what the run
    made to SHA-256 in hex.
    """
    subjects = tuple(Subject(name, {"sha256": digest}) for name, digest in sorted(files.items()))
    predicate = {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {"recipe": lock["recipe"]},
            "internalParameters": {name: lock[name] for name in _INTERNAL},
            "resolvedDependencies": _dependencies(lock),
        },
        "runDetails": {
            "builder": {"id": BUILDER, "version": {"weighbridge": lock["versions"]["weighbridge"]}},
            "byproducts": [_measured(metrics)],
        },
    }
    return Statement(subjects, PREDICATE_TYPE, predicate)


def _dependencies(lock: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Data, starting weights, code, libraries. Digests of data, weights and code are BLAKE3 over their contents."""
    recipe = lock["recipe"]
    data = lock["data"]
    found = [{"name": "data", "digest": {"blake3": data["digest"]}, **_given(recipe["data"]["path"], data)}]
    if start := lock["start"]:
        found.append(
            {"name": "starting weights", "digest": {"blake3": start["digest"]}, **_given(recipe["start"], start)}
        )
    found.append({"name": "weighbridge.learn", "digest": {"blake3": lock["code"]}})
    return found + [_library(name, version) for name, version in lock["versions"].items()]


def _given(place: str, pinned: Mapping[str, Any]) -> dict[str, Any]:
    licence = {"licence": pinned["licence"]} if pinned.get("licence") else {}
    return {"annotations": {"given": place, **licence}}


def _library(name: str, version: str) -> dict[str, Any]:
    kind = "generic" if name == "python" else "pypi"
    return {"name": name, "uri": f"pkg:{kind}/{name}@{quote(version, safe='.-_~')}"}


def _measured(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of the split that the card shows; a descriptor needs a content, a digest or a uri."""
    shown = {name: metrics[name] for name in ("split", "samples", "metrics", "step")}
    return {"name": "metrics", "uri": "metrics.json", "annotations": shown}
