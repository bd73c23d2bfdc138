"""Every group of one hidden layer becomes one neuron."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from epbook.networks import Layer, forward
from epbook.neurons import Neurons, coefficient, equal_up_to, mean_neuron
from epbook.reduction.groups import Groups

MODES = ("random", "mean", "least-squares")


@dataclass(frozen=True)
class Merged:
    """The neurons that stand for the groups of a layer, their numbers as the network's number type has them.

    neurons: the new layer. signs: per group, of its members against the one neuron (odd σ).
    shift: what a refit and the rounding added to the a that the groups add up to, (groups, outputs).
    fold: what rounding added to the next layer's bias, (outputs,), None where nothing was folded into it.
    """

    neurons: Neurons
    signs: tuple[Tensor, ...]
    shift: Tensor
    fold: Tensor | None


def merge(
    current: Sequence[Layer],
    original: Sequence[Layer],
    neurons: Neurons,
    found: Groups,
    mode: str,
    x: Tensor | None,
    rng: np.random.Generator,
    number: torch.dtype,
) -> Merged:
    """The neurons that stand for the groups `found`, in one of the MODES of `reduce`; x for the refit.

    Source: textbook section 1.4.
    """
    stand = [
        _stand_in(neurons, group, 1 - worst <= equal_up_to(neurons.eps), mode, rng)
        for group, worst in zip(found.members, found.worst, strict=True)
    ]
    signs = tuple(sign for _, sign in stand)
    incoming = rounded(torch.stack([u for u, _ in stand]), number)
    sums = torch.stack(
        [
            coefficient(neurons, group, sign, u) if len(group) > 1 else neurons.outgoing[group[0]]
            for group, sign, u in zip(found.members, signs, incoming, strict=True)
        ]
    )
    next_bias, fold = neurons.next_bias, None
    if next_bias is not None and found.constant:
        at = list(found.constant)
        level = neurons.incoming[at, -1] if neurons.bias else neurons.norm.new_zeros(len(at))
        whole = next_bias + neurons.sigma.value(level) @ neurons.outgoing[at]
        next_bias = rounded(whole, number)
        fold = next_bias - whole
    outgoing = sums
    if mode == "least-squares" and x is not None:
        outgoing = sums + correction(
            original,
            replaced(
                current, found.layer, replace(neurons, incoming=incoming, outgoing=sums, next_bias=next_bias)
            ),
            found.layer,
            x,
        )
    outgoing = rounded(outgoing, number)
    new = replace(neurons, incoming=incoming, outgoing=outgoing, next_bias=next_bias)
    return Merged(new, signs, outgoing - sums, fold)


def replaced(layers: Sequence[Layer], layer: int, neurons: Neurons) -> list[Layer]:
    """The layers with other neurons in hidden layer `layer`. Source: the conventions of the whole book."""
    new = list(layers)
    u = neurons.incoming
    weight, bias = (u[:, :-1], u[:, -1]) if neurons.bias else (u, None)
    new[layer] = new[layer]._replace(weight=weight, bias=bias)
    new[layer + 1] = new[layer + 1]._replace(weight=neurons.outgoing.T, bias=neurons.next_bias)
    return new


def rounded(values: Tensor, number: torch.dtype) -> Tensor:
    """The values as the number type `number` can hold them, in float64.

    Raises ValueError where one is too large for it. Source: the conventions of the whole book.

    >>> rounded(torch.tensor([1 / 3], dtype=torch.float64), torch.bfloat16).item()
    0.333984375
    """
    held = values.to(number).to(torch.float64)
    if not torch.isfinite(held).all():
        worst = values.abs().max().item()
        raise ValueError(f"a merged weight is {worst:.3g}, too large for {number}: reduce(net.double(), …)")
    return held


def _stand_in(
    neurons: Neurons, group: Sequence[int], same: bool, mode: str, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """(u, signs of the members) of the one neuron that stands for a group."""
    drawn = len(group) > 1 and not same and mode == "random"
    first = int(rng.choice(group)) if drawn else group[0]
    sign = neurons.sign(first, group)
    if len(group) == 1 or same or drawn:
        return neurons.incoming[first], sign
    return mean_neuron(neurons, group, sign), sign


def correction(original: Sequence[Layer], small: Sequence[Layer], layer: int, x: Tensor) -> Tensor:
    """What to add to a, in the least-squares sense and of least norm: where it is right already, it stays.

    original, small: the layers of the network that was cut, and of the one that is left. Returns
    (neurons of the layer in `small`, next layer). Source: He, Zhang and Sun (2017), for channels.

    >>> from epbook.given import read
    >>> from epbook.networks import two_layer
    >>> net = read(two_layer(2, 3, std=1.0), torch.ones(4, 2))
    >>> correction(net.layers, net.layers, 0, net.x).abs().max().item()
    0.0
    """
    wanted = pre_activations(original, layer + 1, x)
    missing = wanted - pre_activations(small, layer + 1, x)
    responses = forward(small[: layer + 1], x)
    solution: Tensor = torch.linalg.lstsq(responses, missing, driver="gelsd").solution
    return solution


def pre_activations(layers: Sequence[Layer], layer: int, x: Tensor) -> Tensor:
    """The pre-activations of layer `layer` on the data."""
    return layers[layer].affine(forward(layers[:layer], x))
