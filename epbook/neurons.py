"""What a two-layer net has learned, neuron by neuron: orientations, amplitudes, effective neurons."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from epbook.given import read


class Features(NamedTuple):
    """One row per neuron.

    orientation: unit vectors (w, b)/‖(w, b)‖ of shape (m, d + 1), of length 0 for a neuron without input.
    amplitude: signed a‖(w, b)‖ of shape (m, k) for k outputs.
    """

    orientation: Tensor
    amplitude: Tensor

    @property
    def angle(self) -> Tensor:
        """Angle of (w, b) to the w-axis in [−π, π), in radians, shape (m,); for one input only."""
        if self.orientation.shape[1] != 2:
            raise ValueError(f"an angle needs one input, not {self.orientation.shape[1] - 1}")
        angle = torch.atan2(self.orientation[:, 1], self.orientation[:, 0])
        return torch.where(angle >= math.pi, -math.pi, angle)


def features(net: nn.Module) -> Features:
    """Orientation and signed amplitude of every hidden neuron of a two-layer net.

    ŵ_j = (w_j, b_j)/‖(w_j, b_j)‖, A_j = a_j ‖(w_j, b_j)‖, so that for ReLU a_j σ(w_j x + b_j) = A_j σ(ŵ_j·x̃).

    net: any nn.Sequential of two Linear with an activation between; no bias counts as b = 0. Returns
    `Features` with m rows, no units. Raises TypeError or ValueError for other networks.
    Source: chapter section 1.1, figure 1.3(b).

    >>> from epbook.networks import sequential
    >>> hidden = (torch.tensor([[3.0]]), torch.tensor([4.0]), nn.ReLU())
    >>> net = sequential([hidden, (torch.ones(1, 1), None, None)])
    >>> features(net).amplitude.item(), round(features(net).angle.item(), 3)
    (5.0, 0.927)
    """
    found = read(net).layers
    if len(found) != 2:
        raise ValueError(f"features are those of two layers, this network has {len(found)}")
    vectors = found[0].incoming
    if found[0].bias is None:
        vectors = torch.cat([vectors, vectors.new_zeros(len(vectors), 1)], dim=1)
    norms = vectors.norm(dim=1, keepdim=True)
    orientation = torch.where(norms > 0, vectors / norms.where(norms > 0, 1), 0)
    return Features(orientation, found[1].weight.T * norms)


def effective_neurons(net: nn.Module, *, angle: float = 0.05, amplitude: float = 0.01) -> Features:
    """Neurons of equal orientation merged into one, and those of small amplitude dropped.

    Group g: ŵ_g ∝ Σ_j |A_j| ŵ_j and A_g = Σ_j A_j over its neurons j; dropped where |A_g| is small.

    angle: largest angle between a group's strongest neuron and its others, in radians; groups form around
    the strongest neuron left. amplitude: groups below this fraction of the largest |A_g| are dropped.
    Returns `Features` with one row per effective neuron, the largest |A| first. Raises ValueError where
    angle is not in [0, π/2] or amplitude not in [0, 1); else as `features`.
    Source: chapter section 1.1, figure 1.3(b).

    >>> from epbook.networks import sequential
    >>> twins = sequential([(torch.ones(2, 1), torch.ones(2), nn.ReLU()), (torch.ones(1, 2), None, None)])
    >>> effective_neurons(twins).amplitude.shape
    torch.Size([1, 1])
    """
    if not 0 <= angle <= math.pi / 2:
        raise ValueError(f"angle must lie between 0 and π/2, got {angle!r}")
    if not 0 <= amplitude < 1:
        raise ValueError(f"amplitude must lie in [0, 1), got {amplitude!r}")
    orientation, amplitudes = features(net)
    size = amplitudes.norm(dim=1)
    left = size > 0
    merged: list[tuple[Tensor, Tensor]] = []
    while left.any():
        strongest = torch.where(left, size, -1).argmax()
        # From the chord, since arccos of an inner product near 1 loses half of the digits.
        chord = (orientation - orientation[strongest]).norm(dim=1)
        group = left & (2 * torch.asin((chord / 2).clamp(max=1)) <= angle)
        direction = (size[group, None] * orientation[group]).sum(dim=0)
        merged.append((direction / direction.norm(), amplitudes[group].sum(dim=0)))
        left &= ~group
    merged.sort(key=lambda pair: -pair[1].norm().item())
    merged = [pair for pair in merged if pair[1].norm() > amplitude * merged[0][1].norm()]
    if not merged:
        return Features(orientation[:0], amplitudes[:0])
    return Features(torch.stack([pair[0] for pair in merged]), torch.stack([pair[1] for pair in merged]))
