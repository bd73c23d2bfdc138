"""Networks as the book exchanges them: a plain nn.Sequential of Linear and elementwise activations."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from epbook.activations import KNOWN


@dataclass(frozen=True)
class Layer:
    """One affine map of a network and the activation behind it (None: the identity)."""

    linear: nn.Linear
    activation: nn.Module | None


def two_layer(
    inputs: int,
    width: int,
    *,
    outputs: int = 1,
    activation: Callable[[], nn.Module] = nn.ReLU,
    std: float | None = None,
    seed: int = 0,
    output_bias: bool = False,
) -> nn.Sequential:
    """Two-layer network with every parameter drawn from N(0, std²).

    f(x) = Σ_j a_j σ(w_j·x + b_j), with j = 1..width; `output_bias` adds a constant per output.

    inputs, outputs: dimensions of x and f; std: default width**-2, the chapter's condensed regime.
    The draw depends on `seed` only: first (w, b) neuron by neuron, then a, then the output bias.
    Returns Sequential(Linear, activation, Linear) in float64.
    Raises ValueError where a size is below 1 or std is negative or not finite.
    Source: chapter section 1.1, equation (1.1).

    >>> net = two_layer(1, 3, activation=nn.Tanh, seed=1)
    >>> net(torch.zeros(5, 1, dtype=torch.float64)).shape
    torch.Size([5, 1])
    """
    for name, size in (("inputs", inputs), ("width", width), ("outputs", outputs)):
        if size != int(size) or size < 1:
            raise ValueError(f"{name} must be a whole number of at least 1, got {size!r}")
    std = float(width) ** -2 if std is None else float(std)
    if not 0 <= std < float("inf"):
        raise ValueError(f"std must be finite and not negative, got {std!r}")
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return std * torch.randn(*shape, generator=generator, dtype=torch.float64)

    hidden = normal(width, inputs + 1)
    net = sequential(
        [
            (hidden[:, :inputs], hidden[:, inputs], activation()),
            (normal(outputs, width), normal(outputs) if output_bias else None, None),
        ]
    )
    return net


def sequential(parts: list[tuple[Tensor, Tensor | None, nn.Module | None]]) -> nn.Sequential:
    """Build a network from (weight, bias, activation) triples; None stands for no bias, no activation.

    x ↦ σ_L(W_L … σ_1(W_1 x + b_1) … + b_L), weight l of shape (out_l, in_l), bias of shape (out_l,).

    Tensors and activations are copied, so the new network shares nothing with its sources.
    Raises ValueError where shapes do not chain. Source: the conventions of the whole book.

    >>> net = sequential([(torch.ones(2, 1), None, nn.ReLU()), (torch.ones(1, 2), None, None)])
    >>> net(torch.tensor([[3.0]])).item()
    6.0
    """
    modules: list[nn.Module] = []
    inner = None
    for index, (weight, bias, activation) in enumerate(parts):
        outer, given = weight.shape
        if inner is not None and given != inner:
            raise ValueError(f"layer {index} takes {given} inputs but layer {index - 1} gives {inner}")
        if bias is not None and bias.shape != (outer,):
            raise ValueError(f"layer {index} has {outer} outputs but a bias of shape {tuple(bias.shape)}")
        linear = _linear(weight, bias)
        modules.append(linear)
        if activation is not None:
            modules.append(copy.deepcopy(activation))
        inner = outer
    return nn.Sequential(*modules)


def _linear(weight: Tensor, bias: Tensor | None) -> nn.Linear:
    """A Linear with copies of the given tensors. Its constructor would draw and discard a start, which costs
    most of the time for small nets and moves the global random state."""
    linear = nn.Linear.__new__(nn.Linear)
    nn.Module.__init__(linear)
    linear.out_features, linear.in_features = weight.shape
    linear.weight = nn.Parameter(weight.detach().clone())
    copied = None if bias is None else nn.Parameter(bias.detach().to(weight.dtype, copy=True))
    linear.register_parameter("bias", copied)
    return linear


def layers(net: nn.Module) -> list[Layer]:
    """Read a network as a list of layers; the inverse of `sequential`.

    x ↦ σ_L(W_L … σ_1(W_1 x + b_1) … + b_L).

    Accepts any nn.Sequential that starts with a Linear and holds only Linear modules with at most one
    elementwise activation behind each. Nothing is copied. Raises TypeError that names the module which
    does not fit, ValueError where dimensions do not chain. Source: the conventions of the whole book.

    >>> [layer.linear.out_features for layer in layers(two_layer(1, 3))]
    [3, 1]
    """
    if not isinstance(net, nn.Sequential):
        raise TypeError(f"expected an nn.Sequential of Linear and activations, got {type(net).__name__}")
    found: list[Layer] = []
    for index, module in enumerate(net):
        if isinstance(module, nn.Linear):
            if found and module.in_features != found[-1].linear.out_features:
                raise ValueError(
                    f"module {index} takes {module.in_features} inputs, the Linear before it gives "
                    f"{found[-1].linear.out_features}"
                )
            found.append(Layer(module, None))
        elif not found:
            raise TypeError(f"a network must start with a Linear, got {module}")
        elif found[-1].activation is not None:
            raise TypeError(f"module {index}, {module}, follows an activation: expected a Linear")
        elif not _is_elementwise(module):
            raise TypeError(
                f"module {index}, {module}, is not a parameter-free elementwise activation; "
                "an output head such as softmax belongs into the loss"
            )
        else:
            found[-1] = Layer(found[-1].linear, module)
    if not found:
        raise TypeError("the network is empty")
    return found


def parts(net: nn.Module) -> list[tuple[Tensor, Tensor | None, nn.Module | None]]:
    """Copy a network's (weight, bias, activation) triples, detached: what `sequential` takes.

    Shapes as in `sequential`; errors as in `layers`. Source: the conventions of the whole book.

    >>> net = two_layer(1, 3, seed=2)
    >>> torch.equal(sequential(parts(net))[0].weight, net[0].weight)
    True
    """
    return [
        (
            layer.linear.weight.detach().clone(),
            None if layer.linear.bias is None else layer.linear.bias.detach().clone(),
            layer.activation,
        )
        for layer in layers(net)
    ]


def _is_elementwise(module: nn.Module) -> bool:
    """Whether each output entry depends on its own input entry alone (softmax: no; tanh: yes)."""
    if type(module) in KNOWN:
        return True
    if any(True for _ in module.parameters()) or isinstance(module, nn.modules.dropout._DropoutNd):
        return False
    probe = torch.tensor([[-1.7, -0.3, 0.0, 0.4, 2.1]], dtype=torch.float64)
    try:
        whole = module(probe)
        single = torch.cat([module(column) for column in probe.split(1, dim=1)], dim=1)
    except (RuntimeError, ValueError, TypeError, IndexError, NotImplementedError):
        return False
    return isinstance(whole, Tensor) and whole.shape == probe.shape and torch.equal(whole, single)
