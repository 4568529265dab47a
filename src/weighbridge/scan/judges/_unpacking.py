"""What unpacking an archive would do to the folder around it, told by names and links alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from weighbridge.scan.model import Found, Rule, Sure
from weighbridge.scan.outside import leads_outside

_PARTS = re.compile(r"[\\/]")


class ArchiveSlip(Rule):
    """A member's name leads out of the folder that an archive is unpacked into.

    The name is absolute, or climbs by ``..``: a program that joins it to a folder and writes (zip slip,
    CVE-2018-1002200 and its many kin) replaces files elsewhere, such as a shell's start file.

    What to do: do not unpack it. No honest archive has such names.
    """

    id = "archive.slip"
    hint = "Do not unpack it: no honest archive has such names."


class ArchiveLink(Rule):
    """A link in an archive leads out of the folder that it is unpacked into.

    A symbolic or hard link names a file elsewhere. What is then read through it is a file of the machine that unpacked
    the archive, and what is written through it, by a later member of the same archive, replaces one.

    What to do: do not unpack it.
    """

    id = "archive.link-outside"
    hint = "Do not unpack it: its links lead to files that do not belong to it."


class ArchiveDevice(Rule):
    """An archive holds a device or a pipe.

    Unpacked by the administrator, a device gives whoever reads it the disk or the memory; a pipe makes readers wait for
    ever. Models have no use for either.

    What to do: do not unpack it.
    """

    id = "archive.device"
    sure = Sure.LIKELY
    hint = "Do not unpack it: models hold files and folders only."


RULES = (ArchiveSlip, ArchiveLink, ArchiveDevice)


def name_found(name: str) -> Iterator[Found]:
    """What is wrong with a member's name."""
    how = leads_outside(name)
    # An address in a name is a strange folder, but a folder inside.
    if how and how not in ("is an address", "starts at a home folder"):
        yield ArchiveSlip.found(f"{name[:120]!r} {how}", member=name[:200])
    elif ".." in _PARTS.split(name):
        yield ArchiveSlip.found(f"{name[:120]!r} climbs by '..', and where to depends on links", member=name[:200])


def link_found(name: str, target: str, *, hard: bool = False) -> Iterator[Found]:
    """What is wrong with a link. Hard links name a member from the top, symbolic ones a path from their own folder."""
    folder = "" if hard else "/".join(_PARTS.split(name)[:-1])
    how = leads_outside(target.replace("..", "up")) or leads_outside(f"{folder}/{target}" if folder else target)
    if how:
        yield ArchiveLink.found(f"{name[:120]!r} is a link to {target[:120]!r}, which {how}", member=name[:200])
