"""The head on frozen features: one linear layer, found by LBFGS on all samples at once, in moments and to the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from weighbridge.errors import UsageError
from weighbridge.learn.evaluation.measure import tensors
from weighbridge.learn.transfer.features import FrozenSamples

_HISTORY = 10


@dataclass(frozen=True, slots=True)
class HeadFit:
    """How the fit went: the objective after each iteration, and whether it ended because nothing moved any more."""

    losses: tuple[float, ...]
    converged: bool


def fit_head(
    head: nn.Linear,
    samples: FrozenSamples,
    *,
    weight_decay: float = 1e-2,
    steps: int = 200,
    smoothing: float = 0.0,
    tell: Callable[[int, float], None] | None = None,
) -> HeadFit:
    """Give `head` the weights of the penalised (multinomial) logistic or linear regression on these features.

    Features are standardised while fitting, which is then folded into the weights: so one `weight_decay`, the share
    of half the squared weights in the objective beside the mean loss, suits features of any scale. Starts from zero:
    the outcome depends on samples and weight_decay alone, not on a seed. `tell` is called with the number of each
    iteration and its objective. Raises `UsageError` without samples, or for a head without a bias.
    """
    if not len(samples):
        raise UsageError("there is no sample to fit a head to")
    if head.bias is None:
        raise UsageError("a head without a bias cannot be fitted to frozen features")
    arrays = tensors({"values": samples.values, "targets": samples.targets}, torch.device("cpu"))
    values, targets = arrays["values"], arrays["targets"]
    mean, scale = values.mean(0), values.std(0, correction=0)
    scale = torch.where(scale > 1e-6, scale, torch.ones_like(scale))
    inputs = (values - mean) / scale
    weight = torch.zeros(head.out_features, head.in_features, requires_grad=True)
    bias = torch.zeros(head.out_features, requires_grad=True)

    def objective() -> Tensor:
        outputs = functional.linear(inputs, weight, bias)
        return _loss(outputs, targets, smoothing) + weight_decay / 2 * weight.square().sum()

    losses, converged = _minimise(objective, [weight, bias], steps, tell or _nobody)
    with torch.no_grad():
        folded = weight / scale
        head.weight.copy_(folded)
        head.bias.copy_(bias - folded @ mean)
    return HeadFit(losses, converged)


def _loss(outputs: Tensor, targets: Tensor, smoothing: float) -> Tensor:
    if targets.dtype == torch.int64:
        return functional.cross_entropy(outputs, targets, label_smoothing=smoothing)
    return functional.mse_loss(outputs, targets.reshape(outputs.shape))


def _nobody(_step: int, _loss: float) -> None:
    pass


def _minimise(
    objective: Callable[[], Tensor], parameters: list[Tensor], steps: int, tell: Callable[[int, float], None]
) -> tuple[tuple[float, ...], bool]:
    optimiser = torch.optim.LBFGS(parameters, max_iter=1, history_size=_HISTORY, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss: Tensor = objective()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    losses: list[float] = []
    for step in range(steps):
        losses.append(optimiser.step(closure).item())  # type: ignore[no-untyped-call]
        tell(step + 1, losses[-1])
        gradient = max(float(each.grad.abs().max()) for each in parameters if each.grad is not None)
        if gradient < 1e-5:
            return tuple(losses), True
    return tuple(losses), False
