"""Opening an S3 location where endpoint, keys or network are missing: said at once, and with what to do."""

from __future__ import annotations

import socket

import pytest

from weighbridge.errors import StoreUnavailableError
from weighbridge.store import Store
from weighbridge.store.backends import s3


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    """No AWS_* variable and no proxy; what `create_connection` was asked for, which answers as `refused` says."""
    for name in (*s3._ENDPOINTS, *s3._KEYS, *s3._PROXIES, "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def network(monkeypatch):
    asked, refused = [], set()

    def connect(address, timeout):
        asked.append(address)
        assert timeout <= 10
        if address in refused:
            raise ConnectionRefusedError(111, "Connection refused")
        return socket.socket()

    monkeypatch.setattr(s3.socket, "create_connection", connect)
    return asked, refused


def test_without_an_endpoint_it_is_that_of_the_region(network, monkeypatch):
    asked, refused = network
    monkeypatch.setenv("AWS_REGION", "eu-west-3")
    refused.add(("s3.eu-west-3.amazonaws.com", 443))
    with pytest.raises(StoreUnavailableError, match="cannot be reached") as error:
        Store.open("s3://bucket/store")
    assert "AWS_ENDPOINT_URL" in error.value.hint
    assert len(asked) == 1


def test_without_keys_nobody_is_asked_for_long(network):
    _, refused = network
    refused.add(s3._MACHINE_KEYS)
    with pytest.raises(StoreUnavailableError, match="no key") as error:
        Store.open("s3://bucket/store")
    assert "AWS_ACCESS_KEY_ID" in error.value.hint


def test_with_keys_and_without_an_endpoint_there_is_a_backend(network, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    backend = s3.connect("s3://bucket/store")
    assert backend.location == "s3://bucket/store"
    backend.close()
