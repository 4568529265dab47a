"""Reads plain JSON into typed values: a field that is missing or of another type is a `FormatError` that names it."""

from __future__ import annotations

import builtins
from math import isfinite

from weighbridge.errors import FormatError
from weighbridge.report.model import Json

_HINT = "This is not a report that Weighbridge wrote, or it was changed since; spec/report.schema.json describes one."


class FactReader:
    """One JSON object (or list), read field by field. `what` names it in errors."""

    def __init__(self, data: Json, what: str) -> None:
        self._data = data
        self._what = what

    def value(self, field: str) -> Json:
        if not isinstance(self._data, dict):
            raise self._wrong("an object", self._data)
        if field not in self._data:
            raise FormatError(f"{self._what} has no field {field!r}", where="report", hint=_HINT)
        return self._data[field]

    def text(self, field: str) -> str:
        value = self.value(field)
        if not isinstance(value, str):
            raise self._wrong("text", value, field)
        return value

    def int(self, field: str) -> int:
        return self._int(self.value(field), field)

    def number(self, field: str) -> builtins.int | float:
        value = self.value(field)
        if isinstance(value, bool) or not isinstance(value, builtins.int | float) or not isfinite(value):
            raise self._wrong("a finite number", value, field)
        return value

    def number_or_none(self, field: str) -> builtins.int | float | None:
        return None if self.value(field) is None else self.number(field)

    def list(self, field: str) -> builtins.list[Json]:
        value = self.value(field)
        if not isinstance(value, builtins.list):
            raise self._wrong("a list", value, field)
        return value

    def object(self, field: str) -> dict[str, Json]:
        value = self.value(field)
        if not isinstance(value, dict):
            raise self._wrong("an object", value, field)
        return value

    def ints(self, field: str) -> builtins.list[builtins.int]:
        return [self._int(item, field) for item in self.list(field)]

    def texts(self) -> builtins.list[str]:
        """The object itself as a list of texts."""
        if not isinstance(self._data, builtins.list):
            raise self._wrong("a list", self._data)
        texts = [item for item in self._data if isinstance(item, str)]
        if len(texts) != len(self._data):
            raise self._wrong("a list of texts", self._data)
        return texts

    def _int(self, value: Json, field: str) -> builtins.int:
        if isinstance(value, bool) or not isinstance(value, builtins.int):
            raise self._wrong("a whole number", value, field)
        return value

    def _wrong(self, expected: str, found: Json, field: str = "") -> FormatError:
        place = f"field {field!r} of {self._what}" if field else self._what
        return FormatError(f"{place} should be {expected}, not {_shortened(found)}", where="report", hint=_HINT)


def _shortened(value: Json) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
