"""Numbers and times as people read them. Pure; `now` is a parameter so that tests need no clock."""

from __future__ import annotations

from datetime import UTC, datetime

_AGES = ((60, "minute"), (60, "hour"), (24, "day"), (30.44, "month"), (12, "year"))


def size(nbytes: int) -> str:
    """Bytes in decimal units, as disks and downloads are sold: ``90.9 MB``."""
    if nbytes < 1000:
        return f"{nbytes} byte{'' if nbytes == 1 else 's'}"
    value, unit = _scaled(float(nbytes), 1000, ("", "kB", "MB", "GB", "TB", "PB"))
    return f"{_three_digits(value)} {unit}"


def count(number: int) -> str:
    """A number of things: exact below ten thousand, then three digits and a unit: ``22.7M``."""
    if number < 10_000:
        return f"{number:,}"
    value, unit = _scaled(float(number), 1000, ("", "k", "M", "B", "T", "Q"))
    return f"{_three_digits(value)}{unit}"


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


def _scaled(value: float, step: int, names: tuple[str, ...]) -> tuple[float, str]:
    """`value` in the unit in which it has at most three digits before the point."""
    rank = 0
    while value >= step - 0.5 and rank < len(names) - 1:
        value, rank = value / step, rank + 1
    return value, names[rank]


def _three_digits(value: float) -> str:
    return f"{value:.0f}" if value >= 99.95 else f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"
