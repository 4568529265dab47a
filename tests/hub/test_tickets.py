"""Tickets permit what they were issued for, and nothing else."""

import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from weighbridge.errors import ForbiddenError
from weighbridge.hub.tickets import Tickets


@pytest.fixture
def tickets(tmp_path):
    return Tickets(tmp_path / "secret")


def test_a_ticket_says_what_it_permits(tickets):
    ticket = tickets.issue("put", {"user": "ada", "size": 3})
    assert {"user": "ada", "size": 3}.items() <= tickets.check("put", ticket).items()


def test_another_process_on_the_same_folder_takes_it(tickets, tmp_path):
    assert Tickets(tmp_path / "secret").check("put", tickets.issue("put", {"a": 1}))["a"] == 1


def test_another_hub_does_not(tickets, tmp_path):
    with pytest.raises(ForbiddenError):
        Tickets(tmp_path / "other").check("put", tickets.issue("put", {}))


def test_a_ticket_is_for_one_purpose(tickets):
    with pytest.raises(ForbiddenError):
        tickets.check("get", tickets.issue("put", {}))


def test_a_ticket_expires(tickets):
    with pytest.raises(ForbiddenError, match="expired"):
        tickets.check("put", tickets.issue("put", {}, lifetime=-1))


def test_a_changed_ticket_is_worthless(tickets):
    ticket = tickets.issue("put", {"size": 3})
    for at in range(len(ticket)):
        changed = ticket[:at] + ("A" if ticket[at] != "A" else "B") + ticket[at + 1 :]
        with pytest.raises(ForbiddenError):
            tickets.check("put", changed)


@pytest.mark.parametrize("ticket", ["", ".", "a.b", "é.é", "\udcff", "x" * 1_000_000])
def test_noise_is_no_ticket(tickets, ticket):
    with pytest.raises(ForbiddenError):
        tickets.check("put", ticket)


def test_the_secret_is_for_its_owner_only_and_made_once(tmp_path):
    path = tmp_path / "secret"
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: Tickets(path).issue("put", {}), range(8)))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for ticket in made:
        Tickets(path).check("put", ticket)
