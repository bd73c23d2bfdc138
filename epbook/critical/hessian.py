"""The dense Hessian of a loss with respect to all parameters, exact and in float64."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from epbook.critical.closed_form import TwoLayer
from epbook.given import differentiable, is_finite, read, refuse_kinks, unflat
from epbook.losses import Loss, mse_loss
from epbook.networks import Layer, forward

# Entries of the intermediate tensors that the general route holds at once (8 bytes each).
_CHUNK = 2**25


def hessian(net: nn.Sequential, x: Tensor, y: Tensor, *, loss: Loss = mse_loss) -> Tensor:
    """All second derivatives of R(θ) = loss(f_θ(x), y), in the order of parameters_to_vector.

    H_kl = ∂²R/∂θ_k∂θ_l. Two layers: closed form, Jᵀ(∂²R/∂f²)J plus one block per neuron. Other
    depths: reverse over reverse differentiation, as exact.

    net: nn.Sequential of Linear and elementwise activations; x: (n, d); y: whatever `loss` takes,
    (n, d_out) for the mean squared error. Units: those of the loss per parameter². Returns (P, P),
    float64, symmetric, on the network's device; the network is read, not changed.
    ReLU and its like have no second derivative where a pre-activation is at a kink; the Hessian is
    refused where one is closer than 1e-9 of the largest of its layer.
    Raises TypeError where the network or the data are of the wrong kind, ValueError where shapes do not
    fit, a number is not finite, or a pre-activation is at a kink.
    Source: textbook section 1.2.

    >>> import epbook as ep
    >>> net = ep.sequential([(torch.ones(1, 1), None, nn.Tanh()), (torch.ones(1, 1), None, None)])
    >>> hessian(net, torch.zeros(4, 1), torch.ones(4, 1)).tolist()
    [[0.0, 0.0], [0.0, 0.0]]
    """
    given = read(net, x, y, loss=loss)
    theta, device = given.theta, given.x.device
    refuse_kinks(given.layers, given.x)
    if is_two_layer(given.layers):
        first, second = given.layers
        problem = TwoLayer(first, second, given.x, given.y, given.loss)
        H = torch.from_numpy(problem.evaluate(theta.cpu().numpy())[2]).to(device)
    else:
        H = general_hessian(given.layers, given.x, given.y, given.loss, theta)
    if not is_finite(H):
        raise ValueError("the Hessian has entries that are not finite: the loss overflows")
    return H


def is_two_layer(found: Sequence[Layer]) -> bool:
    """Whether the closed form applies: one hidden layer, and nothing behind the second Linear."""
    return len(found) == 2 and found[1].activation is None


def general_hessian(found: Sequence[Layer], x: Tensor, y: Tensor, loss: Loss, theta: Tensor) -> Tensor:
    """Reverse over reverse: the derivative of each entry of ∇R(θ), a chunk of entries at a time."""
    widest = max(layer.width for layer in found)
    gradient = torch.func.grad(lambda t: loss(forward(unflat(found, t), x), y))
    with differentiable():
        H: Tensor = torch.func.jacrev(gradient, chunk_size=max(1, _CHUNK // (len(x) * widest)))(theta)
    return ((H + H.T) / 2).detach()
