"""A network of any kind with data and a loss, read in float64; what would be read wrongly is refused."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from epbook.given import data_for, free_copy
from epbook.given.data import wide
from epbook.losses import Loss, is_mse, mse_loss, widened
from epbook.units.attention import with_plain_attention
from epbook.units.problem import Problem


def read(net: nn.Module, x: Tensor, y: Tensor | None = None, *, loss: Loss = mse_loss) -> Problem:
    """A network of any kind as a `Problem`; it is copied, not changed.

    R(θ) = loss(net(x), y).

    x: what the network takes, real numbers or indices (tokens). Raises TypeError for no module, ValueError
    for numbers that are not finite, a y that the loss would broadcast, and dropout that is at work.
    Source: the conventions of the whole book.

    >>> read(nn.Linear(2, 1), torch.zeros(3, 2), torch.zeros(3, 1)).values["weight"].dtype
    torch.float64
    """
    with torch.inference_mode(False):  # what is made in inference mode is lost for autograd
        own = with_plain_attention(free_copy(net))
        values = {name: wide(part) for name, part in own.named_parameters()}
        taken = data_for(own, x, "x")
        problem = Problem(own, values, taken, None, widened(loss, taken.device))
        if y is None:
            return problem
        problem = Problem(own, values, taken, data_for(own, y, "y"), problem.loss)
        _refuse_broadcast(problem, loss)
        return problem


def _refuse_broadcast(problem: Problem, loss: Loss) -> None:
    """Raise ValueError where the loss would compare every output with every target, or gives no number."""
    assert problem.y is not None
    with torch.no_grad():
        output, y = problem.output(problem.values), problem.y
        if output.shape != y.shape and (is_mse(loss) or y.is_floating_point()):
            raise ValueError(
                f"y must be of shape {tuple(output.shape)} like the output, got {tuple(y.shape)}"
            )
        if problem.loss(output, y).numel() != 1:
            raise ValueError("the loss must give one number: use reduction='mean' or sum it up")
