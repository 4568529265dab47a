"""Which classes published weights were made for, as the configuration beside them says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_MAX_BYTES = 16 << 20


def classes_of(path: Path) -> tuple[str, ...]:
    """Names in the order of their numbers, from `id2label` or `label_names` of config.json; empty if it has neither."""
    config = _config(path)
    labels = config.get("id2label")
    if isinstance(labels, dict) and labels and all(str(key).isdigit() for key in labels):
        names = tuple(str(labels[key]) for key in sorted(labels, key=int))
        # transformers writes these where nobody gave names: they say nothing of what the weights tell apart.
        return () if names == tuple(f"LABEL_{index}" for index in range(len(names))) else names
    listed = config.get("label_names")  # timm's word
    return tuple(map(str, listed)) if isinstance(listed, list) else ()


def _config(path: Path) -> dict[str, Any]:
    file = (path if path.is_dir() else path.parent) / "config.json"
    if not file.is_file() or file.stat().st_size > _MAX_BYTES:
        return {}
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:  # the checks tell of it; for us it says nothing
        return {}
    return config if isinstance(config, dict) else {}
