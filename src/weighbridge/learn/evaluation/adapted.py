"""A bare adapter, in peft's files, made a model again: added to its base, and told what it takes and gives."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from weighbridge.errors import UsageError
from weighbridge.learn._json import dump, read_object
from weighbridge.learn.data import Facts
from weighbridge.learn.evaluation.evaluate import FACTS, LOCK
from weighbridge.learn.start.source import ADAPTER_CONFIG
from weighbridge.learn.transfer.merge import merge_adapter

_NETWORKS = {"SEQ_CLS": ("encoder", "classification"), "CAUSAL_LM": ("causal_lm", "language")}
_LONGEST = 512
"""Tokens of a text where nothing says how long one may be."""


def base_named(adapter: Path) -> str:
    """The base that an adapter says it is for, "" where it says nothing."""
    return str(read_object(adapter / ADAPTER_CONFIG).get("base_model_name_or_path") or "")


def build_adapted(base: Path, adapter: Path, out: Path) -> Path:
    """Make in the new folder `out` the model that `adapter` is on `base`, ready to be measured and asked.

    What it takes is said by the adapter's own `weighbridge.json` where it came from a run of ours; else by that of the
    base, if the base does the same; else, for texts, by the task in the adapter's configuration. Raises `UsageError`
    where nothing says it, and what `merge_adapter` raises.
    """
    merge_and_describe(base, adapter, out)
    if not (out / FACTS).is_file():
        (out / FACTS).write_text(dump(_description(base, adapter, out)), encoding="utf-8")
    if not (out / LOCK).is_file():
        (out / LOCK).write_text(dump(_lock(read_object(out / FACTS))), encoding="utf-8")
    return out


def merge_and_describe(base: Path, adapter: Path, out: Path) -> None:
    """`merge_adapter`; what a run of ours said of the adapter is said of the merged model."""
    merge_adapter(base, adapter, out)
    for name in (FACTS, LOCK):
        if (adapter / name).is_file():
            shutil.copyfile(adapter / name, out / name)


def _description(base: Path, adapter: Path, out: Path) -> dict[str, Any]:
    held = read_object(base / FACTS) if (base / FACTS).is_file() else None
    task = read_object(adapter / ADAPTER_CONFIG).get("task_type")
    name, wanted = _NETWORKS.get(str(task), ("", ""))
    if held is not None and (task is None or held.get("facts", {}).get("task") == wanted == "language"):
        return held
    if not name or not (out / "config.json").is_file():
        raise UsageError(
            f"neither the adapter nor its base says what it takes: its task_type is {task!r}",
            where=str(adapter),
            hint=f"Put the {FACTS} of the run that made it beside it.",
        )
    from weighbridge.learn.networks import _transformers

    length = _length(held, read_object(out / "config.json"))
    facts = Facts(wanted, "text", (length,), _classes(out) if wanted == "classification" else ())  # type: ignore[arg-type]
    options = _transformers.options_in(out).model_dump(mode="json")
    return {
        "weighbridge": 1,
        "name": adapter.name,
        "network": {"name": name, "options": options},
        "facts": asdict(facts),
        "preparation": {"kind": "text", "max_length": length},
    }


def _length(held: dict[str, Any] | None, config: dict[str, Any]) -> int:
    known = held.get("preparation", {}).get("max_length") if held else None
    most = config.get("max_position_embeddings") or config.get("n_positions")
    return int(known or min(int(most or _LONGEST), _LONGEST))


def _classes(out: Path) -> tuple[str, ...]:
    labels = read_object(out / "config.json").get("id2label") or {"0": "LABEL_0", "1": "LABEL_1"}
    return tuple(str(labels[key]) for key in sorted(labels, key=int))


def _lock(held: dict[str, Any]) -> dict[str, Any]:
    """As much of a lock as measuring on other data asks for: no data was pinned."""
    network = held["network"]
    recipe = {
        "recipe": 1,
        "name": "adapter",
        "train": {"steps": 1},  # nobody knows; nothing is trained by it
        "data": {"path": "unknown", "task": held["facts"]["task"]},
        "model": {"network": network["name"], "options": network["options"]},
    }
    return {"lock": 1, "recipe": recipe, "data": {"digest": ""}}
