"""Bills of materials: valid by the official schema, the same for the same files, true about what is there."""

import json

import numpy as np
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from weighbridge.cli.main import run
from weighbridge.errors import PathNotFoundError
from weighbridge.formats.safetensors import write
from weighbridge.provenance.bom import bom

CARD = """---
license: apache-2.0
base_model: lab/base
datasets: [lab/pictures, lab/words]
pipeline_tag: text-classification
library_name: transformers
model-index:
- name: cats
  results:
  - task: {type: text-classification}
    dataset: {name: lab/words, type: lab/words}
    metrics:
    - {type: accuracy, value: 0.93}
    - {type: f1, value: 0.9}
---
# Cats
"""


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "cats"
    made.mkdir()
    write(made / "model.safetensors", {"a": np.ones((3, 4), np.float32), "b": np.zeros(5, np.float16)})
    (made / "README.md").write_text(CARD)
    (made / "config.json").write_text('{"model_type": "bert", "architectures": ["BertForSequenceClassification"]}')
    (made / "metrics.json").write_text("{}")
    return made


def ensure_valid(document):
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document))
    assert problem is None, problem
    return document


def test_it_is_valid_and_says_what_the_files_say(folder):
    made = ensure_valid(bom(folder))
    model = made["metadata"]["component"]
    assert (model["type"], model["name"]) == ("machine-learning-model", "cats")
    assert model["licenses"] == [{"license": {"id": "Apache-2.0"}}]
    assert model["pedigree"]["ancestors"] == [{"type": "machine-learning-model", "name": "lab/base"}]
    parameters = model["modelCard"]["modelParameters"]
    assert parameters["task"] == "text-classification"
    assert parameters["modelArchitecture"] == "BertForSequenceClassification"
    assert parameters["datasets"] == [{"ref": "data:lab/pictures"}, {"ref": "data:lab/words"}]
    metrics = model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    assert metrics[0] == {"type": "accuracy", "value": "0.93", "slice": "lab/words"}
    properties = {each["name"]: each["value"] for each in model["properties"]}
    assert properties["weighbridge:parameters"] == "17"
    assert properties["weighbridge:formats"] == "safetensors"
    assert {each["url"] for each in model["externalReferences"]} == {"metrics.json", "README.md"}
    files = {each["name"]: each["hashes"][0]["content"] for each in made["components"] if each["type"] == "file"}
    assert set(files) == {"README.md", "config.json", "metrics.json", "model.safetensors"}


def test_the_same_files_give_the_same_document_and_others_another(folder):
    first = bom(folder)
    assert bom(folder) == first
    (folder / "config.json").write_text("{}")
    assert bom(folder)["serialNumber"] != first["serialNumber"]


@pytest.mark.parametrize(
    ("header", "licences"),
    [
        ("license: llama3", [{"license": {"name": "llama3"}}]),
        (
            "license: other\nlicense_name: ours\nlicense_link: https://a.test/l",
            [{"license": {"name": "ours", "url": "https://a.test/l"}}],
        ),
        ("license: [mit, CC-BY-4.0]", [{"license": {"id": "MIT"}}, {"license": {"id": "CC-BY-4.0"}}]),
        ("license: 3", None),
        ("model-index: 7\ndatasets: {a: 1}\nbase_model: [1, {}]\ntags: [x, x]", None),
        ("license: [unclosed", None),
    ],
)
def test_any_card_gives_a_valid_document(folder, header, licences):
    (folder / "README.md").write_text(f"---\n{header}\n---\n")
    assert ensure_valid(bom(folder))["metadata"]["component"].get("licenses") == licences


def test_odd_folders_and_files_give_valid_documents(folder, tmp_path):
    ensure_valid(bom(folder / "model.safetensors"))
    (folder / "broken.safetensors").write_bytes(b"\xff" * 20)
    (folder / "config.json").write_text("[" * 100_000)
    made = ensure_valid(bom(folder))
    properties = made["metadata"]["component"]["properties"]
    assert {"name": "weighbridge:unreadable", "value": "broken.safetensors"} in properties
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "notes.txt").write_text("x")
    ensure_valid(bom(plain))


def test_every_licence_that_we_know_is_known_to_the_standard(folder):
    from weighbridge.documents.licences import LICENCES

    names = ", ".join(f'"{name}"' for name in LICENCES)
    (folder / "README.md").write_text(f"---\nlicense: [{names}]\n---\n")
    listed = ensure_valid(bom(folder))["metadata"]["component"]["licenses"]
    assert len(listed) == len(LICENCES)


def test_the_command_writes_it(folder, capsys):
    assert run(["bom", str(folder)]) == 0
    assert json.loads(capsys.readouterr().out) == bom(folder)
    out = folder.parent / "bom.json"
    assert run(["bom", str(folder), "--name", "lab/cats", "--out", str(out)]) == 0
    assert json.loads(out.read_text())["metadata"]["component"]["name"] == "lab/cats"
    assert run(["bom", str(folder / "nothing")]) == 2
    assert "there is no such file" in capsys.readouterr().err


def test_what_is_not_there_is_told(tmp_path):
    with pytest.raises(PathNotFoundError):
        bom(tmp_path / "nothing")
