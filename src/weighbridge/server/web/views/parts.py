"""The small values that every view is made of. Templates read them and decide nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Self

from markupsafe import Markup

from weighbridge.server.web import units

Tone = Literal["", "good", "warn", "bad", "busy", "info"]


@dataclass(frozen=True, slots=True)
class Link:
    text: str
    href: str
    current: bool = False
    count: str = ""


@dataclass(frozen=True, slots=True)
class Chip:
    """A short fact in a pill; `tone` colours it where it is a verdict, `label` is said before it."""

    text: str
    tone: Tone = ""
    icon: str = ""
    label: str = ""
    href: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """A named value: a line of a ticket or a row of a list."""

    label: str
    value: str
    title: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    age: str
    exact: str
    iso: str

    @classmethod
    def of(cls, time: datetime) -> Self:
        return cls(units.age(time), units.moment(time), units.iso(time))


@dataclass(frozen=True, slots=True)
class Pager:
    """Where the neighbouring pages of a list are; an empty address where there is none."""

    text: str = ""
    previous: str = ""
    following: str = ""


NO_PAGES = Pager()


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a select box."""

    value: str
    text: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """Something to paste: into a shell, or into Python."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure as a fragment of HTML that `weighbridge.figures` draws."""

    title: str
    html: Markup
    note: str = ""


@dataclass(frozen=True, slots=True)
class Shell:
    """What surrounds every page."""

    hub: str
    version: str
    here: str
    user: str = ""
    query: str = ""
    kind: str = "model"
