"""The parts of a run: order, schedules, state, rates, stopping, threads."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from weighbridge.errors import FormatError
from weighbridge.learn.data import Facts
from weighbridge.learn.networks import find
from weighbridge.learn.recipe.model import OptimizerSpec, ScheduleSpec
from weighbridge.learn.training import optimisers, state, threads
from weighbridge.learn.training.order import Order
from weighbridge.learn.training.schedules import factor
from weighbridge.learn.training.stopping import Best
from weighbridge.learn.training.weights import distributions


@given(st.integers(1, 70), st.integers(1, 20), st.integers(1, 4), st.integers(0, 3))
def test_an_epoch_sees_each_sample_once_and_never_a_batch_of_one(samples, size, accumulate, seed):
    order = Order(samples, size, accumulate, seed)
    steps = math.ceil(order.batches_per_epoch / accumulate)
    batches = [batch for step in range(steps) for batch in order.batches(step)]
    seen = np.concatenate([indices for number, indices in batches if number < order.batches_per_epoch])
    assert len(set(seen)) == len(seen) >= samples - 1
    if samples > 1 and size > 1:
        assert all(len(indices) > 1 for _, indices in batches)
    assert order.steps_in(1) == max(steps, 1)


def test_order_and_draws_follow_from_seed_and_number():
    one, same, other = (Order(50, 8, 1, seed) for seed in (1, 1, 2))
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(one.batches(9), same.batches(9), strict=True))
    assert not np.array_equal(one.batches(9)[0][1], other.batches(9)[0][1])
    assert not np.array_equal(one.batches(0)[0][1], one.batches(one.batches_per_epoch)[0][1])  # another epoch
    assert one.torch_seed(3) == same.torch_seed(3) != one.torch_seed(4)


@pytest.mark.parametrize("name", ["linear", "cosine", "onecycle"])
def test_a_schedule_reaches_the_full_rate_and_falls_towards_nothing(name):
    rates = [factor(ScheduleSpec(name=name), step, 200) for step in range(200)]
    assert max(rates) == pytest.approx(1, abs=0.01)
    assert 0 <= rates[-1] < 0.02
    assert rates == sorted(rates[: rates.index(max(rates))]) + sorted(rates[rates.index(max(rates)) :], reverse=True)


def test_onecycle_is_that_of_torch():
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1.0, total_steps=100, cycle_momentum=False)
    ours = [factor(ScheduleSpec(name="onecycle"), step, 100) for step in range(100)]
    for step in range(100):
        assert ours[step] == pytest.approx(theirs.get_last_lr()[0], abs=1e-9)
        optimizer.step()
        theirs.step()


def test_warmup_rises_before_the_schedule():
    rates = [factor(ScheduleSpec(name="constant", warmup=0.25), step, 20) for step in range(20)]
    assert rates[:6] == pytest.approx([1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1])
    assert set(rates[5:]) == {1.0}


plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
nested = st.recursive(
    plain | st.binary(min_size=1, max_size=12).map(lambda data: torch.tensor(list(data), dtype=torch.float32)),
    lambda inside: (
        st.lists(inside, max_size=3)
        | st.lists(inside, max_size=3).map(tuple)
        | st.dictionaries(st.integers() | st.text(max_size=4), inside, max_size=3)
    ),
    max_leaves=8,
)


def same(a, b):
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return type(b) is dict and list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and (a == b or (a != a and b != b))


@given(st.dictionaries(st.text(max_size=4), nested, max_size=4))
def test_any_state_comes_back_bit_for_bit(held):
    assert same(held, state.decode(state.encode(held)))


@pytest.mark.parametrize("data", [b"", b"x" * 40, state.encode({})[:-1], (2).to_bytes(8, "little") + b"{}"])
def test_what_is_no_checkpoint_is_refused(data):
    with pytest.raises(FormatError):
        state.decode(data, "step-1")


def test_each_layer_learns_slower_than_the_one_above_and_only_weights_decay():
    network, options = find("mlp", {"hidden": [4, 4], "norm": "layer"})
    module = network.build(options, Facts("classification", "table", (3,), ("a", "b")))
    spec = OptimizerSpec(learning_rate=0.1, layer_decay=0.5, weight_decay=0.2)
    optimizer = optimisers.build(spec, module, network.layers(module))
    optimisers.set_rate(optimizer, 0.1)
    held = {id(each): group for group in optimizer.param_groups for each in group["params"]}
    rates = {name: (held[id(each)]["lr"], held[id(each)]["weight_decay"]) for name, each in module.named_parameters()}
    assert rates["head.weight"] == (pytest.approx(0.1), 0.2)
    assert rates["head.bias"] == (pytest.approx(0.1), 0.0)
    assert rates["body.1.0.weight"] == (pytest.approx(0.05), 0.2)
    assert rates["body.0.1.weight"] == (pytest.approx(0.025), 0.0)


def test_the_best_is_the_lowest_loss_or_the_highest_accuracy():
    loss, accuracy = Best("loss"), Best("accuracy")
    for step, value in enumerate([3.0, 1.0, 2.0, float("nan"), 1.0], 1):
        loss, accuracy = loss.after(value, step), accuracy.after(value, step)
    assert (loss.step, loss.since, accuracy.step, accuracy.since) == (2, 3, 1, 4)
    assert loss.exhausted(3)
    assert not loss.exhausted(4)


def test_choosing_threads_changes_neither_the_module_nor_what_is_drawn_next():
    module, before = nn.Linear(2, 2), torch.get_num_threads()
    weights = module.weight.detach().clone()
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)

    def step(trial):
        torch.rand(9)
        trial.weight.data += 1

    try:
        assert threads.choose(module, step, most=2) in (1, 2)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(module.weight, weights)
    assert torch.equal(torch.rand(3), expected)


def test_distributions_count_every_value_of_what_is_trained():
    module = nn.Linear(30, 4)
    module.bias.requires_grad_(False)
    ((name, found),) = distributions(module).items()
    assert name == "weight"
    assert sum(found["counts"]) == 120
    assert found["norm"] == pytest.approx(float(module.weight.detach().norm()))
    assert found["low"] == pytest.approx(float(module.weight.detach().min()))
