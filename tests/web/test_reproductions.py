"""Who reproduced a revision is told on its page, with whether the signature holds."""

import hashlib
import re
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update

from weighbridge.hub import RepoId
from weighbridge.hub.sql.tables import ReproductionRow
from weighbridge.trust import KeySigner, PrivateKey
from weighbridge.trust.reproduction import Reproduction

from .conftest import HOSTILE, application, tiny_weights

KEY = PrivateKey.generate()
REPO = RepoId("model", "ada", "again")


@pytest.fixture
def client(fresh):
    with TestClient(application(fresh.hub), base_url="http://hub.test") as client:
        yield client


@pytest.fixture
def made(fresh):
    weights = tiny_weights()
    fresh.hub.repos.create(fresh.ada, REPO)
    commit = fresh.publish(REPO, {"model.safetensors": weights}, "x").oid
    return Reproduction(
        repo=str(REPO),
        commit=commit,
        files={"model.safetensors": hashlib.sha256(weights).hexdigest()},
        when=datetime(2026, 11, 24, tzinfo=UTC),
        evaluation="identical",
        training="close",
        machine={"architecture": "x86_64", "torch": "2.13.0"},
        differences=("torch was 2.12.0, is 2.13.0",),
        weighbridge="0.1.0",
    )


def add(scene, made, key=KEY):
    bundle = KeySigner(key).sign(made.statement()).json().decode()
    scene.hub.reproductions.add(scene.ada, REPO, "main", bundle, key.public.pem.decode())


def told(client):
    panel = client.get("/ada/again").text.partition('id="reproductions"')[2].partition("</section>")[0]
    return panel, " ".join(unescape(re.sub(r"<[^>]+>", " ", panel)).split())


def test_nothing_is_said_where_nobody_did(client, made):
    assert told(client) == ("", "")


def test_who_where_how_close_and_that_the_signature_holds(client, fresh, made):
    add(fresh, made)
    panel, text = told(client)
    for word in ("ada", "identical", "close", "x86_64", "torch was 2.12.0", f"key {KEY.public.fingerprint[:8]}"):
        assert word in text
    assert "The signature holds" in panel


def test_what_does_not_hold_is_told_and_its_words_are_not_shown(client, fresh, made):
    add(fresh, made)
    with fresh.hub.database.writing() as session:
        session.execute(update(ReproductionRow).values(key=PrivateKey.generate().public.pem.decode()))
    text = told(client)[1]
    assert "signature does not hold" in text
    assert "identical" not in text


def test_hostile_words_stay_words(client, fresh, made):
    add(fresh, replace(made, machine={"architecture": HOSTILE}, differences=(HOSTILE, "\x1b[31mred")))
    panel, text = told(client)
    assert "<script>" not in panel
    assert "alert(1)" in text
    assert "\x1b" not in panel
