"""What a scan is made of: rules, what they found, and the verdict on a file."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from weighbridge.errors import WeighbridgeError
from weighbridge.report.model import Finding, Json, Severity


class Status(StrEnum):
    """The verdict on one file. Error means: could not tell."""

    CLEAN = "clean"
    DANGEROUS = "dangerous"
    ERROR = "error"


class Sure(StrEnum):
    """How sure a finding is.

    `CERTAIN`: the bytes say so and can be read in no other way. `LIKELY`: some program that opens such files would do
    it. `SUSPECTED`: we do not know that it is harmless.
    """

    CERTAIN = "certain"
    LIKELY = "likely"
    SUSPECTED = "suspected"


class Rule:
    """One thing that can be found. A subclass's docstring is its page: the first line its title."""

    id: ClassVar[str]
    severity: ClassVar[Severity] = Severity.DANGER
    sure: ClassVar[Sure] = Sure.CERTAIN
    hint: ClassVar[str] = ""

    @classmethod
    def title(cls) -> str:
        return cls.page().splitlines()[0]

    @classmethod
    def page(cls) -> str:
        return inspect.cleandoc(cls.__doc__ or "")

    @classmethod
    def found(
        cls, message: str, *, member: str = "", offset: int | None = None, opcode: str = "", sure: Sure | None = None
    ) -> Found:
        """This rule, found: `message` goes on where "this file …" begins. `offset` is in bytes of the member."""
        return Found(cls, message, member, offset, opcode, sure or cls.sure)


@dataclass(frozen=True, slots=True)
class Found:
    """One finding, and where: the member of an archive ("" for the file itself), the byte and the opcode."""

    rule: type[Rule]
    message: str
    member: str = ""
    offset: int | None = None
    opcode: str = ""
    sure: Sure = Sure.CERTAIN

    @property
    def dangerous(self) -> bool:
        return self.rule.severity is Severity.DANGER

    def finding(self, path: str) -> Finding:
        """The same as the reports of checks tell it."""
        evidence: dict[str, Json] = {"file": path, "member": self.member, "sure": str(self.sure)}
        if self.offset is not None:
            evidence["offset"] = self.offset
        if self.opcode:
            evidence["opcode"] = self.opcode
        return Finding(self.rule.id, self.rule.severity, self.message, self.where(path), self.rule.hint, evidence)

    def where(self, path: str) -> str:
        """One line: file, member, byte, opcode."""
        place = f"{path} member {self.member}" if self.member else path
        if self.offset is not None:
            place += f", byte {self.offset:,}"
        return f"{place} ({self.opcode})" if self.opcode else place


@dataclass(frozen=True, slots=True)
class FileVerdict:
    """What the scan says of one file. `errors` are what could not be read, with the reasons."""

    path: str
    findings: tuple[Found, ...] = ()
    errors: tuple[WeighbridgeError, ...] = field(default=())

    @property
    def status(self) -> Status:
        """Danger wins over error, error over clean: what could not be read never hides what was."""
        if any(found.dangerous for found in self.findings):
            return Status.DANGEROUS
        return Status.ERROR if self.errors else Status.CLEAN


def exit_status(verdicts: list[FileVerdict]) -> int:
    """0 all clean, 1 something dangerous, 2 something that could not be told and nothing dangerous."""
    statuses = {verdict.status for verdict in verdicts}
    if Status.DANGEROUS in statuses:
        return 1
    return 2 if Status.ERROR in statuses else 0
