"""How far a reduction can move the next layer's input, and the network's output, for any x."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from epbook.activations import activation_of
from epbook.given import layers
from epbook.reduction.groups import EQUAL, Groups, clusters
from epbook.reduction.similarity import Neurons


def left_out(neurons: Neurons, found: Groups) -> list[list[int]]:
    """The low-amplitude neurons, those equal up to rounding together: their outputs may cancel."""
    if not found.low:
        return []
    apart = neurons.only(list(found.low)).distance()
    return [[found.low[k] for k in group] for group in clusters(apart, np.arange(len(apart)), EQUAL)]


def layer_bound(
    neurons: Neurons, found: Groups, merged: Tensor, shift: Tensor
) -> tuple[float, float] | tuple[None, None]:
    """(offset, slope) with ‖change of the next layer's input‖ ≤ offset + slope·‖x̃‖ for every x̃.

    A member k of a group with representative v moves its term by at most L ‖a_k‖ r_k ‖û_k − v̂‖ ‖x̃‖,
    L = sup |σ'|; a term left out is at most ‖a‖ r (|σ(0)| + L ‖û‖ ‖x̃‖), and so is a change of a.

    merged: the representatives v, (groups, d + 1); shift: what a refit added to their a.
    (None, None) where L is not known. Source: the triangle inequality.
    """
    lipschitz = neurons.activation.lipschitz
    if lipschitz is None:
        return None, None
    new = Neurons(merged, shift, neurons.bias, neurons.activation)
    at_zero = float(neurons.activation.value(torch.zeros(1, dtype=merged.dtype)).abs())
    moved, resized = 0.0, float((shift.norm(dim=1) * new.scale).sum())
    slope = float((shift.norm(dim=1) * new.scale * new.direction.norm(dim=1)).sum())
    for group, toward in zip(found.members, new.direction, strict=True):
        moved += _moved(neurons, list(group), toward)
    for group in left_out(neurons, found):
        first = neurons.direction[group[0]]
        together = float(neurons.together(group).norm())
        resized += together
        slope += together * float(first.norm())
        moved += _moved(neurons, group, first)
    if found.constant:
        at = list(found.constant)
        weights = neurons.inputs[at, :-1] if neurons.bias else neurons.inputs[at]
        slope += float((neurons.outputs[at].norm(dim=1) * weights.norm(dim=1)).sum())
    return at_zero * resized, lipschitz * (slope + moved)


def carried(
    net: nn.Sequential, layer: int, offset: float | None, slope: float | None, x: Tensor
) -> float | None:
    """That bound at the largest ‖x̃‖ of the data, times ∏ L‖W‖₂ of the layers behind; None if unknown."""
    if offset is None:
        return None
    given = layers(net)
    largest = float(values(net, x, layer).norm(dim=1).max())
    if given[layer].bias is not None:
        largest = float(np.hypot(largest, 1.0))
    factor = activation_of(given[layer + 1].activation).lipschitz
    for behind in given[layer + 2 :]:
        constant = activation_of(behind.activation).lipschitz
        if factor is None or constant is None:
            return None
        factor *= constant * float(torch.linalg.matrix_norm(behind.weight, ord=2))
    return None if factor is None else (offset + slope * largest) * factor


def values(net: nn.Sequential, x: Tensor, layer: int, *, before_activation: bool = False) -> Tensor:
    """What layer `layer` receives from the data x, or makes of it before its activation."""
    value = x
    for index, (weight, bias, activation) in enumerate(layers(net)):
        if index == layer and not before_activation:
            return value
        value = nn.functional.linear(value, weight, bias)
        if index == layer:
            return value
        value = value if activation is None else activation(value)
    return value


def _moved(neurons: Neurons, group: list[int], toward: Tensor) -> float:
    """Σ_k ‖a_k‖ r_k ‖±û_k − v̂‖."""
    own = neurons.direction[group]
    if neurons.activation.odd:
        own = torch.where(own @ toward < 0, -1.0, 1.0)[:, None].to(own.dtype) * own
    return float(
        (neurons.outputs[group].norm(dim=1) * neurons.scale[group] * (own - toward).norm(dim=1)).sum()
    )
