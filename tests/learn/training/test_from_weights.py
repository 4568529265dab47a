"""A run that starts from weights: what is frozen stays bit for bit, and the report says what moved."""

import json
import shutil

import numpy as np
import pytest

import weighbridge as wb
from weighbridge.errors import OtherRunError, UsageError
from weighbridge.learn.record import read
from weighbridge.learn.start import find
from weighbridge.learn.training import Preparing, run

from ..samples import pictures, recipe

OPTIONS = {"channels": [4, 6]}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    run(recipe("cnn", OPTIONS, steps=20), pictures(), folder)
    return folder


def tensors(folder):
    with wb.open(folder / "model.safetensors") as held:
        return {name: np.array(held[name].numpy()) for name in held}


def go(folder, out, data=None, **train):
    what = recipe("cnn", OPTIONS, start=str(folder), **train)
    return run(what, data or pictures(seed=3), out, start=find(str(folder), where=out))


@pytest.mark.parametrize("how", [{"name": "lbfgs", "weight_decay": 0.01}, {"name": "adamw"}])
def test_a_head_on_frozen_features_leaves_the_body_as_it_was(trained, tmp_path, how):
    seen = []
    what = recipe("cnn", OPTIONS, start=str(trained), what="head", optimizer=how, steps=30)
    result = run(what, pictures(seed=3), tmp_path / "out", start=find(str(trained), where=tmp_path), tell=seen.append)
    before, after = tensors(trained), tensors(tmp_path / "out")
    for name, values in before.items():
        assert np.array_equal(values, after[name]) == (not name.startswith("head.")), name
    said = {each["name"]: each["said"] for each in result.metrics["moved"]}
    assert said["body.0"] == "body.0: unchanged, bit for bit"
    assert "moved by" in said["head"]
    assert [each.count for each in seen if isinstance(each, Preparing)][:2] == [48, 48]
    assert not (tmp_path / "out" / ".features").exists()
    card = (tmp_path / "out" / "README.md").read_text()
    assert "- body.0: unchanged, bit for bit" in card
    assert "bit for bit as before" in (tmp_path / "out" / "report.html").read_text()


def test_frozen_features_and_the_whole_network_agree(trained, tmp_path):
    """What the loop measured on features is what the published files say of pictures."""
    result = go(trained, tmp_path, what="head", optimizer={"name": "lbfgs", "weight_decay": 0.01}, steps=50)
    measured = next(line["metrics"] for line in read(tmp_path) if line.get("split") == "validation")
    published = result.metrics["splits"]["validation"]["metrics"]
    assert measured["accuracy"] == published["accuracy"]
    assert measured["loss"] == pytest.approx(published["loss"], rel=1e-5)


def test_layers_learn_at_rates_of_their_own(trained, tmp_path):
    result = go(trained, tmp_path, optimizer={"name": "sgd", "layer_decay": 0.1, "momentum": 0.0}, steps=3)
    by_layer = {each["name"]: each["relative"] for each in result.metrics["moved"]}
    assert 0 < by_layer["body.0"] < by_layer["body.1"] < by_layer["head"]


def test_other_starting_weights_do_not_go_on(trained, tmp_path):
    class StoppedError(Exception):
        pass

    def stop(_event):
        raise StoppedError

    what = recipe("cnn", OPTIONS, start="weights")
    with pytest.raises(StoppedError):
        run(what, pictures(), tmp_path / "out", start=find(str(trained), where=tmp_path), tell=stop)
    run(recipe("cnn", OPTIONS, seed=9), pictures(), tmp_path / "other")
    with pytest.raises(OtherRunError, match="other starting weights"):
        run(what, pictures(), tmp_path / "out", start=find(str(tmp_path / "other"), where=tmp_path))


def test_the_licences_of_weights_and_data_go_along(trained, tmp_path):
    card = "---\nlicense: [cc-by-nc-4.0, mit]\n---\n"
    origin = tmp_path / "origin"
    shutil.copytree(trained, origin)
    (origin / "README.md").write_text(card)
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures/README.md").write_text("---\nlicense: other\nlicense_name: ours\n---\n")
    what = recipe("cnn", OPTIONS, start="weights", steps=1)
    what = what.model_copy(update={"data": what.data.model_copy(update={"path": "pictures"})})
    run(what, pictures(), tmp_path / "out", where=tmp_path, start=find(str(origin), where=tmp_path))
    stated = json.loads((tmp_path / "out/provenance.intoto.json").read_text())
    found = {each["name"]: each for each in stated["predicate"]["buildDefinition"]["resolvedDependencies"]}
    assert found["starting weights"]["annotations"]["licence"] == "cc-by-nc-4.0, mit"
    assert found["data"]["annotations"] == {"given": "pictures", "licence": "ours"}


def test_a_recipe_whose_weights_nobody_found_is_refused(tmp_path):
    with pytest.raises(UsageError, match="starts from"):
        run(recipe(start="org/name"), pictures(), tmp_path)
