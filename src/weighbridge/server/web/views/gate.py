"""What the policies decided on a revision, told plainly to those who see it."""

from __future__ import annotations

from dataclasses import dataclass

from weighbridge.hub.gate import GateState
from weighbridge.policy import Action, SignatureState
from weighbridge.report.text import visible
from weighbridge.server.web.views.parts import Chip, Tone

_MOST_REASONS = 5


@dataclass(frozen=True, slots=True)
class Notice:
    """A few lines above a page."""

    tone: Tone
    title: str
    text: str
    reasons: tuple[str, ...] = ()


def notice(state: GateState) -> Notice | None:
    """What to say of a revision that does not simply pass; None for one that does."""
    if state.action == "":
        text = "The checks are looking at this revision. Others get it when it passed."
        return Notice("", "Being examined", text)
    if state.action == Action.HOLD and state.released_by:
        text = f"A policy held it; {visible(state.released_by)} let it pass: {visible(state.released_because, 500)}"
        return Notice("", "Released after review", text)
    if state.action == Action.HOLD:
        text = "Others get this revision when whoever runs the hub has released it. You see it since you may mend it."
        return Notice("warn", "Held for review", text, _reasons(state))
    if state.action == Action.REFUSE:
        text = "The hub's policy does not let others have this revision. You see it since you may mend it."
        return Notice("bad", "Not given to others", text, _reasons(state))
    return None


def signature_chips(state: GateState) -> list[Chip]:
    """Who signed the revision, if somebody did, and whether that holds."""
    detail = visible(state.signature.get("detail", ""), 300)
    match state.signature.get("state", ""):
        case SignatureState.VALID:
            signer = visible(state.signature.get("signer", ""), 60)
            return [Chip(f"signed by {signer}", "good", title="The signature holds for every file of this revision.")]
        case SignatureState.UNKNOWN_SIGNER:
            return [Chip("signed by somebody unknown here", title=detail)]
        case SignatureState.BROKEN:
            return [Chip("signature does not hold", "bad", title=detail)]
    return []


def _reasons(state: GateState) -> tuple[str, ...]:
    strict = [each for each in state.decisions if each["action"] == state.action]
    told = []
    for each in strict[:_MOST_REASONS]:
        at = f" in {visible(each['where'])}" if each["where"] else ""
        because = f" {visible(each['because'])}" if each["because"] else ""
        told.append(f"{visible(each['fact'])}{at}: {visible(each['message'], 300)}.{because}")
    more = len(strict) - len(told)
    return (*told, f"and {more} more") if more else tuple(told)
