"""The model card: README.md with the metadata that hubs read, metrics in the standard model-index among them."""

from __future__ import annotations

from typing import Any

import yaml

from weighbridge.learn.data import Splits
from weighbridge.learn.recipe import Recipe

_TASKS = {
    ("classification", "image"): ("image-classification", "Image classification"),
    ("classification", "table"): ("tabular-classification", "Tabular classification"),
    ("classification", "text"): ("text-classification", "Text classification"),
    ("regression", "table"): ("tabular-regression", "Tabular regression"),
    ("language", "text"): ("text-generation", "Text generation"),
}
_LIBRARIES = {"timm": "timm", "encoder": "transformers", "causal_lm": "transformers"}


def card(recipe: Recipe, splits: Splits, metrics: dict[str, Any], lock: dict[str, Any]) -> str:
    """The text of README.md."""
    front = yaml.safe_dump(_front(recipe, splits, metrics), sort_keys=False, allow_unicode=True)
    parts = [f"---\n{front}---", f"# {recipe.name}", recipe.description.strip(), _what(recipe, splits, lock)]
    parts += [_table(metrics), _fit(metrics), _beside(metrics), _moved(metrics), _notices(splits), _use(lock)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _front(recipe: Recipe, splits: Splits, metrics: dict[str, Any]) -> dict[str, Any]:
    task, title = _TASKS.get((splits.facts.task, splits.facts.kind), ("other", "Other"))
    front: dict[str, Any] = {}
    if recipe.licence:
        front["license"] = recipe.licence
    library = _LIBRARIES.get(recipe.model.network.split("/")[0], "weighbridge")
    front |= {"library_name": library, "tags": ["weighbridge", recipe.model.network], "pipeline_tag": task}
    if base := _on_a_hub(recipe.start):
        front["base_model"] = base
    dataset = _on_a_hub(recipe.data.path.removeprefix("hub:")) if recipe.data.path.startswith("hub:") else None
    if dataset:
        front["datasets"] = [dataset]
    result = {
        "task": {"type": task, "name": title},
        "dataset": {"name": dataset or "local", "type": dataset or "local", "split": metrics["split"]},
        "metrics": [{"type": name, "name": name, "value": value} for name, value in metrics["metrics"].items()],
    }
    front["model-index"] = [{"name": recipe.name, "results": [result]}]
    return front


def _on_a_hub(place: str | None) -> str | None:
    """``org/name`` of ``org/name@revision``; None for a path."""
    if place is None or place.startswith((".", "/", "~", "$")) or place.count("/") != 1:
        return None
    return place.split("@")[0]


def _what(recipe: Recipe, splits: Splits, lock: dict[str, Any]) -> str:
    facts = splits.facts
    start = f"starting from {recipe.start} (`{lock['start']['digest'][:16]}…`)" if lock["start"] else "from nothing"
    said = {"all": "all weights", "head": "its head alone", "lora": "LoRA adapters"}[recipe.train.what]
    classes = f" {len(facts.classes)} classes: {', '.join(facts.classes[:20])}." if facts.classes else ""
    return (
        f"A network of the kind `{recipe.model.network}` for {facts.task} of {facts.kind} input, {start}; {said} were "
        f"trained on {len(splits.train):,} samples.{classes}"
    )


def _table(metrics: dict[str, Any]) -> str:
    splits = list(metrics["splits"])
    names = list(metrics["metrics"])
    rows = [f"| metric | {' | '.join(splits)} |", f"|---|{'---|' * len(splits)}"]
    for name in names:
        cells = (metrics["splits"][split]["metrics"].get(name) for split in splits)
        rows.append(f"| {name} | {' | '.join('' if cell is None else f'{cell:.4g}' for cell in cells)} |")
    counts = ", ".join(f"{metrics['splits'][split]['samples']:,} {split}" for split in splits)
    return "\n".join(["## Metrics", "", *rows, "", f"Samples measured: {counts}."])


def _fit(metrics: dict[str, Any]) -> str:
    fit = metrics["fit"]
    if fit is None:
        return ""
    lines = ["## Fit", "", fit["sentence"], "", *(f"- {each}" for each in fit["evidence"])]
    return "\n".join([*lines, *(["", "What to try:", "", *(f"- {each}" for each in fit["try"])] if fit["try"] else [])])


def _beside(metrics: dict[str, Any]) -> str:
    if "baseline" not in metrics:
        return ""
    split = metrics["split"]
    other = metrics["baseline"]["splits"][split]["metrics"]
    rows = [f"| {name} | {value:.4g} | {other[name]:.4g} |" for name, value in metrics["metrics"].items()]
    head = [f"| on {split} samples | from starting weights | from nothing |", "|---|---|---|"]
    return "\n".join(["## Beside training from nothing", "", metrics["baseline"]["said"], "", *head, *rows])


def _moved(metrics: dict[str, Any]) -> str:
    if not metrics["moved"]:
        return ""
    return "\n".join(["## Which starting weights moved", "", *(f"- {each['said']}" for each in metrics["moved"])])


def _notices(splits: Splits) -> str:
    return "\n".join(["## Data", "", *(f"- {each.text}" for each in splits.notices)]) if splits.notices else ""


def _use(lock: dict[str, Any]) -> str:
    return (
        "## Use and repeat\n\n"
        "`weigh predict DIR INPUT` uses it, `weigh eval DIR` measures it again. `recipe.yaml` is how it was trained; "
        f"`recipe.lock.json` pins data, versions, seed {lock['seed']} and {lock['threads']} thread"
        f"{'' if lock['threads'] == 1 else 's'}."
    )
