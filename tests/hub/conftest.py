"""A hub in a fresh folder, and the people in it."""

import pytest

from weighbridge.hub import Hub, RepoId, Role


@pytest.fixture
def hub(tmp_path):
    with Hub.open(tmp_path / "data", create=True) as hub:
        for name in ("ada", "bob", "eve"):
            hub.people.add_user(name)
        hub.people.add_organisation("lab")
        hub.people.add_member("lab", "bob", Role.READ)
        yield hub


@pytest.fixture
def ada(hub):
    return hub.people.authenticate(hub.people.create_token("ada", Role.WRITE))


@pytest.fixture
def bob(hub):
    return hub.people.authenticate(hub.people.create_token("bob", Role.WRITE))


@pytest.fixture
def eve(hub):
    return hub.people.authenticate(hub.people.create_token("eve", Role.WRITE))


@pytest.fixture
def model(hub, ada):
    return hub.repos.create(ada, RepoId("model", "ada", "scale")).id
