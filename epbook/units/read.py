"""A network of any kind with data and a loss, read in float64; what would be read wrongly is refused."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from epbook.given.data import is_finite, wide
from epbook.losses import Loss, is_mse, mse_loss, widened
from epbook.units.attention import with_plain_attention
from epbook.units.problem import Problem


def read(
    net: nn.Module, x: Tensor, y: Tensor | None = None, *, loss: Loss = mse_loss, check: bool = True
) -> Problem:
    """A network of any kind as a `Problem`; it is copied, not changed.

    R(θ) = loss(net(x), y).

    x: what the network takes, real numbers or indices (tokens). Raises TypeError for no module, ValueError
    for numbers that are not finite, a y that the loss would broadcast, and dropout that is at work.
    Source: the conventions of the whole book.

    >>> read(nn.Linear(2, 1), torch.zeros(3, 2), torch.zeros(3, 1)).values["weight"].dtype
    torch.float64
    """
    if not isinstance(net, nn.Module):
        raise TypeError(f"expected a network, an nn.Module, got {type(net).__name__}")
    for name, module in net.named_modules():
        p = module.p if isinstance(module, nn.modules.dropout._DropoutNd) else getattr(module, "dropout", 0)
        if module.training and isinstance(p, float) and p > 0:
            raise ValueError(f"dropout ({name}) is at work, so the output is drawn anew: call net.eval()")
    own = with_plain_attention(copy.deepcopy(net)).double().requires_grad_(True)
    for module in own.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.training:
            # It uses the batch's own mean; what it would note down for later is no part of the output.
            module.running_mean = module.running_var = module.num_batches_tracked = None
    values = {name: wide(part) for name, part in own.named_parameters()}
    for name, part in values.items():
        if not is_finite(part):
            raise ValueError(f"{name} holds values that are not finite")
    taken = wide(x) if x.is_floating_point() else x
    if not is_finite(taken.double()):
        raise ValueError("x holds values that are not finite")
    device = next(iter(values.values())).device
    problem = Problem(own, values, taken, None, widened(loss, device))
    if y is None:
        return problem
    target = wide(y) if y.is_floating_point() else y
    problem = Problem(own, values, taken, target, problem.loss)
    if check:
        with torch.no_grad():
            output = problem.output(values)
            if output.shape != y.shape and (is_mse(loss) or y.is_floating_point()):
                raise ValueError(
                    f"y must be of shape {tuple(output.shape)} like the output, got {tuple(y.shape)}"
                )
            if problem.loss(output, target).numel() != 1:
                raise ValueError("the loss must give one number: use reduction='mean' or sum it up")
    return problem
