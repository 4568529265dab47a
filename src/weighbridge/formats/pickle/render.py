"""Short texts for symbolic values: bounded in length, in depth and in steps, whatever the value is."""

from __future__ import annotations

from weighbridge.formats.pickle.values import Call, Global, Items, Opaque, Pairs, Persistent, Raw, Value

_MOST_ITEMS = 6
_MOST_DEPTH = 3
_LONGEST_TEXT = 80


def brief(value: Value, limit: int = 120) -> str:
    """One printable line of at most `limit` characters that says what the value is."""
    return shorten(_brief(value, _MOST_DEPTH), limit)


def shorten(text: str, limit: int) -> str:
    """`text`, cut to `limit` characters with an ellipsis, and nothing in it that a terminal would obey."""
    safe = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text[: limit + 1])
    return safe if len(safe) <= limit else safe[: limit - 1] + "…"


def _brief(value: Value, depth: int) -> str:
    if isinstance(value, str):
        return ascii(value) if len(value) <= _LONGEST_TEXT else ascii(value[:_LONGEST_TEXT]) + "…"
    if value is None or isinstance(value, bool | int | float):
        return _number(value)
    if isinstance(value, Raw):
        return f"<{value.length:,} {'characters' if value.encoding else 'bytes'}>"
    if isinstance(value, Global):
        return value.qualified[:_LONGEST_TEXT]
    if isinstance(value, Opaque):
        return f"<{value.what}>"
    if depth == 0:
        return "…"
    if isinstance(value, Call):
        function = _brief(value.function, depth - 1)
        return f"{function}({_row(value.arguments, depth)})" if value.way == "call" else f"<{function} object>"
    return _container(value, depth)


def _number(value: Value) -> str:
    if isinstance(value, int) and value.bit_length() > 256:
        return f"<an integer of {value.bit_length():,} bits>"
    return repr(value)


def _container(value: Value, depth: int) -> str:
    if isinstance(value, tuple):
        return f"({_row(value, depth)}{',' if len(value) == 1 else ''})"
    if isinstance(value, Items):
        inside = _row(value.items, depth)
        return f"[{inside}]" if value.kind == "list" else f"{value.kind}({inside})"
    if isinstance(value, Pairs):
        shown = [f"{_brief(key, depth - 1)}: {_brief(item, depth - 1)}" for key, item in value.first(_MOST_ITEMS)]
        return "{" + ", ".join(shown + ["…"] * (len(value) > _MOST_ITEMS)) + "}"
    if isinstance(value, Persistent):
        return f"<outside object {_brief(value.id, depth - 1)}>"
    return f"<{type(value).__name__}>"


def _row(items: tuple[Value, ...] | list[Value], depth: int) -> str:
    shown = [_brief(item, depth - 1) for item in items[:_MOST_ITEMS]]
    return ", ".join(shown + ["…"] * (len(items) > _MOST_ITEMS))
