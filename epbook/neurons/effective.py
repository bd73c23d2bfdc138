"""What a layer of ReLU neurons has learned, with equal neurons counted once."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import nn

from epbook.neurons.clusters import clusters, distance
from epbook.neurons.layer import Neurons, features, lengths, unit
from epbook.neurons.mean import mean_neuron


def effective_neurons(
    net: nn.Sequential, *, angle: float = 0.05, amplitude: float = 0.01, layer: int = 0
) -> Neurons:
    """Neurons of equal orientation merged into one, and those of small amplitude dropped.

    Group g: û_g ∝ Σ_k ‖A_k‖ û_k and A_g = Σ_k A_k over its neurons k; dropped where ‖A_g‖ is small.

    angle: largest angle between two neurons of a group, in radians. amplitude: groups below this fraction
    of the largest ‖A_g‖ are dropped. Returns `Neurons` with u = û_g and a = A_g, the largest first.
    Raises ValueError where angle is not in [0, π/2], amplitude not in [0, 1), or σ is not homogeneous as
    ReLU is: elsewhere equal orientations are not equal neurons (`ep.reduction.groups` takes any σ).
    Source: textbook section 1.1, figure 1.3(b).

    >>> from epbook.networks import sequential
    >>> twins = sequential([(torch.ones(2, 1), torch.ones(2), nn.ReLU()), (torch.ones(1, 2), None, None)])
    >>> effective_neurons(twins).amplitude.shape
    torch.Size([1, 1])
    """
    if not 0 <= angle <= math.pi / 2:
        raise ValueError(f"angle must lie between 0 and π/2, got {angle!r}")
    if not 0 <= amplitude < 1:
        raise ValueError(f"amplitude must lie in [0, 1), got {amplitude!r}")
    neurons = features(net, layer=layer)
    if not neurons.homogeneous:
        raise ValueError(
            "effective neurons are those of a homogeneous activation such as ReLU, got "
            f"{neurons.activation}: see ep.reduction.groups"
        )
    heard = neurons.strength.nonzero()[:, 0].tolist()
    oriented, summed = [neurons.orientation[:0]], [neurons.outgoing[:0]]
    for group in clusters(distance(neurons), heard, 2 * math.sin(angle / 2) ** 2):
        sign = neurons.sign(group[0], group)
        oriented.append(unit(mean_neuron(neurons, group, sign)[None]))
        summed.append((sign @ neurons.amplitude[list(group)])[None])
    orientation, amplitudes = torch.cat(oriented), torch.cat(summed)
    size = lengths(amplitudes)
    stays = [
        k for k in size.argsort(descending=True, stable=True).tolist() if size[k] > amplitude * size.max()
    ]
    return replace(neurons, incoming=orientation[stays], outgoing=amplitudes[stays])
