"""Networks as the book exchanges them: a plain nn.Sequential of Linear and elementwise activations."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from epbook.activations import ActivationLike, module_from
from epbook.checks import spread, whole

__all__ = ["Layer", "forward", "hidden", "hidden_neuron", "sequential", "steps", "two_layer"]

Triple = tuple[Tensor, Tensor | None, nn.Module | None]
"""(weight, bias, activation), as `Layer` names them."""


class Layer(NamedTuple):
    """One affine map x ↦ Wx + b and the activation behind it (None: the identity).

    weight: (out, in), bias: (out,) or None for a layer without one.
    Source: the conventions of the whole book.
    """

    weight: Tensor
    bias: Tensor | None
    activation: nn.Module | None

    @property
    def width(self) -> int:
        """Number of neurons of this layer, or of outputs of the last one."""
        return self.weight.shape[0]

    @property
    def inputs(self) -> int:
        """Number of inputs of each of them."""
        return self.weight.shape[1]

    @property
    def incoming(self) -> Tensor:
        """[W b], one row w̃_j = (w_j, b_j) per neuron, (width, inputs + 1); W alone without bias."""
        return self.weight if self.bias is None else torch.cat([self.weight, self.bias[:, None]], dim=1)

    def affine(self, x: Tensor) -> Tensor:
        """z = x Wᵀ + b, the pre-activations, (n, width), of x, (n, inputs)."""
        return nn.functional.linear(x, self.weight, self.bias)

    def __call__(self, x: Tensor) -> Tensor:
        z = self.affine(x)
        return z if self.activation is None else self.activation(z)


def two_layer(
    inputs: int,
    width: int,
    *,
    outputs: int = 1,
    activation: ActivationLike = nn.ReLU,
    std: float | None = None,
    seed: int = 0,
    output_bias: bool = False,
) -> nn.Sequential:
    """Two-layer network with every parameter drawn from N(0, std²).

    f(x) = Σ_j a_j σ(w_j·x + b_j), with j = 1..width; `output_bias` adds a constant per output.

    inputs, outputs: dimensions of x and f; activation: a class, a module or a name; std: default width**-2,
    the textbook's condensed regime. The draw depends on `seed` only: first (w, b) neuron by neuron, then a,
    then the output bias. PyTorch's generator gives the same numbers on processors with and without vector
    units; between versions of the mathematical library they may differ in the last place.
    Returns Sequential(Linear, activation, Linear) in float64.
    Raises ValueError where a size is below 1 or std is negative or not finite, TypeError for no activation.
    Source: textbook section 1.1, equation (1.1).

    >>> net = two_layer(1, 3, activation=nn.Tanh, seed=1)
    >>> net(torch.zeros(5, 1, dtype=torch.float64)).shape
    torch.Size([5, 1])
    """
    inputs, width, outputs = (
        whole(inputs, "inputs", 1),
        whole(width, "width", 1),
        whole(outputs, "outputs", 1),
    )
    std = spread(std, width)
    generator = torch.Generator().manual_seed(whole(seed, "seed", 0))

    def normal(*shape: int) -> Tensor:
        return std * torch.randn(*shape, generator=generator, dtype=torch.float64)

    hidden = normal(width, inputs + 1)
    return sequential(
        [
            (hidden[:, :inputs], hidden[:, inputs], module_from(activation)),
            (normal(outputs, width), normal(outputs) if output_bias else None, None),
        ]
    )


def sequential(layers: Sequence[Triple]) -> nn.Sequential:
    """Build a network from (weight, bias, activation) triples; None stands for no bias, no activation.

    x ↦ σ_L(W_L … σ_1(W_1 x + b_1) … + b_L), weight l of shape (out_l, in_l), bias of shape (out_l,).

    Tensors and activations are copied, so the new network shares nothing with its sources; it has their
    number type and device. Raises ValueError where shapes do not chain, or types and devices differ.
    Source: the conventions of the whole book.

    >>> net = sequential([(torch.ones(2, 1), None, nn.ReLU()), (torch.ones(1, 2), None, None)])
    >>> net(torch.tensor([[3.0]])).item()
    6.0
    """
    modules: list[nn.Module] = []
    inner = None
    for index, (weight, bias, activation) in enumerate(layers):
        if weight.ndim != 2:
            raise ValueError(f"layer {index} has a weight of shape {tuple(weight.shape)}, expected (out, in)")
        for name, part in (("weight", weight), ("bias", bias)):
            if part is not None and (part.dtype, part.device) != (layers[0][0].dtype, layers[0][0].device):
                raise ValueError(
                    f"the {name} of layer {index} is {part.dtype} on {part.device}, the first weight "
                    f"{layers[0][0].dtype} on {layers[0][0].device}: bring them to one"
                )
        outer, given = weight.shape
        if inner is not None and given != inner:
            raise ValueError(f"layer {index} takes {given} inputs but layer {index - 1} gives {inner}")
        if bias is not None and bias.shape != (outer,):
            raise ValueError(f"layer {index} has {outer} outputs but a bias of shape {tuple(bias.shape)}")
        modules.append(_linear(weight, bias))
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
    with torch.inference_mode(False):  # parameters made in inference mode could never be trained
        linear.weight = nn.Parameter(weight.detach().clone())
        linear.register_parameter("bias", None if bias is None else nn.Parameter(bias.detach().clone()))
    return linear


def forward(layers: Sequence[Layer], x: Tensor) -> Tensor:
    """f(x), of shape (n, outputs): the output of the layers one after another.

    x: (n, inputs), in the number type of the layers. Raises what PyTorch raises where the shapes do not fit.
    Source: the conventions of the whole book.

    >>> forward([Layer(torch.ones(1, 2), None, None)], torch.ones(3, 2)).tolist()
    [[2.0], [2.0], [2.0]]
    """
    for layer in layers:
        x = layer(x)
    return x


def augmented(x: Tensor) -> Tensor:
    """x̃ = [x; 1], (n, inputs + 1): the samples with the 1 that the bias multiplies.

    x: (n, inputs). Raises nothing of its own. Source: the conventions of the whole book.

    >>> augmented(torch.zeros(1, 2)).tolist()
    [[0.0, 0.0, 1.0]]
    """
    return torch.cat([x, torch.ones_like(x[:, :1])], dim=1)


def steps(layers: Sequence[Layer], x: Tensor) -> Iterator[tuple[Layer, Tensor, Tensor]]:
    """(layer, what it receives, its pre-activations z) on the way of x through the layers.

    x: (n, inputs). Received is (n, inputs) of the layer, z is (n, width). Raises what PyTorch raises where
    the shapes do not fit. Source: the conventions of the whole book.

    >>> [z.tolist() for _, _, z in steps([Layer(torch.ones(1, 2), None, None)], torch.ones(1, 2))]
    [[[2.0]]]
    """
    for layer in layers:
        z = layer.affine(x)
        yield layer, x, z
        x = z if layer.activation is None else layer.activation(z)


def hidden(layers: Sequence[Triple], layer: int) -> int:
    """The width of hidden layer `layer` (0 is the first); ValueError where there is none of that number.

    Source: the conventions of the whole book.

    >>> hidden([Layer(torch.ones(3, 1), None, nn.ReLU()), Layer(torch.ones(1, 3), None, None)], 1)
    Traceback (most recent call last):
    ValueError: layer must be the number of a hidden layer (0 to 0), got 1
    """
    last = len(layers) - 2
    have = f"0 to {last}" if last >= 0 else "none"
    number = whole(layer, "layer", 0, said=f"the number of a hidden layer ({have})")
    if number > last:
        raise ValueError(f"layer must be the number of a hidden layer ({have}), got {layer!r}")
    return layers[number][0].shape[0]


def hidden_neuron(layers: Sequence[Triple], layer: int, neuron: int) -> int:
    """The number of a neuron of hidden layer `layer` as an int; ValueError where there is none such.

    Source: the conventions of the whole book.

    >>> hidden_neuron([Layer(torch.ones(3, 1), None, nn.ReLU()), Layer(torch.ones(1, 3), None, None)], 0, 2)
    2
    """
    width = hidden(layers, layer)
    said = f"one of 0 to {width - 1} in layer {layer}"
    number = whole(neuron, "neuron", 0, said=said)
    if number >= width:
        raise ValueError(f"neuron must be {said}, got {neuron!r}")
    return number
