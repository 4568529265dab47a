"""What goes wrong in a step is named: where it began, and in which samples."""

import dataclasses
import errno

import numpy as np
import pytest
import torch
from torch import nn

from weighbridge.errors import NotFiniteError, OutOfMemoryError, StorageFullError, UsageError
from weighbridge.learn.record import Record
from weighbridge.learn.training import run
from weighbridge.learn.training.checkpoints import Checkpoints
from weighbridge.learn.training.events import Step
from weighbridge.learn.training.faults import explain
from weighbridge.store import Store

from ..samples import blobs, recipe


def test_an_input_that_is_no_number_is_named_with_its_sample(tmp_path):
    data = blobs()
    data.train.inputs[37, 2] = np.nan
    with pytest.raises(NotFiniteError, match=r"at step \d+: the input features holds NaN or infinity; .*samples 37$"):
        run(recipe(evaluate={"every": 12}), data, tmp_path / "a")
    with pytest.raises(NotFiniteError, match=r"train split, after step 1: the output is NaN .* for samples 37$"):
        run(recipe(evaluate={"every": 1}, seed=1), data, tmp_path / "b")
    assert not list(tmp_path.rglob("model.safetensors"))


def test_a_rate_that_is_too_high_is_told_with_the_step(tmp_path):
    what = recipe(optimizer={"name": "sgd", "learning_rate": 1e30}, steps=30)
    with pytest.raises(NotFiniteError, match=r"at step \d+: ") as told:
        run(what, blobs(), tmp_path)
    assert "learning_rate" in told.value.hint


class Logarithm(nn.Module):
    def forward(self, values):
        return values.log()


class Root(nn.Module):
    def forward(self, values):
        return (values * 0).sqrt()  # finite, with an infinite gradient


def explained(layers, values, scale=1.0):
    torch.manual_seed(0)
    module = nn.Sequential(*layers)
    indices = np.arange(len(values)) + 100

    def backward(batch, _indices):
        loss = module(batch["x"]).sum() * scale
        loss.backward()
        return loss.detach()

    return str(explain(module, [(indices, {"x": values})], backward, step=7))


def test_the_first_layer_whose_output_is_no_number_is_named_with_the_samples():
    values = torch.ones(4, 3)
    values[2] = -1
    told = explained([nn.Identity(), Logarithm(), nn.Linear(3, 2)], values)
    assert told == "NaN or infinity at step 7: the output of the layer 1 first; training samples 102"


def test_the_layer_where_a_gradient_becomes_infinite_is_named():
    told = explained([nn.Linear(3, 3), Root(), nn.Linear(3, 1)], torch.ones(2, 3))
    assert told.startswith("NaN or infinity at step 7: the gradient in the layer 1 first")


def test_a_loss_of_finite_outputs_and_broken_weights_are_told_apart():
    assert "the loss itself" in explained([nn.Linear(3, 1)], torch.ones(2, 3), scale=float("inf"))
    module = nn.Linear(2, 1)
    module.weight.data[0, 1] = float("inf")
    told = explain(module, [], lambda *_: torch.zeros(()), step=3)
    assert "the weights weight were no longer finite before the step" in str(told)


def full(*_arguments, **_named):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("place", "name", "at"), [(Checkpoints, "save", 2), (Store, "bind", 3), (Record, "add", 20), (Record, "secure", 2)]
)
def test_a_full_disk_is_told_and_the_run_goes_on_when_there_is_room(place, name, at, tmp_path, monkeypatch):
    run(recipe(), blobs(), tmp_path / "whole")
    kept, calls = getattr(place, name), iter(range(1000))
    with monkeypatch.context() as patched:
        patched.setattr(place, name, lambda *given, **named: (full if next(calls) >= at else kept)(*given, **named))
        with pytest.raises(StorageFullError) as told:
            run(recipe(), blobs(), tmp_path / "out")
    assert "run the same command again" in told.value.hint
    assert not (tmp_path / "out/weighbridge.json").exists()
    run(recipe(), blobs(), tmp_path / "out")
    assert (tmp_path / "out/model.safetensors").read_bytes() == (tmp_path / "whole/model.safetensors").read_bytes()


def test_a_full_disk_while_publishing_leaves_no_model(tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("weighbridge.learn.publish.model.page", full)
        with pytest.raises(StorageFullError):
            run(recipe(), blobs(), tmp_path)
    assert not {"model.safetensors", "config.json", "README.md"} & {each.name for each in tmp_path.iterdir()}
    assert run(recipe(), blobs(), tmp_path).resumed == 12


@pytest.mark.parametrize("raised", [RuntimeError("DefaultCPUAllocator: can't allocate memory"), MemoryError()])
def test_missing_memory_is_told_with_what_to_do(raised, tmp_path, monkeypatch):
    def hungry(*_given):
        raise raised

    monkeypatch.setattr("weighbridge.learn.training.loop.measure", hungry)
    with pytest.raises(OutOfMemoryError) as told:
        run(recipe(), blobs(), tmp_path)
    assert "batch_size" in told.value.hint


def test_ctrl_c_leaves_nothing_half_published_and_a_run_that_goes_on(tmp_path):
    def interrupt(event):
        if isinstance(event, Step) and event.step == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(recipe(), blobs(), tmp_path, tell=interrupt)
    assert not (tmp_path / "model.safetensors").exists()
    assert run(recipe(), blobs(), tmp_path).resumed == 4


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ({"precision": "float16"}, "needs a GPU"),
        ({"stopping": {"metric": "acuracy"}}, "acuracy"),
        ({"what": "lora"}, "LoRA"),
        ({"optimizer": {"name": "lbfgs", "weight_decay": 0.1}}, "lbfgs"),
    ],
)
def test_a_recipe_that_cannot_be_run_is_refused(what, message, tmp_path):
    with pytest.raises(UsageError, match=message):
        run(recipe(**what), blobs(), tmp_path)


def test_stopping_needs_samples_to_validate_on(tmp_path):
    data = blobs(sizes=(60, 0, 20))
    with pytest.raises(UsageError, match="validate"):
        run(recipe(stopping={}), data, tmp_path)
    assert run(recipe(), dataclasses.replace(data), tmp_path / "without").steps == 12
