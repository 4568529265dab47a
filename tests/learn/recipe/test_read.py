"""A recipe from its file: variables, settings, and errors that name the line. The schema agrees."""

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from weighbridge.errors import FormatError, RecipeError, UsageError
from weighbridge.learn.recipe.read import read

ROOT = Path(__file__).parents[3]
TEXT = """\
recipe: 1
name: test
data:
  path: ${PLACE:-here}
model:
  network: mlp
train:
  steps: 3
"""


@pytest.fixture
def path(tmp_path):
    (tmp_path / "recipe.yaml").write_text(TEXT)
    return tmp_path / "recipe.yaml"


def test_variables_stand_in_texts_and_have_an_else(path):
    assert read(path, variables={"PLACE": "there"}).recipe.data.path == "there"
    given = read(path, variables={})
    assert given.recipe.data.path == "here"
    assert given.text == TEXT
    assert given.where == path.parent


def test_settings_are_yaml_and_the_last_one_wins(path):
    settings = ["train.steps=4", "train.steps=5", "model.options={hidden: [7]}", "start=null", "data.only=[a, b]"]
    recipe = read(path, settings, variables={}).recipe
    assert (recipe.train.steps, recipe.model.options, recipe.start) == (5, {"hidden": [7]}, None)
    assert recipe.data.only == ("a", "b")
    assert read(path, ["data.path=${OTHER}"], variables={"OTHER": "x"}).recipe.data.path == "x"


@pytest.mark.parametrize("setting", ["train.steps", "=3", "train..steps=1", "train.steps={"])
def test_what_is_no_setting_is_refused(path, setting):
    with pytest.raises(UsageError, match=r"setting|YAML"):
        read(path, [setting], variables={})


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("steps: 3", "steps: 0", r"recipe.yaml:8: train.steps"),
        ("steps: 3", "stepps: 3", r"recipe.yaml:8: train.stepps: is not known here"),
        ("steps: 3", "epochs: 1\n  steps: 2", "either epochs or steps"),
        ("network: mlp", "networks: mlp", r"recipe.yaml:5: model.network: is missing"),
        ("recipe: 1", "recipe: 2", r"recipe.yaml:1: recipe"),
        ("name: test", "name: &a [*a]", "recipe.yaml:2"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(path, old, new, said):
    path.write_text(TEXT.replace(old, new))
    with pytest.raises(FormatError, match=said):
        read(path, variables={})


def test_a_key_that_is_wrong_is_an_error_of_the_recipe_and_no_yaml_one_of_the_format(path):
    path.write_text(TEXT + "hardwear: {}\n")
    with pytest.raises(RecipeError, match="hardwear"):
        read(path, variables={})
    path.write_text("recipe: [")
    with pytest.raises(FormatError) as told:
        read(path, variables={})
    assert not isinstance(told.value, RecipeError)


def test_a_variable_that_is_not_set_is_named(path):
    path.write_text(TEXT.replace(":-here", ""))
    with pytest.raises(UsageError, match="PLACE"):
        read(path, variables={})


@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("cat-*.yaml")), ids=lambda each: each.stem)
def test_the_schema_accepts_the_examples_and_refuses_what_reading_refuses(example):
    schema = json.loads((ROOT / "spec/recipe.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    values = yaml.safe_load(example.read_text())
    Draft202012Validator(schema).validate(values)
    assert not Draft202012Validator(schema).is_valid({**values, "surprise": 1})
    assert not Draft202012Validator(schema).is_valid({**values, "train": {**values["train"], "batch_size": 0}})
    assert read(example, variables={}).recipe.name == example.stem.replace("cat-eight", "eight")
