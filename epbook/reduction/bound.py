"""How far a reduction can move the next layer's input, and the network's output, for any x."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from epbook.activations import activation_of
from epbook.networks import Layer, steps
from epbook.neurons import Neurons, clusters, distance, equal_up_to, lengths
from epbook.reduction.groups import Groups
from epbook.reduction.merge import Merged

UNIT = torch.finfo(torch.float64).eps / 2  # the relative error of one operation


def left_out(neurons: Neurons, found: Groups) -> list[list[int]]:
    """The low-amplitude neurons, those equal up to rounding together: their outputs may cancel."""
    if not found.low:
        return []
    alone = neurons.only(found.low)
    copies = clusters(distance(alone), range(len(alone)), equal_up_to(neurons.eps))
    return [[found.low[k] for k in group] for group in copies]


def layer_bound(neurons: Neurons, found: Groups, merged: Merged) -> tuple[float, float] | tuple[None, None]:
    """(offset, slope) with ‖change of the next layer's input‖ ≤ offset + slope·‖x̃‖ for every x̃.

    A member k of a group with the one neuron v̂ moves its term by at most L ‖c_k‖ ‖s_k v_k − v̂‖ ‖x̃‖,
    L = sup |σ'|, with the c, v, s of `Neurons`; a term left out is at most ‖c‖ (|σ(0)| + L ‖v‖ ‖x̃‖), and
    so is a change of c. Rounding: the v, c and sums of n members and d entries are computed with a relative
    error of at most (4d + 2n + k + 32) units in the last place, which is added for every term that is not
    left as it was.

    (None, None) where L is not known. Source: the triangle inequality; Higham (2002), section 3.1.
    """
    lipschitz = neurons.sigma.lipschitz
    if lipschitz is None:
        return None, None
    new = merged.neurons
    size, own, its = lengths(neurons.outer), lengths(neurons.inner), lengths(new.inner)
    added = lengths(merged.shift) * (new.norm if new.homogeneous else 1.0)
    resized, slope = float(added.sum()), float((added * its).sum())
    touched, touched_slope = 0.0, 0.0  # what took part in computations
    for one, group in enumerate(found.members):
        at = list(group)
        if len(at) > 1:
            slope += _moved(neurons, at, merged.signs[one], new.inner[one])
            touched += float(size[at].sum())
            touched_slope += float((size[at] * own[at].clamp_min(float(its[one]))).sum())
    for at in left_out(neurons, found):
        first = at[0]
        sign = neurons.sign(first, at)
        summed = float(lengths((sign @ neurons.outer[at])[None]))
        resized += summed
        slope += summed * float(own[first]) + _moved(neurons, at, sign, neurons.inner[first])
        touched += float(size[at].sum())
        touched_slope += float((size[at] * own[at]).sum())
    offset = neurons.at_zero * resized
    rounding = UNIT * (4 * neurons.incoming.shape[1] + 2 * len(neurons) + neurons.outgoing.shape[1] + 32)
    if merged.fold is not None and neurons.next_bias is not None:
        at = list(found.constant)
        weights = neurons.incoming[at, :-1] if neurons.bias else neurons.incoming[at]
        slope += float((lengths(neurons.outgoing[at]) * lengths(weights)).sum())
        level = neurons.sigma.value(
            neurons.incoming[at, -1] if neurons.bias else torch.zeros(len(at)).double()
        ).abs()
        offset += float(lengths(merged.fold[None]))
        offset += rounding * float(level @ lengths(neurons.outgoing[at]) + lengths(neurons.next_bias[None]))
    offset += rounding * neurons.at_zero * touched
    slope = lipschitz * (slope + rounding * touched_slope)
    return offset * (1 + rounding), slope * (1 + rounding)


def _moved(neurons: Neurons, group: Sequence[int], sign: Tensor, toward: Tensor) -> float:
    """Σ_k ‖c_k‖ ‖s_k v_k − v̂‖."""
    at = list(group)
    return float(lengths(neurons.outer[at]) @ lengths(sign[:, None] * neurons.inner[at] - toward))


def carried(
    layers: Sequence[Layer], layer: int, offset: float | None, slope: float | None, x: Tensor
) -> float | None:
    """That bound at the largest ‖x̃‖ of the data, times ∏ L‖W‖₂ of the layers behind; None if unknown."""
    behind = layers[layer + 1 :]
    known = [activation_of(one.activation).lipschitz for one in behind]
    constants = [one for one in known if one is not None]
    before = computed(layers[:layer], x)
    if offset is None or slope is None or before is None or len(constants) < len(behind):
        return None
    largest = (lengths(before[0]) + lengths(before[1])).max()
    if layers[layer].bias is not None:
        largest = torch.hypot(largest, torch.ones_like(largest))
    factor = constants[0]
    for one, constant in zip(behind[1:], constants[1:], strict=True):
        factor *= constant * float(torch.linalg.matrix_norm(one.weight, ord=2))
    return (offset + slope * float(largest)) * factor


def computed(layers: Sequence[Layer], x: Tensor) -> tuple[Tensor, Tensor] | None:
    """f(x) as it is computed, and how far that can be from f(x), entry by entry; None where L is not known.

    A sum of n products is off by at most n·u·Σ|w_i x_i|, u = 2⁻⁵³, in whatever order it is taken; σ passes an
    error on times L = sup |σ'|, and is itself off by at most 8 u (|σ(0)| + L|z|), ReLU and its like, or
    8 u (1 + |σ(0)| + L|z|), tanh and its like (a few functions of the library, each good to a unit or two).

    Source: Higham (2002), sections 3.1 and 3.5.

    >>> layer = Layer(torch.full((1, 10), 0.1, dtype=torch.float64), None, None)
    >>> value, error = computed([layer], torch.ones(1, 10, dtype=torch.float64))
    >>> abs(value.item() - 1) <= error.item() < 1e-14
    True
    """
    value, error = x, torch.zeros_like(x)
    for layer, given, z in steps(layers, x):
        sigma = activation_of(layer.activation)
        if sigma.lipschitz is None:
            return None
        sizes = layer._replace(
            weight=layer.weight.abs(), bias=None if layer.bias is None else layer.bias.abs(), activation=None
        )
        passed = error @ sizes.weight.T
        error = passed + (layer.inputs + 2) * UNIT * sizes(given.abs() + error)
        at_zero = float(sigma.value(z.new_zeros(1)).abs()) + (sigma.degree != 1)
        error = sigma.lipschitz * error + 8 * UNIT * (at_zero + sigma.lipschitz * (z.abs() + error))
        value = z if layer.activation is None else layer.activation(z)
    return value, error
