"""Points at infinity: a neuron that has become linear, as a loss that does not see what is linear in x."""

from __future__ import annotations

import torch
from torch import Tensor

from epbook.atlas.station import Station
from epbook.checks import table
from epbook.losses import Loss
from epbook.networks import augmented


def beyond_linear(x: Tensor) -> Loss:
    """The mean squared error that is left when the best linear function of x is added to the output.

    R'(f, y) = min_s R(f + s·[x; 1], y) = 1/(n·o) ‖(1 − P)(f − y)‖², P the projection on [x; 1].

    A tanh neuron with w̃ → 0 and a·w̃ → s tends to s·[x; 1], so the critical points of this loss are those at
    infinity of networks with one neuron more: s is eliminated, and as the loss is quadratic in s with a
    positive Hessian (n > d), inertia there and here differ by the size of s in positive signs, no more.

    x: (n, d). Returns loss(output, target) for tensors (n, o). Raises ValueError where x is no such table.
    Source: variable projection (Golub and Pereyra, 1973); this book, page on the atlas.

    >>> x = torch.linspace(-1, 1, 5, dtype=torch.float64)[:, None]
    >>> loss = beyond_linear(x)
    >>> loss(0 * x, 3 * x + 1).item() < 1e-30
    True
    """
    Q = torch.linalg.qr(augmented(torch.as_tensor(table(x, "x"))))[0]

    def loss(output: Tensor, target: Tensor) -> Tensor:
        r = output - target
        r = r - Q @ (Q.T @ r)
        left: Tensor = (r * r).mean()
        return left

    return loss


def linear_part(x: Tensor, rest: Tensor) -> Tensor:
    """The s of the best linear fit s·[x; 1] to `rest`, by least squares.

    x: (n, d), rest: (n, o). Returns s, (o, d + 1). Raises ValueError where x is no such table.
    Source: this book, page on the atlas.

    >>> x = torch.linspace(-1, 1, 5, dtype=torch.float64)[:, None]
    >>> linear_part(x, 3 * x + 1).numpy().round(12)
    array([[3., 1.]])
    """
    s: Tensor = torch.linalg.lstsq(augmented(torch.as_tensor(table(x, "x"))), rest).solution.T
    return s


def release(station: Station, x: Tensor, y: Tensor) -> float:
    """The slope of the loss as the linear neuron comes back from infinity, dR/dτ at τ = 1/a² = 0.

    a tanh(s·x̃/a) = s·x̃ − τ (s·x̃)³/3 + O(τ²), so dR/dτ = −(2/3) E[r (s·x̃)³], r = f − y.

    Negative: one neuron comes back by itself. Positive: alone it stays out; two neurons that share s need
    not. station: at infinity, one output. x: (n, d), y: (n, 1). Raises ValueError for another station.
    Source: this book, page on the atlas.

    >>> import epbook as ep
    >>> x, y = ep.data.relu_teacher()
    >>> s = linear_part(x, y)
    >>> f = torch.cat([x, torch.ones_like(x)], dim=1) @ s.T
    >>> release(Station("0∞", 0, True, f, 0.0, slope=s), x, y) < 0
    True
    """
    if station.slope is None or len(station.slope) != 1:
        raise ValueError(f"release needs a station at infinity with one output, got {station!r}")
    cubes = (augmented(x) @ station.slope.T) ** 3
    return float(-2 / 3 * ((station.outputs - y) * cubes).mean())
