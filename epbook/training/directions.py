"""Which tiny ReLU neurons grow where a net on a line rests, and how fast: the way out of its plateaus."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from epbook.checks import table
from epbook.given import read

BESIDE = 1e-7  # radians: where the function to the left and to the right of a kink is looked at


class Direction(NamedTuple):
    """A way in which tiny neurons grow: orientation (an angle), sign of their output, rate of growth.

    Source: extremal vectors, Maennel, Bousquet & Gelly 2018 (arXiv 1803.08367).
    """

    angle: float
    sign: int
    rate: float


def escape_directions(net: nn.Sequential, x: Tensor, y: Tensor) -> list[Direction]:
    """The orientations to which tiny new ReLU neurons turn, and how fast they grow there, fastest first.

    A neuron a·σ(w̃·x̃) too small to be felt obeys ȧ = C(ŵ)‖w̃‖ and turns towards larger a·C(ŵ), with
        C(φ) = −(2/n) Σ_i r_i σ(x_i cos φ + sin φ),
    so it ends at a local maximum of C (a > 0) or a local minimum (a < 0), and grows like exp(|C| t) there.
    Between two angles at which a sample switches, C is one sine wave, so every extreme is found exactly;
    some sit at a switch, with the neuron's kink on a sample.

    net: one input and one output, any activation; x, y: (n, 1). Angles of (w, b) in [−π, π], rates per unit
    of flow time. Raises ValueError and TypeError as `read` does, ValueError for more inputs or outputs.
    Source: Maennel, Bousquet & Gelly 2018; escape neurons: Wu, Şimşek & Ged 2025 (arXiv 2402.05626).

    >>> import epbook as ep
    >>> x, y = ep.data.relu_teacher()
    >>> [way] = escape_directions(ep.two_layer(1, 1, std=0.0), x, y)
    >>> round(way.angle, 3), way.sign, round(way.rate, 3)
    (1.129, 1, 1.021)
    """
    found = read(net, x, y)
    if found.inputs != 1 or found.outputs != 1:
        raise ValueError(f"expected one input and one output, got {found.inputs} and {found.outputs}")
    residual = table(found.network(found.layers).double()(found.x).detach() - found.y, "the residual")
    return directions(table(found.x, "x").ravel(), np.asarray(residual).ravel())


def directions(x: NDArray, residual: NDArray) -> list[Direction]:
    """The same from the residuals r_i = f(x_i) − y_i of any function."""
    pull = -2 / len(x) * residual

    def rate(angles: NDArray) -> NDArray:
        return np.asarray(np.maximum(np.outer(np.cos(angles), x) + np.sin(angles)[:, None], 0) @ pull)

    switches = np.sort(np.concatenate([np.arctan2(-x, 1.0), np.arctan2(x, -1.0)]))
    found = []
    for low, high in zip(switches, np.append(switches[1:], switches[0] + 2 * np.pi), strict=True):
        on = x * np.cos((low + high) / 2) + np.sin((low + high) / 2) > 0
        slope, level = (pull * x)[on].sum(), pull[on].sum()
        for sign in (1, -1):
            angle = np.arctan2(sign * level, sign * slope)
            if low < angle < high or low < angle + 2 * np.pi < high:
                found.append(Direction(float(angle), sign, float(np.hypot(slope, level))))
    at, left, right = rate(switches), rate(switches - BESIDE), rate(switches + BESIDE)
    for angle, here, before, after in zip(switches, at, left, right, strict=True):
        sign = 1 if here > 0 else -1
        if sign * here > max(sign * before, sign * after, 0):
            found.append(Direction(float(angle), sign, float(abs(here))))
    return sorted(found, key=lambda way: -way.rate)
