"""A document's values as a pydantic model, with errors for people: the line, what was found, what was expected."""

from __future__ import annotations

from difflib import get_close_matches
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from weighbridge.documents.yaml import Document, Place
from weighbridge.errors import FormatError

Model = TypeVar("Model", bound=BaseModel)
_MOST = 10


def fill(document: Document, model: type[Model], error: type[FormatError] = FormatError) -> Model:
    """The model with the document's values. Raises `error` for the first thing wrong; its hint lists the others."""
    if not isinstance(document.value, dict):
        found = "nothing" if document.value is None else f"a {_kind(document.value)}"
        raise error(f"should hold keys and values, found {found}", where=document.at(()))
    try:
        return model.model_validate(document.value)
    except ValidationError as failure:
        problems = [_problem(document, model, each) for each in failure.errors(include_url=False)]
    problems = list(dict.fromkeys(sorted(problems)))
    (line, name, said), others = problems[0], problems[1 : 1 + _MOST]
    hint = "; ".join(f"line {number}: {key}: {text}" for number, key, text in others)
    raise error(f"{name}: {said}", where=f"{document.where}:{line}", hint=f"Also {hint}." if hint else "")


def _problem(document: Document, model: type[BaseModel], each: Any) -> tuple[int, str, str]:
    place = _place(document, tuple(each["loc"]))
    name = ".".join(map(str, place)) or "the document"
    line = document.line_of(place)
    if each["type"] == "extra_forbidden":
        return line, name, f"is not known here{_meant(str(place[-1]), _known(model, place[:-1]))}"
    if each["type"] == "missing":
        return line, name, "is missing"
    message = str(each["msg"])
    message = message.removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    found = each.get("input")
    shown = "" if isinstance(found, dict | list) or each["type"] == "value_error" else f", found {found!r:.80}"
    return line, name, f"{message}{shown}"


def _place(document: Document, location: tuple[str | int, ...]) -> Place:
    """Pydantic's location without the steps that only name a member of a union."""
    place: list[str | int] = []
    value: Any = document.value
    for step in location:
        if isinstance(value, dict):
            if step not in value and step != location[-1]:
                continue
            place.append(step)
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            place.append(step)
            value = value[step]
    return tuple(place)


def _known(model: type[BaseModel], place: Place) -> list[str]:
    """The keys that the part of the model at this place takes."""
    parts: list[type[BaseModel]] = [model]
    for step in place:
        if isinstance(step, int):
            continue
        fields = [part.model_fields[step].annotation for part in parts if step in part.model_fields]
        parts = [found for annotation in fields for found in _models(annotation)] or parts
    return [field.alias or name for part in parts for name, field in part.model_fields.items()]


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Union, UnionType, list, tuple, dict) or get_args(annotation):
        return [found for part in get_args(annotation) for found in _models(part)]
    return []


def _meant(key: str, known: list[str]) -> str:
    close = get_close_matches(key, known, n=1)
    return f"; do you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}"


def _kind(value: Any) -> str:
    return {"list": "list", "str": "text", "bool": "truth value"}.get(type(value).__name__, "number")
