"""Every check, in the order in which reports show them. A new check is a new module and a line here."""

from __future__ import annotations

from weighbridge.checks import anatomy, duplicates, files, health, licences, pickles, remote_code, statistics, structure
from weighbridge.checks.base import Check

CHECKS: tuple[Check, ...] = (
    pickles.CHECK,
    remote_code.CHECK,
    files.CHECK,
    structure.CHECK,
    anatomy.CHECK,
    statistics.CHECK,
    health.CHECK,
    duplicates.CHECK,
    licences.CHECK,
)
