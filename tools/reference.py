"""Write docs/reference from the code: commands from their help, checks and rules from their docstrings.

python tools/reference.py           # write
python tools/reference.py --check   # exit 1 if what is written is not what the code says
"""

from __future__ import annotations

import inspect
import json
import sys
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import typer

from weighbridge.checks.registry import CHECKS
from weighbridge.cli.commands import COMMANDS
from weighbridge.learn.recipe import Recipe
from weighbridge.scan import RULES, Rule

REFERENCE = Path(__file__).resolve().parent.parent / "docs" / "reference"
NOTE = "<!-- Written by tools/reference.py: change the code, then run it. -->\n"


def commands() -> str:
    parts = [NOTE, "# Commands\n\nExit status: 0 clean, 1 findings, 2 could not do it, 130 interrupted.\n"]
    for name in COMMANDS:
        command = typer.main.get_command(import_module(f"weighbridge.cli.{name.replace('-', '_')}").app)
        parts.extend(_command(f"weigh {name}", command))
    return "\n".join(parts)


def _command(path: str, command: Any) -> list[str]:
    parts = [f"## `{path}`\n", inspect.cleandoc(command.help or "").strip() + "\n"]
    options = [line for option in command.params if (line := _option(option))]
    if options:
        parts.append("\n".join(options) + "\n")
    for name, child in sorted(getattr(command, "commands", {}).items()):
        parts.extend(_command(f"{path} {name}", child))
    return parts


def _option(option: Any) -> str:
    if option.name in ("help", "install_completion", "show_completion"):
        return ""
    if option.param_type_name == "argument":
        names = f"`{option.metavar or option.name.upper()}`"
    else:
        names = ", ".join(f"`{name}`" for name in [*option.opts, *option.secondary_opts])
    notes = []
    if option.default not in (None, False, "", ()) and not option.required:
        notes.append(f"Default: `{option.default}`.")
    if option.envvar:
        notes.append(f"Environment: `{option.envvar}`.")
    return " ".join([f"- {names}:", option.help or "", *notes])


def checks() -> str:
    parts = [NOTE, "# Checks\n\nWhat `weigh check` asks, in the order of its report.\n"]
    parts += [f"## `{check.id}`: {check.title}\n\n{check.page}\n" for check in CHECKS]
    return "\n".join(parts)


def rules() -> str:
    lines = [f"- [`{rule.id}`]({rule.id}.md): {rule.title()}" for rule in RULES.values()]
    return "\n".join([NOTE, "# Rules\n\nWhat `weigh scan` can find.\n", *sorted(lines), ""])


def rule_page(rule: type[Rule]) -> str:
    title, _, text = rule.page().partition("\n")
    facts = f"Rule `{rule.id}`. Severity: {rule.severity}. How sure: {rule.sure}."
    return "\n".join([NOTE, f"# {title}\n", f"{facts}\n", text.strip() or title, ""])


def recipe_schema() -> str:
    return json.dumps(Recipe.model_json_schema(), indent=2, ensure_ascii=False) + "\n"


PAGES = {
    "../../spec/recipe.schema.json": recipe_schema,
    "commands.md": commands,
    "checks.md": checks,
    "rules/README.md": rules,
    **{f"rules/{rule.id}.md": partial(rule_page, rule) for rule in RULES.values()},
}


def stale() -> list[str]:
    """The pages that differ from what the code says."""
    written = {f"rules/{path.name}" for path in (REFERENCE / "rules").glob("*.md")}
    return [name for name, page in PAGES.items() if not _is(REFERENCE / name, page())] + sorted(written - PAGES.keys())


def _is(path: Path, text: str) -> bool:
    return path.exists() and path.read_text() == text


def main() -> None:
    if "--check" in sys.argv:
        sys.exit(f"run tools/reference.py: {', '.join(stale())} out of date" if stale() else 0)
    (REFERENCE / "rules").mkdir(parents=True, exist_ok=True)
    for path in (REFERENCE / "rules").glob("*.md"):
        path.unlink()
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page())


if __name__ == "__main__":
    main()
