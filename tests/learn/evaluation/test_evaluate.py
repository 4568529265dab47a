"""A published model is measured again to the same digits."""

import json

import pytest
import torch

from weighbridge.errors import FormatError, UsageError
from weighbridge.learn.evaluation.evaluate import evaluate
from weighbridge.learn.training import run

from ..samples import blobs, line, pictures, recipe

CASES = {
    "mlp": (blobs, recipe(options={"norm": "batch"})),
    "cnn": (pictures, recipe("cnn", {"channels": [4, 6]})),
    "regression": (line, recipe()),
    "two numbers": (lambda: line(outputs=2), recipe()),
}


@pytest.mark.parametrize("name", CASES)
def test_the_published_metrics_come_out_again_to_the_last_digit(name, tmp_path):
    data, what = CASES[name]
    published = run(what, data(), tmp_path).metrics
    for _ in range(2):
        assert evaluate(tmp_path, data()).as_json() == json.loads(json.dumps(published["splits"]["test"]))
    assert evaluate(tmp_path, data(), "train").metrics == published["splits"]["train"]["metrics"]


def test_measuring_draws_no_random_number(tmp_path):
    run(recipe(options={"dropout": 0.5}), blobs(), tmp_path)
    torch.manual_seed(1)
    expected = torch.rand(2)
    torch.manual_seed(1)
    module_rng_untouched = torch.get_rng_state()
    from weighbridge.learn.evaluation.evaluate import load
    from weighbridge.learn.evaluation.measure import measure

    module = load(tmp_path)
    torch.set_rng_state(module_rng_untouched)
    measure(module, blobs().test, blobs().facts, 7)
    assert torch.equal(torch.rand(2), expected)


def test_data_of_another_shape_and_a_split_that_is_empty_are_refused(tmp_path):
    run(recipe(), blobs(sizes=(60, 20, 20)), tmp_path)
    with pytest.raises(UsageError, match="was made for"):
        evaluate(tmp_path, blobs(width=5))
    with pytest.raises(UsageError, match="no samples"):
        evaluate(tmp_path, blobs(sizes=(60, 0, 20)), "validation")
    with pytest.raises(UsageError, match="no split 'tests'"):
        evaluate(tmp_path, blobs(), "tests")


def test_a_folder_that_holds_no_description_is_told(tmp_path):
    (tmp_path / "weighbridge.json").write_text("{}")
    with pytest.raises(FormatError, match="no description of a trained model"):
        evaluate(tmp_path, blobs())
