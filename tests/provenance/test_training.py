"""What a training run states of its files is true, complete, the same each time, and read by in-toto's own library."""

import hashlib
import json

import pytest
from google.protobuf.json_format import Parse
from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance
from in_toto_attestation.v1.statement import Statement as TheirStatement
from in_toto_attestation.v1.statement_pb2 import Statement as TheirMessage

from weighbridge.learn.training import run
from weighbridge.provenance import FILE, training_run
from weighbridge.trust.statement import Statement

from ..learn.samples import pictures, recipe


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    run(recipe("cnn", {"channels": [4]}), pictures(), folder)
    return folder


@pytest.fixture(scope="module")
def statement(folder):
    return Statement.parse((folder / FILE).read_bytes())


def test_every_file_that_the_run_made_is_a_subject_with_its_digest(folder, statement):
    stated = {each.name: each.digest["sha256"] for each in statement.subjects}
    assert {"model.safetensors", "metrics.json", "weighbridge.json"} <= set(stated)
    assert not {"README.md", "report.html", FILE} & set(stated)
    for name, digest in stated.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


def test_it_names_the_recipe_the_data_and_the_libraries_of_the_lock(folder, statement):
    lock = json.loads((folder / "recipe.lock.json").read_text())
    definition = statement.predicate["buildDefinition"]
    assert definition["externalParameters"]["recipe"] == lock["recipe"]
    assert definition["internalParameters"]["seed"] == lock["seed"]
    found = {each["name"]: each for each in definition["resolvedDependencies"]}
    assert found["data"]["digest"] == {"blake3": pictures().digest}
    assert found["numpy"]["uri"] == f"pkg:pypi/numpy@{lock['versions']['numpy']}"
    assert "starting weights" not in found


def test_in_totos_own_library_reads_it(folder):
    text = (folder / FILE).read_bytes()
    theirs = Parse(text, TheirMessage())
    TheirStatement.copy_from_pb(theirs).validate()
    predicate = json.loads(text)["predicate"]
    read = Parse(json.dumps(predicate), Provenance())  # refuses fields that SLSA does not know
    assert read.run_details.builder.id.startswith("https://")
    for each in read.build_definition.resolved_dependencies:
        assert each.uri or each.digest or each.content


def test_the_same_run_states_the_same_bytes(folder, tmp_path):
    run(recipe("cnn", {"channels": [4]}), pictures(), tmp_path)
    assert (tmp_path / FILE).read_bytes() == (folder / FILE).read_bytes()


def test_starting_weights_are_named_and_versions_escaped():
    lock = {
        "recipe": {"data": {"path": "d"}, "start": "o/m"},
        "data": {"digest": "d", "licence": "mit"}, "start": {"given": "o/m", "digest": "s"},
        "seed": 0, "threads": 1, "device": "cpu", "machine": {}, "code": "c",
        "versions": {"weighbridge": "1", "python": "3.11.2", "torch": "2.6+cpu"},
    }  # fmt: skip
    stated = training_run(lock, {"split": "test", "samples": 1, "metrics": {}, "step": 1}, {"w": "00"})
    found = {each["name"]: each for each in stated.predicate["buildDefinition"]["resolvedDependencies"]}
    assert found["starting weights"] == {
        "name": "starting weights", "digest": {"blake3": "s"}, "annotations": {"given": "o/m"}
    }  # fmt: skip
    assert found["data"]["annotations"] == {"given": "d", "licence": "mit"}
    assert (found["torch"]["uri"], found["python"]["uri"]) == ("pkg:pypi/torch@2.6%2Bcpu", "pkg:generic/python@3.11.2")
