"""The size of a gradient, as the papers measure it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from epbook.given import differentiable, read
from epbook.losses import Loss, mse_loss
from epbook.networks import sequential


def gradient_l1(net: nn.Sequential, x: Tensor, y: Tensor, *, loss: Loss = mse_loss) -> float:
    """‖∇R(θ)‖₁ = Σ_k |∂R/∂θ_k| at the network's parameters, in float64.

    net, x (n, inputs), y (n, outputs), loss: as in `hessian`; nothing in the network is changed, its .grad
    neither.
    Returns loss per parameter, summed over all P of them. Raises TypeError and ValueError as `read` does.
    Source: the textbook's figure 1.5 and EP21 measure gradients so.

    >>> import epbook as ep
    >>> x, y = ep.data.tanh_teacher()
    >>> gradient_l1(ep.two_layer(1, 3, activation=nn.Tanh, std=0.0), x, y)
    0.0
    """
    given = read(net, x, y, loss=loss)
    with differentiable():
        model = sequential(given.layers).to(given.x.device)
        value = given.loss(model(given.x), given.y)
        pieces = torch.autograd.grad(value, list(model.parameters()), materialize_grads=True)
    return float(sum(piece.abs().sum() for piece in pieces))
