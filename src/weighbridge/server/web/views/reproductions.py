"""Who reproduced a revision, as its page tells it: every word of theirs is a claim, and is shown with its signature."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from weighbridge.hub.reproductions import Attested
from weighbridge.report.text import visible
from weighbridge.server.web import links
from weighbridge.server.web.views.parts import Chip, Moment, Tone

_TONES: dict[str, Tone] = {"identical": "good", "close": "info", "different": "warn"}
_MACHINE = ("architecture", "instructions", "system", "device", "threads", "torch")
_MOST_NOTES = 5


@dataclass(frozen=True, slots=True)
class ReproductionLine:
    """`chips` are verdicts and what is known of the signature; `notes` say what was other there."""

    user: str
    href: str
    received: Moment
    chips: tuple[Chip, ...]
    machine: str = ""
    notes: tuple[str, ...] = ()


def lines(found: Iterable[Attested]) -> tuple[ReproductionLine, ...]:
    return tuple(_line(each) for each in found)


def _line(each: Attested) -> ReproductionLine:
    known = (each.user, links.account(each.user), Moment.of(each.received))
    if each.said is None or not each.holds:
        return ReproductionLine(*known, (Chip("signature does not hold", "bad", title=visible(each.why, 300)),))
    said = each.said
    chips = [_verdict("measured", said.evaluation)]
    if said.training is not None:
        chips.append(_verdict("trained", said.training))
    machine = [f"{name} {said.machine[name]}" for name in _MACHINE if name in said.machine]
    notes = [visible(note, 200) for note in said.differences[:_MOST_NOTES]]
    return ReproductionLine(*known, (*chips, _signature(each)), visible(", ".join(machine), 300), tuple(notes))


def _verdict(label: str, verdict: str) -> Chip:
    return Chip(verdict, _TONES[verdict], label=label)


def _signature(each: Attested) -> Chip:
    title = f"The signature holds, by the key {each.key}."
    if each.signer:
        return Chip(f"signed by {visible(each.signer, 60)}", "good", title=title)
    return Chip(f"signed, key {each.key[:8]}", title=f"{title} No policy here names it.")
