"""What a recipe asks for is done, or refused before anything is written."""

import pytest

from weighbridge.errors import UsageError
from weighbridge.learn.recipe import ImageSpec
from weighbridge.learn.training import run

from ..samples import blobs, recipe


@pytest.mark.parametrize(
    ("part", "values", "said"),
    [
        ("train", {"baseline": True}, "starts from nothing"),
        ("hardware", {"processes": 2}, "trains in one process"),
        ("hardware", {"sharding": "fsdp"}, "does not shard"),
        ("data", {"image": ImageSpec(augment=("flip",))}, "changes pictures, and this data is table"),
        ("evaluate", {"metrics": ("accuracy", "f7")}, "f7 is not known for classification"),
    ],
)
def test_what_is_not_done_is_refused(tmp_path, part, values, said):
    what = recipe()
    what = what.model_copy(update={part: getattr(what, part).model_copy(update=values)})
    with pytest.raises(UsageError, match=said):
        run(what, blobs(), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_metrics_that_a_recipe_asks_for_are_those_of_its_card(tmp_path):
    result = run(recipe(evaluate={"metrics": ["balanced_accuracy", "macro_f1"]}), blobs(), tmp_path)
    assert list(result.metrics["metrics"]) == ["balanced_accuracy", "macro_f1"]
    assert "accuracy" in result.metrics["splits"]["test"]["metrics"]
