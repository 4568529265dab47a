"""What people say of a revision that they reproduced: taken if it is signed and true to the revision."""

import hashlib
import shutil
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select, update

from weighbridge.errors import (
    BundleError,
    ForbiddenError,
    LimitError,
    RepoNotFoundError,
    SignatureError,
    SigningKeyError,
    UnauthenticatedError,
    UnexaminedError,
    WrongKeyError,
)
from weighbridge.hub import ANONYMOUS, AddFile, Hub, RepoId, Role
from weighbridge.hub.sql.tables import ReproductionRow
from weighbridge.trust import KeySigner, PrivateKey
from weighbridge.trust.reproduction import Reproduction

WEIGHTS = b"weights"
KEY = PrivateKey.generate()


@pytest.fixture
def revision(hub, ada, model):
    return hub.content.commit(ada, model, "main", [AddFile("model.safetensors", WEIGHTS)], title="x").oid


def said(commit, **change):
    made = Reproduction(
        repo="ada/scale",
        commit=commit,
        files={"model.safetensors": hashlib.sha256(WEIGHTS).hexdigest()},
        when=datetime(2026, 11, 24, tzinfo=UTC),
        evaluation="identical",
        training="close",
        machine={"architecture": "x86_64"},
        differences=(),
        weighbridge="0.1.0",
    )
    return replace(made, **change)


def signed(made, key=KEY):
    return KeySigner(key).sign(made.statement()).json().decode(), key.public.pem.decode()


def count(hub):
    with hub.database.reading() as session:
        return session.scalar(select(func.count()).select_from(ReproductionRow))


def test_what_a_stranger_says_is_kept_and_shown_to_everybody(hub, eve, model, revision):
    hub.reproductions.add(eve, model, "main", *signed(said(revision)))
    commit, (found,) = hub.reproductions.of(ANONYMOUS, model, "main")
    assert commit == revision
    assert (found.user, found.holds, found.signer, found.why) == ("eve", True, "", "")
    assert found.said == said(revision)
    assert found.key == KEY.public.fingerprint


def test_the_newest_of_a_user_counts_and_others_stand_beside_it(hub, eve, bob, model, revision):
    hub.reproductions.add(eve, model, "main", *signed(said(revision, evaluation="different")))
    hub.reproductions.add(bob, model, "main", *signed(said(revision)))
    hub.reproductions.add(eve, model, "main", *signed(said(revision)))
    found = hub.reproductions.of(ANONYMOUS, model, revision)[1]
    assert [(each.user, each.said.evaluation) for each in found] == [("eve", "identical"), ("bob", "identical")]


def test_it_belongs_to_its_revision(hub, ada, eve, model, revision):
    hub.reproductions.add(eve, model, "main", *signed(said(revision)))
    newer = hub.content.commit(ada, model, "main", [AddFile("a.txt", b"a")], title="y").oid
    assert hub.reproductions.of(eve, model, "main") == (newer, ())
    assert len(hub.reproductions.of(eve, model, revision)[1]) == 1


def test_a_signer_whom_a_policy_trusts_is_named(hub, eve, model, revision):
    hub.reproductions.add(eve, model, "main", *signed(said(revision)))
    pem = "\n".join(f"    {line}" for line in KEY.public.pem.decode().splitlines())
    policy = f"version: 1\nname: p\nsigners:\n- name: the lab\n  repo: ada/*\n  key: |\n{pem}\n"
    hub.policies.set("", policy, "operator")
    assert hub.reproductions.of(eve, model, "main")[1][0].signer == "the lab"
    hub.policies.set("", policy.replace("ada/*", "lab/*"), "operator")
    assert hub.reproductions.of(eve, model, "main")[1][0].signer == ""


def test_what_does_not_hold_or_is_not_of_the_revision_is_refused(hub, eve, model, revision):
    bundle, pem = signed(said(revision))
    other = PrivateKey.generate().public.pem.decode()
    altered = signed(said(revision, evaluation="different"))[0]
    for text, key, error in (
        (bundle, other, WrongKeyError),
        (bundle, "no key", SigningKeyError),
        ("{}", pem, BundleError),
        ("{" * 2_000_000, pem, LimitError),
        (bundle, "x" * 5000, LimitError),
        (signed(said("1" * 40))[0], pem, BundleError),
        (signed(said(revision, files={"model.safetensors": "0" * 64}))[0], pem, BundleError),
        (signed(said(revision, files={"none.safetensors": "0" * 64}))[0], pem, BundleError),
    ):
        with pytest.raises(error):
            hub.reproductions.add(eve, model, "main", text, key)
    payload = altered.partition('"payload": "')[2].partition('"')[0]
    mixed = bundle.replace(bundle.partition('"payload": "')[2].partition('"')[0], payload)
    with pytest.raises(SignatureError, match="altered"):
        hub.reproductions.add(eve, model, "main", mixed, pem)
    assert count(hub) == 0


def test_who_may_say_so(hub, ada, eve, model, revision):
    given = signed(said(revision))
    with pytest.raises(UnauthenticatedError):
        hub.reproductions.add(ANONYMOUS, model, "main", *given)
    reader = hub.people.authenticate(hub.people.create_token("eve", Role.READ))
    with pytest.raises(ForbiddenError, match="can only read"):
        hub.reproductions.add(reader, model, "main", *given)
    secret = hub.repos.create(ada, RepoId("model", "ada", "secret"), private=True).id
    for call in (
        lambda: hub.reproductions.add(eve, secret, "main", *given),
        lambda: hub.reproductions.of(eve, secret, "main"),
    ):
        with pytest.raises(RepoNotFoundError):
            call()


def test_what_the_gate_keeps_back_is_not_attested(fresh, tmp_path, monkeypatch):
    monkeypatch.setattr("weighbridge.hub.gate._PATIENCE", 0.0)
    with Hub.open(shutil.copytree(fresh, tmp_path / "gated")) as hub:
        ada, eve = (hub.people.authenticate(hub.people.create_token(name, Role.WRITE)) for name in ("ada", "eve"))
        model = hub.repos.create(ada, RepoId("model", "ada", "scale")).id
        made = hub.content.commit(ada, model, "main", [AddFile("model.safetensors", WEIGHTS)], title="x").oid
        with pytest.raises(UnexaminedError):
            hub.reproductions.add(eve, model, made, *signed(said(made)))


def test_what_was_altered_in_the_database_is_told_on_reading(hub, eve, model, revision):
    hub.reproductions.add(eve, model, "main", *signed(said(revision, evaluation="different")))
    better, _ = signed(said(revision), PrivateKey.generate())
    with hub.database.writing() as session:
        session.execute(update(ReproductionRow).values(bundle=better))
    (found,) = hub.reproductions.of(eve, model, "main")[1]
    assert not found.holds
    assert found.said is None
    assert "another" in found.why or "key" in found.why


def test_they_go_with_their_revision_and_their_repository(hub, ada, eve, model, revision):
    from weighbridge.hub._pruning import drop_commits
    from weighbridge.hub._rows import repo_row

    hub.reproductions.add(eve, model, "main", *signed(said(revision)))
    hub.content.squash(ada, model, "main")
    with hub.database.writing() as session:
        drop_commits(session, repo_row(session, ada, model).id, [revision])
    assert count(hub) == 0
    newest = hub.content.resolve(ada, model).oid
    hub.reproductions.add(eve, model, "main", *signed(said(newest)))
    assert count(hub) == 1
    hub.repos.delete(ada, model)
    assert count(hub) == 0
