"""What the numerics must know of an activation σ: two derivatives, symmetries, kinks, steepest slope.

An activation is understood by the object and its settings, never by its name: Softplus(beta=2) is not
Softplus(), and a class of the reader's own that happens to be called Tanh is a class of the reader's own.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

Function = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Activation:
    """σ with its derivatives and symmetries.

    value, first, second: σ, σ', σ'' elementwise on tensors of any shape.
    degree: p where σ(cz) = c^p σ(z) for all c > 0, else None. odd: whether σ(−z) = −σ(z).
    kinks: where σ' or σ'' jumps (ReLU: 0); the derivative at a kink is the one that PyTorch takes.
    lipschitz: sup |σ'| where it is known, else None. name: for messages only.
    Source: PyTorch's definitions of its activations.
    """

    name: str
    value: Function
    first: Function
    second: Function
    degree: float | None = None
    odd: bool = False
    kinks: tuple[float, ...] = ()
    lipschitz: float | None = None


def _tanh_second(z: Tensor) -> Tensor:
    t = torch.tanh(z)
    return -2 * t * (1 - t * t)


def _sigmoid_first(z: Tensor) -> Tensor:
    s = torch.sigmoid(z)
    return s * (1 - s)


def _sigmoid_second(z: Tensor) -> Tensor:
    s = torch.sigmoid(z)
    return s * (1 - s) * (1 - 2 * s)


def _softplus_first(z: Tensor) -> Tensor:
    return torch.where(z > 20, 1.0, torch.sigmoid(z))  # above 20 PyTorch's softplus is z itself


def _softplus_second(z: Tensor) -> Tensor:
    return torch.where(z > 20, 0.0, _sigmoid_first(z))


def _silu_first(z: Tensor) -> Tensor:
    s = torch.sigmoid(z)
    return s * (1 + z * (1 - s))


def _silu_second(z: Tensor) -> Tensor:
    s = torch.sigmoid(z)
    return s * (1 - s) * (2 + z * (1 - 2 * s))


def _normal_density(z: Tensor) -> Tensor:
    return torch.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def _gelu_first(z: Tensor) -> Tensor:
    below: Tensor = torch.special.ndtr(z)
    return below + z * _normal_density(z)


# |σ'| is largest at z = √2 for GELU and at the root of σ'' for SiLU.
KNOWN: dict[type[nn.Module], Activation] = {
    nn.Tanh: Activation(
        "tanh", torch.tanh, lambda z: 1 - torch.tanh(z) ** 2, _tanh_second, odd=True, lipschitz=1.0
    ),
    nn.Sigmoid: Activation("sigmoid", torch.sigmoid, _sigmoid_first, _sigmoid_second, lipschitz=0.25),
    nn.Softplus: Activation(
        "softplus", nn.functional.softplus, _softplus_first, _softplus_second, lipschitz=1.0
    ),
    nn.SiLU: Activation("silu", nn.functional.silu, _silu_first, _silu_second, lipschitz=1.0998394),
    nn.GELU: Activation(
        "gelu",
        nn.functional.gelu,
        _gelu_first,
        lambda z: (2 - z * z) * _normal_density(z),
        lipschitz=1.1289042,
    ),
    nn.ReLU: Activation(
        "relu",
        torch.relu,
        lambda z: (z > 0).to(z.dtype),
        torch.zeros_like,
        degree=1.0,
        kinks=(0.0,),
        lipschitz=1.0,
    ),
    nn.Identity: Activation(
        "identity", lambda z: z, torch.ones_like, torch.zeros_like, degree=1.0, odd=True, lipschitz=1.0
    ),
}

# Where σ' or σ'' of PyTorch's piecewise activations jumps, from their settings. Any: of the class before it.
_KINKS: dict[type[nn.Module], Callable[[Any], tuple[float, ...]]] = {
    nn.LeakyReLU: lambda m: (0.0,),
    nn.RReLU: lambda m: (0.0,),
    nn.ELU: lambda m: (0.0,),
    nn.CELU: lambda m: (0.0,),
    nn.SELU: lambda m: (0.0,),
    nn.Softsign: lambda m: (0.0,),
    nn.ReLU6: lambda m: (0.0, 6.0),
    nn.Hardtanh: lambda m: (float(m.min_val), float(m.max_val)),
    nn.Hardsigmoid: lambda m: (-3.0, 3.0),
    nn.Hardswish: lambda m: (-3.0, 3.0),
    nn.Hardshrink: lambda m: (-float(m.lambd), float(m.lambd)),
    nn.Softshrink: lambda m: (-float(m.lambd), float(m.lambd)),
    nn.Threshold: lambda m: (float(m.threshold),),
    # PyTorch's softplus is z itself above the threshold; at the usual 20 the jump is below 2e-9.
    nn.Softplus: lambda m: () if m.threshold >= 20 else (m.threshold / m.beta,),
}
_LIPSCHITZ: dict[type[nn.Module], Callable[[Any], float]] = {
    nn.LeakyReLU: lambda m: max(1.0, abs(m.negative_slope)),
    nn.ELU: lambda m: max(1.0, abs(m.alpha)),
    nn.CELU: lambda m: 1.0,
    nn.ReLU6: lambda m: 1.0,
    nn.Hardtanh: lambda m: 1.0,
    nn.Softplus: lambda m: 1.0,
}


def activation_of(module: nn.Module | None) -> Activation:
    """The facts of an activation module: closed form where known, else derivatives by autograd.

    σ, σ', σ'' elementwise. `None` is the identity, as in a last layer. A module of the reader's own, or
    a known one with other settings (Softplus(beta=2), GELU("tanh")), is differentiated by autograd; one of
    the reader's own is taken as smooth, with no symmetry. Raises TypeError for anything that is no module.
    Source: textbook section 1.2 (the Hessian needs σ''), section 1.3 (symmetries).

    >>> activation_of(nn.Tanh()).odd
    True
    >>> round(activation_of(nn.Softplus(beta=2.0)).second(torch.zeros(1)).item(), 6)
    0.5
    """
    if module is None:
        return KNOWN[nn.Identity]
    if not isinstance(module, nn.Module):
        raise TypeError(f"expected an activation module such as nn.Tanh(), got {module!r}")
    kind = type(module)
    if kind in KNOWN and is_standard(module):
        return KNOWN[kind]
    value = out_of_place(module)
    first = _derivative(value)
    return Activation(
        kind.__name__.lower(),
        value,
        first,
        _derivative(first),
        degree=1.0 if kind is nn.LeakyReLU else None,
        kinks=_KINKS[kind](module) if kind in _KINKS else (),
        lipschitz=_LIPSCHITZ[kind](module) if kind in _LIPSCHITZ else None,
    )


def is_standard(module: nn.Module) -> bool:
    """Whether a module of a known class has the settings that its closed form is written for.

    Raises nothing of its own. Source: the conventions of the whole book.

    >>> is_standard(nn.Softplus()), is_standard(nn.Softplus(beta=2.0))
    (True, False)
    """
    if type(module) is nn.Softplus:
        return module.beta == 1 and module.threshold == 20
    return type(module) is not nn.GELU or module.approximate == "none"


def out_of_place(module: nn.Module) -> nn.Module:
    """The module itself, or a copy that leaves its input alone, which derivatives need.

    Raises nothing of its own. Source: the conventions of the whole book.

    >>> out_of_place(nn.ReLU(inplace=True))
    ReLU()
    """
    if not getattr(module, "inplace", False):
        return module
    copied = copy.deepcopy(module)
    copied.inplace = False  # type: ignore[assignment]  # PyTorch's types know of tensors and modules only
    return copied


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
