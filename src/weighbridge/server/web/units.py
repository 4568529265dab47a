"""Numbers and times as people read them. Pure; `now` is a parameter so that tests need no clock."""

from __future__ import annotations

from datetime import UTC, datetime

from weighbridge.report.text import count_text as count
from weighbridge.report.text import size_text as size

__all__ = ["age", "count", "iso", "moment", "percent", "plural", "size"]

_AGES = ((60, "minute"), (60, "hour"), (24, "day"), (30.44, "month"), (12, "year"))


def plural(number: int, noun: str, nouns: str = "") -> str:
    """``1 file``, ``2 files``; `nouns` where the plural is not made with an s."""
    return f"{count(number)} {noun if number == 1 else nouns or noun + 's'}"


def percent(share: float) -> str:
    """A share of one: ``17.3 %``; never rounded to 0 or 100 while it is neither."""
    if 0 < share < 0.001:
        return "< 0.1 %"
    if 0.999 < share < 1:
        return "> 99.9 %"
    return f"{100 * share:.1f} %".replace(".0 %", " %")


def age(then: datetime, now: datetime | None = None) -> str:
    """How long ago, in the largest whole unit: ``3 hours ago``."""
    seconds = (_aware(now or datetime.now(UTC)) - _aware(then)).total_seconds()
    if seconds < 45:
        return "just now"
    value, unit = seconds, "second"
    for length, larger in _AGES:
        if value < length:
            break
        value, unit = value / length, larger
    whole = max(1, int(value))
    return f"{whole} {unit}{'' if whole == 1 else 's'} ago"


def moment(then: datetime) -> str:
    """A time to the second, in UTC."""
    return f"{_aware(then).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def iso(then: datetime) -> str:
    """A time as the ``datetime`` attribute of HTML wants it."""
    return _aware(then).astimezone(UTC).isoformat(timespec="seconds")


def _aware(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)
