"""The gate: what others get of a revision, before it was examined and after the policies ruled on it."""

import gzip
import shutil

import numpy as np
import pytest
from safetensors.numpy import save

from weighbridge.errors import (
    EntryNotFoundError,
    ForbiddenError,
    HeldError,
    PolicyError,
    RevisionNotFoundError,
    UnexaminedError,
    UsageError,
)
from weighbridge.hub import ANONYMOUS, AddFile, Hub, RepoId, Role
from weighbridge.trust import KeySigner, PrivateKey, sign

GOOD = save({"a": np.ones((4, 4), np.float32)})
# What a pickle of `os.system("echo owned")` looks like; it is read here, and never loaded.
EVIL = b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\necho owned\x85R."
HOLDS_UNLICENSED = "version: 1\nname: licences\nrules:\n- {license: none, action: hold, because: no licence}\n"


@pytest.fixture
def hub(fresh, tmp_path, monkeypatch):
    monkeypatch.setattr("weighbridge.hub.gate._PATIENCE", 0.0)
    with Hub.open(shutil.copytree(fresh, tmp_path / "data")) as hub:
        yield hub


@pytest.fixture
def add(hub, ada, model):
    def add(caller=ada, **files):
        operations = [AddFile(name.replace("__", "."), content) for name, content in files.items()]
        return hub.content.commit(caller, model, "main", operations, title="x").oid

    return add


def work(hub):
    while hub.reports.examine_next() or hub.reports.rule_next():
        pass


def test_what_nobody_has_looked_at_is_its_owners_alone(hub, ada, eve, model, add):
    made = add(model__safetensors=GOOD)
    assert hub.content.resolve(ada, model).oid == made
    for caller in (eve, ANONYMOUS):
        with pytest.raises(UnexaminedError, match="being examined"):
            hub.content.resolve(caller, model)
        with pytest.raises(UnexaminedError):
            hub.content.tree(caller, model, made)
    work(hub)
    assert hub.content.resolve(ANONYMOUS, model).oid == made
    assert hub.gate.state(ANONYMOUS, model, "main").passes


def test_what_would_run_code_is_refused_and_the_older_revision_stays(hub, ada, eve, model, add):
    good = add(model__safetensors=GOOD)
    work(hub)
    evil = add(extra__pkl=EVIL)
    assert hub.content.resolve(eve, model).oid == good, "the older one is served while the newer is examined"
    work(hub)
    assert hub.content.resolve(eve, model).oid == good
    assert hub.content.resolve(ada, model).oid == evil
    assert [entry.path for entry in hub.content.tree(eve, model)] == [".gitattributes", "model.safetensors"]
    with pytest.raises(HeldError, match=r"refused by the hub's policy: .*would run code"):
        hub.content.entry(eve, model, evil, "extra.pkl")
    with pytest.raises(HeldError):
        hub.content.entry(eve, model, "main", "extra.pkl")
    with pytest.raises(EntryNotFoundError):  # clients ask for files that models may have
        hub.content.entry(eve, model, "main", "adapter_config.json")
    with pytest.raises(HeldError):
        hub.reports.json(eve, model, evil)
    state = hub.gate.state(ada, model, evil)
    assert state.action == "refuse"
    assert state.decisions[0]["fact"] == "pickle.dangerous-import"
    with pytest.raises(ForbiddenError, match="refused, not held"):
        hub.gate.release(model, evil, "ada", "please")


def test_refs_lead_others_to_what_passed(hub, ada, eve, model, add):
    good = add(model__safetensors=GOOD)
    work(hub)
    evil = add(extra__pkl=EVIL)
    hub.refs.create_tag(ada, model, "v2")
    work(hub)
    assert {ref.name: ref.target for ref in hub.refs.list(eve, model)} == {"main": good, "v2": good}
    assert {ref.name: ref.target for ref in hub.refs.list(ada, model)} == {"main": evil, "v2": evil}


def test_a_held_revision_is_released_by_name(hub, ada, eve, model, add):
    hub.policies.set("", HOLDS_UNLICENSED, "operator")
    made = add(model__safetensors=GOOD)
    work(hub)
    with pytest.raises(HeldError, match="held for review by the hub's policy: no licence"):
        hub.content.resolve(eve, model)
    assert (model, made) in [(repo, state.commit) for repo, state in hub.gate.stopped()]
    with pytest.raises(UsageError, match="who"):
        hub.gate.release(model, made, "", "looked at it")
    hub.gate.release(model, made, "operator", "looked at it")
    assert hub.content.resolve(eve, model).oid == made
    assert hub.gate.state(eve, model, "main").released_by == "operator"
    with pytest.raises(RevisionNotFoundError):
        hub.gate.release(model, "0" * 40, "operator", "looked at it")


def test_another_policy_is_asked_about_what_is_there_already(hub, ada, eve, model, add):
    add(model__safetensors=GOOD)
    work(hub)
    hub.policies.set("ada", HOLDS_UNLICENSED, "operator")
    assert hub.content.resolve(eve, model), "the old ruling holds until the new one is there"
    work(hub)
    with pytest.raises(HeldError):
        hub.content.resolve(eve, model)
    hub.policies.remove("ada")
    work(hub)
    assert hub.content.resolve(eve, model)


def test_a_release_ends_when_the_reasons_change(hub, ada, eve, model, add):
    hub.policies.set("", HOLDS_UNLICENSED, "operator")
    made = add(model__safetensors=GOOD)
    work(hub)
    hub.gate.release(model, made, "operator", "looked at it")
    hub.policies.set("ada/scale", "version: 1\nname: sig\nrules:\n- {signature: missing, action: hold}\n", "operator")
    work(hub)
    with pytest.raises(HeldError):
        hub.content.resolve(eve, model)


def test_a_policy_nearer_cannot_soften_the_hubs(hub, ada, eve, model, add):
    hub.policies.set("ada/scale", 'version: 1\nname: lax\nrules:\n- {finding: "*", action: allow}\n', "operator")
    add(extra__pkl=EVIL)
    work(hub)
    with pytest.raises(HeldError):
        hub.content.entry(eve, model, "main", "extra.pkl")


def test_what_cannot_be_examined_is_held(hub, ada, eve, model, add, monkeypatch):
    monkeypatch.setattr("weighbridge.hub.reports.LONGEST_EXAMINATION", 0.01)
    made = add(model__safetensors=GOOD)
    work(hub)
    with pytest.raises(HeldError, match="not examined"):
        hub.content.resolve(eve, model, made)


def test_signatures_are_checked_against_the_policys_signers(hub, ada, eve, model, add, tmp_path):
    key, files = PrivateKey.generate(), tmp_path / "files"
    files.mkdir()
    (files / "model.safetensors").write_bytes(GOOD)
    bundle = sign(files, KeySigner(key)).json()
    pem = key.public.pem.decode().replace("\n", "\n    ")
    rules = "rules:\n- {signature: [missing, unknown-signer, broken], action: hold}\n"
    hub.policies.set(
        "", f"version: 1\nname: signed\n{rules}signers:\n- name: release\n  key: |\n    {pem}\n", "operator"
    )
    signed = add(model__safetensors=GOOD, model__sig=bundle)
    work(hub)
    assert hub.content.resolve(eve, model).oid == signed, hub.gate.state(ada, model, signed)
    assert hub.gate.state(eve, model, signed).signature == {"state": "valid", "signer": "release", "detail": ""}
    added = add(extra__txt=b"nobody signed this")
    work(hub)
    assert hub.content.resolve(eve, model).oid == signed
    assert "added: extra.txt" in hub.gate.state(ada, model, added).decisions[0]["message"]


def test_members_who_may_write_see_what_is_held(hub, ada, bob, eve):
    hub.people.add_member("lab", "ada", Role.WRITE)
    ada = hub.people.authenticate(hub.people.create_token("ada", Role.WRITE))
    repo = hub.repos.create(ada, RepoId("model", "lab", "m")).id
    made = hub.content.commit(ada, repo, "main", [AddFile("extra.pkl", EVIL)], title="x").oid
    work(hub)
    assert hub.content.resolve(ada, repo).oid == made
    assert hub.content.resolve(bob, repo).oid != made, "bob may only read"


def test_a_hub_without_a_gate_gives_everything(hub, eve, model, add):
    made = add(extra__pkl=EVIL)
    hub.close()
    with Hub.open(hub.data, gated=False) as open_hub:
        assert open_hub.content.resolve(eve, model).oid == made


def test_policies_that_make_no_sense_are_refused(hub):
    with pytest.raises(PolicyError, match="rule"):
        hub.policies.set("", "version: 1\nname: x\nrule: []", "operator")
    with pytest.raises(PolicyError, match="no policy"):
        hub.policies.remove("ada")


def test_an_older_examiner_means_another_look(hub, ada, eve, model, add, monkeypatch):
    made = add(model__safetensors=GOOD)
    work(hub)
    monkeypatch.setattr("weighbridge.hub.reports.edition", lambda: "another")
    hub.reports.renew()
    assert hub.content.resolve(eve, model).oid == made, "the old ruling holds meanwhile"
    assert hub.reports.examine_next()


ESCAPE = b'{"chat_template": "{{ \'\'.__class__.__mro__[1].__subclasses__() }}"}'


def test_danger_is_stopped_where_there_are_no_weights_too(hub, eve, ada, model, add):
    add(tokenizer_config__json=ESCAPE)
    work(hub)
    state = hub.gate.state(ada, model, "main")
    assert (state.action, state.decisions[0]["fact"]) == ("refuse", "template.escape")
    with pytest.raises(HeldError):
        hub.content.entry(eve, model, "main", "tokenizer_config.json")


def test_danger_beside_good_weights_is_stopped(hub, eve, ada, model, add):
    good = add(model__safetensors=GOOD, README__md=b"# Scale\n")
    work(hub)
    assert hub.content.resolve(eve, model).oid == good
    add(extra__gz=gzip.compress(EVIL))
    work(hub)
    assert hub.gate.state(ada, model, "main").action == "refuse"
    assert hub.content.resolve(eve, model).oid == good
