"""What the numerics must know of an activation σ: two derivatives, homogeneity, parity, kinks."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

Function = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Activation:
    """σ with its derivatives and symmetries.

    value, first, second: σ, σ', σ'' elementwise on tensors of any shape.
    degree: p where σ(cz) = c^p σ(z) for all c > 0, else None. odd: whether σ(−z) = −σ(z).
    kink: where σ' jumps (ReLU: 0), else None. The derivative at a kink is the one from the left.
    """

    name: str
    value: Function
    first: Function
    second: Function
    degree: float | None = None
    odd: bool = False
    kink: float | None = None


def _tanh_second(z: Tensor) -> Tensor:
    t = torch.tanh(z)
    return -2 * t * (1 - t * t)


def _sigmoid_first(z: Tensor) -> Tensor:
    s = torch.sigmoid(z)
    return s * (1 - s)


def _sigmoid_second(z: Tensor) -> Tensor:
    s = torch.sigmoid(z)
    return s * (1 - s) * (1 - 2 * s)


def _silu_first(z: Tensor) -> Tensor:
    s = torch.sigmoid(z)
    return s * (1 + z * (1 - s))


def _silu_second(z: Tensor) -> Tensor:
    s = torch.sigmoid(z)
    return s * (1 - s) * (2 + z * (1 - 2 * s))


def _normal_density(z: Tensor) -> Tensor:
    return torch.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def _gelu_first(z: Tensor) -> Tensor:
    return torch.special.ndtr(z) + z * _normal_density(z)


KNOWN: dict[type[nn.Module], Activation] = {
    nn.Tanh: Activation("tanh", torch.tanh, lambda z: 1 - torch.tanh(z) ** 2, _tanh_second, odd=True),
    nn.Sigmoid: Activation("sigmoid", torch.sigmoid, _sigmoid_first, _sigmoid_second),
    nn.Softplus: Activation("softplus", nn.functional.softplus, torch.sigmoid, _sigmoid_first),
    nn.SiLU: Activation("silu", nn.functional.silu, _silu_first, _silu_second),
    nn.GELU: Activation("gelu", nn.functional.gelu, _gelu_first, lambda z: (2 - z * z) * _normal_density(z)),
    nn.ReLU: Activation(
        "relu", torch.relu, lambda z: (z > 0).to(z.dtype), torch.zeros_like, degree=1.0, kink=0.0
    ),
    nn.Identity: Activation("identity", lambda z: z, torch.ones_like, torch.zeros_like, degree=1.0, odd=True),
}


# Piecewise activations of PyTorch whose σ' or σ'' jumps at 0.
PIECEWISE = (nn.LeakyReLU, nn.ReLU6, nn.ELU, nn.CELU, nn.SELU)


def activation_of(module: nn.Module | None) -> Activation:
    """The facts of an activation module: closed form where known, else derivatives by autograd.

    σ, σ', σ'' elementwise. `None` is the identity, as in a last layer. A module of the reader's own, or
    a known one with other settings (Softplus(beta=2), GELU("tanh")), is differentiated by autograd and
    taken as smooth, with no symmetry. Raises TypeError for anything that is not a module.
    Source: chapter section 1.2 (the Hessian needs σ''), section 1.3 (symmetries).

    >>> activation_of(nn.Tanh()).odd
    True
    >>> round(activation_of(nn.Softplus(beta=2.0)).second(torch.zeros(1)).item(), 6)
    0.5
    """
    if module is None:
        return KNOWN[nn.Identity]
    if not isinstance(module, nn.Module):
        raise TypeError(f"expected an activation module such as nn.Tanh(), got {module!r}")
    known = KNOWN.get(type(module))
    standard = getattr(module, "beta", 1.0) == 1.0 and getattr(module, "approximate", "none") == "none"
    if known is not None and standard:
        return known
    first = _derivative(module)
    kink = 0.0 if isinstance(module, PIECEWISE) else None
    degree = 1.0 if isinstance(module, nn.LeakyReLU) else None
    return Activation(type(module).__name__.lower(), module, first, _derivative(first), degree, kink=kink)


def _derivative(function: Function) -> Function:
    """d/dz of an elementwise function, by one backward pass of its sum."""

    def derivative(z: Tensor) -> Tensor:
        with torch.enable_grad():
            at = z if z.requires_grad else z.detach().clone().requires_grad_(True)
            value = function(at)
            if not value.requires_grad:  # a constant, such as the derivative of the identity
                return torch.zeros_like(z)
            (slope,) = torch.autograd.grad(value.sum(), at, create_graph=True, materialize_grads=True)
        return slope if z.requires_grad else slope.detach()

    return derivative
