"""What a policy says, field by field; spec/policy.md explains it to those who write one."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from weighbridge.report import Outcome, Severity


class Action(StrEnum):
    """What happens to a load, from the mildest to the strictest."""

    ALLOW = "allow"
    WARN = "warn"
    HOLD = "hold"
    REFUSE = "refuse"

    @property
    def strictness(self) -> int:
        return list(Action).index(self)

    @property
    def stops(self) -> bool:
        """Whether others do not get the load."""
        return self in (Action.HOLD, Action.REFUSE)


def _listed(value: object) -> object:
    """One value may be written without brackets."""
    return [value] if isinstance(value, str) else value


Patterns = Annotated[tuple[str, ...], BeforeValidator(_listed)]
"""Shell patterns (``*``, ``?``, ``[…]``), of which one has to match."""

SUBJECTS: Final = ("finding", "check", "format", "license", "signature")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Rule(_Part):
    """What follows from facts of one kind. Of the rules that match a fact, the first decides."""

    name: str = ""
    action: Action
    because: str = Field(default="", description="Told to those whom the rule stops.")
    finding: Patterns = Field(default=(), description="Codes of findings: `pickle.*`.")
    severity: Annotated[tuple[Severity, ...], BeforeValidator(_listed)] = ()
    where: Patterns = Field(default=(), description="Files in which the finding lies.")
    check: Patterns = Field(default=(), description="Checks: `safety.*`.")
    outcome: Annotated[tuple[Outcome, ...], BeforeValidator(_listed)] = ()
    format: Patterns = Field(default=(), description="Formats of files: `pickle`, `torch-zip`.")
    license: Patterns = Field(default=(), description="Licences that the card declares; `none` where it does not.")
    signature: Patterns = Field(default=(), description="valid, missing, unknown-signer or broken.")
    repo: Patterns = Field(default=(), description="Repositories that the rule is for: `acme/*`.")

    @property
    def subject(self) -> str:
        """The kind of fact that the rule is about."""
        return next(name for name in SUBJECTS if getattr(self, name))

    @model_validator(mode="after")
    def _one_subject(self) -> Self:
        named = [name for name in SUBJECTS if getattr(self, name)]
        if len(named) != 1:
            found = " and ".join(named) or "none of them"
            raise ValueError(f"a rule is about one of {', '.join(SUBJECTS)}; found {found}")
        if (self.severity or self.where) and named != ["finding"]:
            raise ValueError("severity and where belong to rules about findings")
        if self.outcome and named != ["check"]:
            raise ValueError("outcome belongs to rules about checks")
        known = ("valid", "missing", "unknown-signer", "broken", "*")
        strange = [pattern for pattern in self.signature if pattern not in known]
        if strange:
            raise ValueError(f"a signature is one of {', '.join(known)}; found {strange[0]!r}")
        return self


class TrustedSigner(_Part):
    """Somebody whose signature counts: by a public key, or by certificates that lead to these (PEM)."""

    name: str
    key: str = ""
    certificates: str = ""
    repo: Patterns = Field(default=(), description="Repositories that they may sign; all if not said.")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.key) == bool(self.certificates):
            raise ValueError("a signer has either a key or certificates")
        return self


class Policy(_Part):
    """Rules, in the order in which they are asked, and whom we trust. What no rule speaks of is allowed."""

    version: Literal[1]
    name: str
    description: str = ""
    rules: tuple[Rule, ...] = ()
    signers: tuple[TrustedSigner, ...] = ()
