"""The application in this process, with clients that sign in as different people."""

import itertools

import pytest
from fastapi.testclient import TestClient

from weighbridge.hub import Hub, RepoId, Role
from weighbridge.server.app import create_app


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """One hub for a module: each test makes repositories of its own."""
    with Hub.open(tmp_path_factory.mktemp("server") / "data", create=True, gated=False) as hub:
        for name in ("ada", "eve"):
            hub.people.add_user(name)
        yield hub


@pytest.fixture(scope="module")
def anonymous(hub):
    with TestClient(create_app(hub), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="module")
def sign_in(anonymous, hub):
    """A client with a token of this user and role."""

    def sign_in(user, role=Role.WRITE):
        client = TestClient(anonymous.app, raise_server_exceptions=False)
        client.headers["Authorization"] = f"Bearer {hub.people.create_token(user, role)}"
        return client

    return sign_in


@pytest.fixture(scope="module")
def client(sign_in):
    return sign_in("ada")


@pytest.fixture(scope="module")
def reader(sign_in):
    return sign_in("ada", Role.READ)


@pytest.fixture(scope="module")
def stranger(sign_in):
    return sign_in("eve")


@pytest.fixture(scope="module")
def ada(hub):
    return hub.people.authenticate(hub.people.create_token("ada"))


_NUMBERS = itertools.count()


@pytest.fixture
def repo(hub, ada):
    """A public model of ada's."""
    return hub.repos.create(ada, RepoId("model", "ada", f"model-{next(_NUMBERS)}")).id


@pytest.fixture
def private(hub, ada):
    """A private model of ada's."""
    return hub.repos.create(ada, RepoId("model", "ada", f"private-{next(_NUMBERS)}"), private=True).id
