"""Licences: what a card calls them, what SPDX calls them, and what they ask of weights made from weights.

Names on hubs are those of the Hugging Face Hub's documentation ("Licenses"), in lower case; SPDX identifiers are those
of spdx.org/licenses. What a licence asks is told in three questions that matter when something is made from something
else. That is a reading aid, and no legal advice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from weighbridge.documents.cards import parse_card

_LARGEST = 4 << 20
_LONGEST = 100


@dataclass(frozen=True, slots=True)
class Terms:
    """A licence. `spdx` is "" where SPDX has no identifier for it.

    `commercial`: commercial use is allowed. `derivatives`: changed versions may be shared. `same`: they must carry the
    same licence. `conditions`: it comes with conditions of its own, that go along with whatever is made of it.
    """

    spdx: str = ""
    commercial: bool = True
    derivatives: bool = True
    same: bool = False
    conditions: bool = False


_OPEN = """
apache-2.0:Apache-2.0 mit:MIT bsd:BSD-3-Clause bsd-2-clause:BSD-2-Clause bsd-3-clause:BSD-3-Clause isc:ISC zlib:Zlib
bsd-3-clause-clear:BSD-3-Clause-Clear cc0-1.0:CC0-1.0 cc-by-2.0:CC-BY-2.0 cc-by-2.5:CC-BY-2.5 cc-by-3.0:CC-BY-3.0
cc-by-4.0:CC-BY-4.0 unlicense:Unlicense wtfpl:WTFPL pddl:PDDL-1.0 odc-by:ODC-By-1.0 ecl-2.0:ECL-2.0 afl-3.0:AFL-3.0
ms-pl:MS-PL artistic-2.0:Artistic-2.0 bsl-1.0:BSL-1.0 postgresql:PostgreSQL ncsa:NCSA
cdla-permissive-1.0:CDLA-Permissive-1.0 cdla-permissive-2.0:CDLA-Permissive-2.0
"""
_SAME = """
cc-by-sa-3.0:CC-BY-SA-3.0 cc-by-sa-4.0:CC-BY-SA-4.0 gpl:GPL-3.0-or-later gpl-2.0:GPL-2.0-only gpl-3.0:GPL-3.0-only
agpl-3.0:AGPL-3.0-only lgpl:LGPL-3.0-or-later lgpl-2.1:LGPL-2.1-only lgpl-3.0:LGPL-3.0-only mpl-2.0:MPL-2.0
epl-1.0:EPL-1.0 epl-2.0:EPL-2.0 eupl-1.1:EUPL-1.1 eupl-1.2:EUPL-1.2 osl-3.0:OSL-3.0 ofl-1.1:OFL-1.1 odbl:ODbL-1.0
gfdl:GFDL-1.3-or-later cdla-sharing-1.0:CDLA-Sharing-1.0
"""
_CONDITIONS = """
openrail creativeml-openrail-m openrail++ bigscience-bloom-rail-1.0 bigscience-openrail-m bigcode-openrail-m llama2
llama3 llama3.1 llama3.2 llama3.3 llama4 gemma deepfloyd-if-license c-uda lppl-1.3c:LPPL-1.3c
"""
_NON_COMMERCIAL = """
cc-by-nc-2.0:CC-BY-NC-2.0 cc-by-nc-3.0:CC-BY-NC-3.0 cc-by-nc-4.0:CC-BY-NC-4.0 apple-amlr intel-research h-research
fair-noncommercial-research-license
"""
_NON_COMMERCIAL_SAME = "cc-by-nc-sa-2.0:CC-BY-NC-SA-2.0 cc-by-nc-sa-3.0:CC-BY-NC-SA-3.0 cc-by-nc-sa-4.0:CC-BY-NC-SA-4.0"
_UNCHANGED = "cc-by-nd-4.0:CC-BY-ND-4.0"
_UNCHANGED_NON_COMMERCIAL = "cc-by-nc-nd-3.0:CC-BY-NC-ND-3.0 cc-by-nc-nd-4.0:CC-BY-NC-ND-4.0"
_UNNAMED = frozenset({"", "other", "unknown"})


def _table() -> Iterator[tuple[str, Terms]]:
    groups = (
        (_OPEN, Terms()),
        (_SAME, Terms(same=True)),
        (_CONDITIONS, Terms(conditions=True)),
        (_NON_COMMERCIAL, Terms(commercial=False)),
        (_NON_COMMERCIAL_SAME, Terms(commercial=False, same=True)),
        (_UNCHANGED, Terms(derivatives=False)),
        (_UNCHANGED_NON_COMMERCIAL, Terms(commercial=False, derivatives=False)),
    )
    for names, asks in groups:
        for entry in names.split():
            name, _, spdx = entry.partition(":")
            yield name, Terms(spdx, asks.commercial, asks.derivatives, asks.same, asks.conditions)


LICENCES: Mapping[str, Terms] = dict(_table())
"""By the name that cards use, in lower case."""
_BY_SPDX = {terms.spdx.lower(): name for name, terms in LICENCES.items() if terms.spdx}


@dataclass(frozen=True, slots=True)
class Conflict:
    """What does not go together: `source` is under a licence that asks for more than the declared one gives."""

    source: str
    licence: str
    declared: str
    why: str


def declared(readme: bytes) -> tuple[str, ...]:
    """The licences that a card declares, by the names that it gives them; that of a licence of its own for "other"."""
    data = parse_card(readme).data
    value, own = data.get("license"), data.get("license_name")
    given = [
        name.strip()[:_LONGEST] for name in (value if isinstance(value, list) else [value]) if isinstance(name, str)
    ]
    return tuple(own[:_LONGEST] if is_unnamed(name) and isinstance(own, str) else name for name in given if name)


def declared_beside(place: Path) -> str:
    """The licences of the card in a folder, with commas between them; "" where there is no card or no licence."""
    card = place / "README.md"
    if not card.is_file():
        return ""
    with card.open("rb") as stream:
        return ", ".join(declared(stream.read(_LARGEST)))


def known(name: str) -> str:
    """The name that cards use for a licence, of that or of its SPDX identifier; "" for one that we do not know."""
    plain = name.strip().lower()
    return plain if plain in LICENCES else _BY_SPDX.get(plain, "")


def spdx(name: str) -> str:
    """The SPDX identifier of a licence, "" where it has none or we do not know it."""
    found = known(name)
    return LICENCES[found].spdx if found else ""


def is_unnamed(name: str) -> bool:
    """Whether a card says nothing by this."""
    return name.strip().lower() in _UNNAMED


def conflicts(declared: Sequence[str], inherited: Sequence[tuple[str, str]]) -> Iterator[Conflict]:
    """What the declared licences promise and those of the sources do not give.

    `inherited` are pairs of a source (a base model, a dataset) and its licence. Licences that we do not know are not
    judged here.
    """
    mine = [known(name) for name in declared if known(name)]
    if not mine:
        return
    shown = ", ".join(mine)
    for source, licence in inherited:
        name = known(licence)
        if not name or name in mine:
            continue
        asks, gives = LICENCES[name], [LICENCES[each] for each in mine]
        if not asks.derivatives:
            yield Conflict(source, name, shown, "it does not allow changed versions to be shared")
        elif not asks.commercial and any(each.commercial for each in gives):
            yield Conflict(source, name, shown, "it does not allow commercial use, and the declared licence does")
        elif asks.same:
            yield Conflict(source, name, shown, "what is made of it has to carry the same licence")
        elif asks.conditions:
            yield Conflict(source, name, shown, "its conditions go along with what is made of it")
