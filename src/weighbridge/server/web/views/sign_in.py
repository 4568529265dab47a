"""The page that takes a token."""

from __future__ import annotations

from dataclasses import dataclass

from weighbridge.server.web.views.parts import Command

_HOW = Command("", "weigh hub token create --user NAME --role read --data DIR")


@dataclass(frozen=True, slots=True)
class SignInView:
    """`next` is where to go afterwards, `problem` why the last try failed."""

    next: str
    problem: str = ""
    command: Command = _HOW
