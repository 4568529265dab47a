"""Users, organisations, and the tokens by which programs speak for users.

These use cases belong to whoever holds the data folder (`weigh hub …`), so they take no caller; only `authenticate`
and `account` are asked on behalf of clients.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from weighbridge.errors import AccountNotFoundError, ConflictError, InvalidNameError, UnauthenticatedError
from weighbridge.hub import naming
from weighbridge.hub._rows import account_of, account_row, now
from weighbridge.hub.model import Account, Caller, Role
from weighbridge.hub.sql import Database
from weighbridge.hub.sql.tables import AccountRow, MemberRow, TokenRow

TOKEN_PREFIX = "wb_"  # noqa: S105 (so that a token is recognised where it leaks)


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token. Its secret is shown once, by `create_token`."""

    user: str
    name: str
    role: Role
    created: datetime


class People:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add_user(self, name: str, fullname: str = "") -> Account:
        return self._add(name, "user", fullname)

    def add_organisation(self, name: str, fullname: str = "") -> Account:
        return self._add(name, "organisation", fullname)

    def add_member(self, organisation: str, user: str, role: Role = Role.WRITE) -> None:
        """Give `user` a part in `organisation`, or change the part they have."""
        with self._database.writing() as session:
            at = _of_kind(session, organisation, "organisation").id
            who = _of_kind(session, user, "user").id
            session.merge(MemberRow(organisation=at, user=who, role=Role(role).value))

    def remove_member(self, organisation: str, user: str) -> None:
        with self._database.writing() as session:
            at, who = _of_kind(session, organisation, "organisation"), _of_kind(session, user, "user")
            row = session.get(MemberRow, (at.id, who.id))
            if row is None:
                raise AccountNotFoundError(f"{who.name!r} has no part in {at.name!r}")
            session.delete(row)

    def members(self, organisation: str) -> tuple[tuple[str, Role], ...]:
        with self._database.reading() as session:
            at = _of_kind(session, organisation, "organisation").id
            rows = session.execute(
                select(AccountRow.name, MemberRow.role)
                .join(MemberRow, MemberRow.user == AccountRow.id)
                .where(MemberRow.organisation == at)
                .order_by(AccountRow.folded)
            )
            return tuple((name, Role(role)) for name, role in rows)

    def account(self, name: str) -> Account:
        with self._database.reading() as session:
            return account_of(account_row(session, name))

    def accounts(self) -> tuple[Account, ...]:
        with self._database.reading() as session:
            return tuple(account_of(row) for row in session.scalars(select(AccountRow).order_by(AccountRow.folded)))

    def create_token(self, user: str, role: Role = Role.WRITE, name: str = "") -> str:
        """A new token for `user`. The secret it returns is kept nowhere: only its hash is."""
        if role not in (Role.READ, Role.WRITE):
            raise InvalidNameError(f"a token's role is read or write, not {str(role)!r}")
        secret = TOKEN_PREFIX + secrets.token_urlsafe(30)
        name = name or f"token-{secrets.token_hex(4)}"
        if not 1 <= len(name) <= 96 or not name.isprintable():
            raise InvalidNameError("a token's name has 1 to 96 printable characters")
        try:
            with self._database.writing() as session:
                who = _of_kind(session, user, "user").id
                session.add(TokenRow(user=who, name=name, role=role.value, hash=_hash(secret), created=now()))
        except IntegrityError:
            raise ConflictError(f"{user!r} has a token named {name!r} already", hint="Choose another --name.") from None
        return secret

    def tokens(self, user: str | None = None) -> tuple[Token, ...]:
        """All tokens, or those of one user."""
        found = select(AccountRow.name, TokenRow).join(TokenRow, TokenRow.user == AccountRow.id).order_by(TokenRow.id)
        with self._database.reading() as session:
            if user is not None:
                found = found.where(TokenRow.user == _of_kind(session, user, "user").id)
            rows = session.execute(found).all()
        return tuple(Token(name, row.name, Role(row.role), row.created) for name, row in rows)

    def revoke(self, user: str, name: str) -> None:
        """End a token by its name; it stops working with the next request."""
        with self._database.writing() as session:
            who = _of_kind(session, user, "user").id
            row = session.scalar(select(TokenRow).where(TokenRow.user == who, TokenRow.name == name))
            if row is None:
                raise AccountNotFoundError(f"{user!r} has no token named {name!r}")
            session.delete(row)

    def authenticate(self, token: str) -> Caller:
        """Who holds `token`. Raises `UnauthenticatedError` for one that is unknown or revoked."""
        return self._caller(TokenRow.hash == _hash(token))

    def recall(self, user: str, token_name: str) -> Caller:
        """The caller of an earlier request, by what a signed ticket says of it, as of now: tokens get revoked."""
        return self._caller(AccountRow.folded == user.lower(), TokenRow.name == token_name)

    def _caller(self, *known: ColumnElement[bool]) -> Caller:
        with self._database.reading() as session:
            found = session.execute(
                select(AccountRow, TokenRow).join(TokenRow, TokenRow.user == AccountRow.id).where(*known)
            ).first()
            if found is None:
                raise UnauthenticatedError("the token is unknown here or was revoked")
            user, row = found
            parts = session.execute(
                select(AccountRow.name, MemberRow.role)
                .join(MemberRow, MemberRow.organisation == AccountRow.id)
                .where(MemberRow.user == user.id)
                .order_by(AccountRow.folded)
            )
            organisations = tuple((name, Role(role)) for name, role in parts)
        return Caller(user.name, Role(row.role), row.name, organisations)

    def _add(self, name: str, kind: Literal["user", "organisation"], fullname: str) -> Account:
        naming.account_name(name)
        if len(fullname) > 256 or not (fullname or name).isprintable():
            raise InvalidNameError("a full name has at most 256 printable characters")
        row = AccountRow(name=name, folded=name.lower(), kind=kind, fullname=fullname or name, created=now())
        try:
            with self._database.writing() as session:
                session.add(row)
        except IntegrityError:
            raise ConflictError(f"the name {name!r} is taken", hint="Names that differ by case alone clash.") from None
        return account_of(row)


def _of_kind(session: Session, name: str, kind: str) -> AccountRow:
    row = account_row(session, name)
    if row.kind != kind:
        raise AccountNotFoundError(f"{row.name!r} is no {kind}")
    return row


def _hash(token: str) -> str:
    # A token holds 240 random bits, so one round of sha256 is as good as a slow hash.
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
