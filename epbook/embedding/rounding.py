"""How far rounding moves what the split law is made of, in units of ε: running error analysis."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from epbook.activations import activation_of
from epbook.given import differentiable
from epbook.losses import Loss
from epbook.networks import Layer, forward, steps


def preactivation_errors(found: Sequence[Layer], x: Tensor) -> list[Tensor]:
    """Per layer how many ε rounding leaves in the pre-activations, (n, width); x counts as exact.

    δz = |W|(|a| + δa) + |b|, δa = |σ'(z)| δz + |σ(z)|. Source: Higham 2002, section 3.3 (running error).

    >>> preactivation_errors([Layer(torch.tensor([[1.0, -1.0]]), None, None)], torch.tensor([[3.0, 2.0]]))
    [tensor([[5.]])]
    """
    errors, error = [], torch.zeros_like(x)
    for layer, a, z in steps(found, x):
        bias = None if layer.bias is None else layer.bias.abs()
        errors.append(Layer(layer.weight.abs(), bias, None).affine(a.abs() + error))
        facts = activation_of(layer.activation)
        error = facts.first(z).abs() * errors[-1] + facts.value(z).abs()
    return errors


def loss_behind(found: Sequence[Layer], layer: int, loss: Loss, y: Tensor) -> Callable[[Tensor], Tensor]:
    """R as a function of the pre-activations (n, width) of the layer that follows the hidden one `layer`.

    Raises nothing of its own. Source: this book, page on the embedding principle.

    >>> layers = [Layer(torch.ones(1, 1), None, None)] * 2
    >>> loss_behind(layers, 0, lambda f, y: (f - y).sum(), torch.ones(2, 1))(torch.zeros(2, 1)).item()
    -2.0
    """
    following = found[layer + 1]

    def risk(pre: Tensor) -> Tensor:
        out = pre if following.activation is None else following.activation(pre)
        return loss(forward(found[layer + 2 :], out), y)

    return risk


def slope(risk: Callable[[Tensor], Tensor], z: Tensor, error: Tensor) -> tuple[Tensor, float]:
    """e = ∂risk/∂z and how far its entries move where z moves by `error`, the signs drawn at random.

    Source: first order, δe = ∇²risk · δz.

    >>> e, moved = slope(lambda z: (3 * z**2).sum(), torch.ones(1, 1), 0.1 * torch.ones(1, 1))
    >>> e.item(), round(moved, 6)
    (6.0, 0.6)
    """
    with differentiable():
        z = z.clone().requires_grad_(True)
        (e,) = torch.autograd.grad(risk(z), z, create_graph=True)
        if not e.requires_grad:  # the loss is linear
            return e, 0.0
        signs = torch.randint(2, z.shape, generator=torch.Generator().manual_seed(0)).to(z) * 2 - 1
        (moved,) = torch.autograd.grad(e, z, signs * error, materialize_grads=True)
    return e.detach(), float(moved.abs().max())
