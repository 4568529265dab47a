"""Accounts and tokens."""

import pytest

from weighbridge.errors import AccountNotFoundError, ConflictError, InvalidNameError, UnauthenticatedError
from weighbridge.hub import Hub, Role


def test_a_token_speaks_for_its_user_with_its_role(hub):
    caller = hub.people.authenticate(hub.people.create_token("ada", Role.READ, "laptop"))
    assert (caller.user, caller.role, caller.token_name) == ("ada", Role.READ, "laptop")


def test_a_caller_knows_the_organisations_they_have_a_part_in(hub, bob):
    assert bob.organisations == (("lab", Role.READ),)


def test_the_secret_of_a_token_is_kept_nowhere(hub):
    secret = hub.people.create_token("ada")
    hub.database.close()
    for path in hub.data.rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes(), path


@pytest.mark.parametrize("token", ["", "wb_unknown", "x" * 100_000, "\udcff", "é\0"])
def test_an_unknown_token_is_nobody(hub, token):
    with pytest.raises(UnauthenticatedError):
        hub.people.authenticate(token)


def test_a_revoked_token_is_nobody_at_once_also_in_another_process(hub):
    secret = hub.people.create_token("ada", name="old")
    with Hub.open(hub.data) as other:
        other.people.revoke("ada", "old")
    with pytest.raises(UnauthenticatedError):
        hub.people.authenticate(secret)
    with pytest.raises(UnauthenticatedError):
        hub.people.recall("ada", "old")


def test_tokens_are_listed_without_their_secrets(hub):
    hub.people.create_token("ada", Role.READ, "one")
    hub.people.create_token("bob", Role.WRITE, "two")
    assert [(token.user, token.name, token.role) for token in hub.people.tokens()] == [
        ("ada", "one", Role.READ),
        ("bob", "two", Role.WRITE),
    ]
    assert [token.name for token in hub.people.tokens("bob")] == ["two"]


def test_a_token_has_a_name_of_its_own(hub):
    hub.people.create_token("ada", name="ci")
    hub.people.create_token("bob", name="ci")
    with pytest.raises(ConflictError):
        hub.people.create_token("ada", name="ci")


def test_a_token_reads_or_writes_and_nothing_else(hub):
    with pytest.raises(InvalidNameError):
        hub.people.create_token("ada", Role.ADMIN)


@pytest.mark.parametrize("name", ["ada", "ADA", "lab"])
def test_users_and_organisations_share_one_space_of_names_whatever_the_case(hub, name):
    with pytest.raises(ConflictError):
        hub.people.add_organisation(name)


def test_a_name_that_cannot_be_in_an_address_is_refused(hub):
    for add in (hub.people.add_user, hub.people.add_organisation):
        with pytest.raises(InvalidNameError):
            add("a/b")


def test_a_part_in_an_organisation_can_be_changed_and_ended(hub):
    hub.people.add_member("lab", "bob", Role.ADMIN)
    assert hub.people.members("lab") == (("bob", Role.ADMIN),)
    hub.people.remove_member("lab", "bob")
    assert hub.people.members("lab") == ()
    with pytest.raises(AccountNotFoundError):
        hub.people.remove_member("lab", "bob")


@pytest.mark.parametrize(("organisation", "user"), [("ada", "bob"), ("lab", "lab"), ("lab", "nobody"), ("none", "bob")])
def test_only_users_have_a_part_and_only_in_organisations(hub, organisation, user):
    with pytest.raises(AccountNotFoundError):
        hub.people.add_member(organisation, user)


@pytest.mark.parametrize("who", ["nobody", "lab"])
def test_only_users_have_tokens(hub, who):
    with pytest.raises(AccountNotFoundError):
        hub.people.create_token(who)
