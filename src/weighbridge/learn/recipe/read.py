"""From a YAML file to a recipe: variables put in, settings of the command line over what the file says."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from weighbridge.documents import fill, read_yaml
from weighbridge.errors import RecipeError, UsageError
from weighbridge.learn.recipe.model import Recipe

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


@dataclass(frozen=True, slots=True)
class Given:
    """A recipe as somebody gave it: `text` of the file, and the folder `where` it lies, which paths start from."""

    recipe: Recipe
    text: str
    where: Path


def read(path: Path, settings: Sequence[str] = (), variables: Mapping[str, str] = os.environ) -> Given:
    """The recipe in a file. `settings` are ``key.of.a.part=value`` with values as YAML has them; they win.

    ``${NAME}`` in texts stands for a variable of the environment, ``${NAME:-else}`` for `else` where it is not set.
    Raises `RecipeError` (`FormatError` for what is no YAML) that names the line, and `UsageError` for a setting or
    variable that cannot be used.
    """
    document = read_yaml(path)
    value: Any = document.value
    for setting in settings:
        value = _set(value, setting)
    value = _filled(value, variables, str(path))
    recipe = fill(replace(document, value=value), Recipe, RecipeError)
    return Given(recipe, path.read_text(encoding="utf-8-sig"), path.parent.absolute())


def _set(value: Any, setting: str) -> Any:
    name, equals, text = setting.partition("=")
    if not equals or not all(name.split(".")):
        raise UsageError(f"{setting!r} is no setting", hint="Write --set data.path=VALUE.")
    try:
        new = yaml.safe_load(text) if text else ""
    except yaml.YAMLError:
        raise UsageError(f"the value of --set {name} is no YAML: {text!r}") from None
    return _replaced(value, name.split("."), new)


def _replaced(value: Any, keys: list[str], new: Any) -> Any:
    if not keys:
        return new
    held = dict(value) if isinstance(value, dict) else {}
    return {**held, keys[0]: _replaced(held.get(keys[0]), keys[1:], new)}


def _filled(value: Any, variables: Mapping[str, str], where: str) -> Any:
    if isinstance(value, dict):
        return {key: _filled(each, variables, where) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, variables, where) for each in value]
    if not isinstance(value, str):
        return value

    def meant(match: re.Match[str]) -> str:
        found = variables.get(match[1], match[2])
        if found is None:
            raise UsageError(
                f"needs the variable {match[1]}, which is not set",
                where=where,
                hint=f"Set it in the environment, or give the value by --set: {match[1]}=… weigh train …",
            )
        return found

    return _VARIABLE.sub(meant, value)
