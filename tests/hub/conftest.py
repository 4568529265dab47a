"""A hub in a fresh folder, and the people in it."""

import shutil

import pytest

from weighbridge.hub import Hub, RepoId, Role


@pytest.fixture(scope="session")
def fresh(tmp_path_factory):
    """A new hub's folder, made once: tables and people take longer than most tests."""
    folder = tmp_path_factory.mktemp("fresh") / "data"
    with Hub.open(folder, create=True) as hub:
        for name in ("ada", "bob", "eve"):
            hub.people.add_user(name)
        hub.people.add_organisation("lab")
        hub.people.add_member("lab", "bob", Role.READ)
    return folder


@pytest.fixture
def hub(fresh, tmp_path):
    with Hub.open(shutil.copytree(fresh, tmp_path / "data"), gated=False) as hub:
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
