"""How long a wide tanh network waits at its first plateau, foretold from a linear fit alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from epbook.checks import positive, table
from epbook.given import layers
from epbook.results import Result


@dataclass(frozen=True, eq=False)
class FirstPlateau(Result):
    """What the best linear fit says of the station at which small tanh networks wait first.

    slope: ψ, (d + 1,), of the fit ψ·[x; 1]. loss: R there. G: (d + 1, d + 1), so that S_j = |A_j| G for a
    neuron of amplitude |A_j| = |a_j| ‖(w_j, b_j)‖ that does its part of the fit.
    Source: this book, page on the atlas.
    """

    slope: Tensor
    loss: float
    G: Tensor

    @property
    def rate(self) -> float:
        """|λ_min(G)| where it is negative, 0 where no split leads down: per flow time and amplitude."""
        return max(0.0, -float(torch.linalg.eigvalsh(self.G)[0]))


def first_plateau(x: Tensor, y: Tensor) -> FirstPlateau:
    """The linear fit of the data and the curvature it hands to every neuron of a wide tanh network.

    G = −4 E[r (ψ̂·x̃) x̃x̃ᵀ], r = ψ·x̃ − y, ψ̂ = ψ/‖ψ‖, x̃ = [x; 1], ψ the least-squares fit.

    A neuron with small weights is linear, a tanh(w̃·x̃) ≈ a w̃·x̃, and tanh'' ≈ −2z. Where m of them make the
    fit together, a_j w̃_j = |A_j| ψ̂ with Σ |A_j| = ‖ψ‖, and S_j = E[2r a_j tanh''(z_j) x̃x̃ᵀ] ≈ |A_j| G: in
    the time |A_j| t all do the same. So the wait times A_max does not depend on the width. With 2r for the
    mean squared error: another factor in front of the loss is another unit of time. The corner of G that
    belongs to the bias is −4 E[r (ψ̂·x̃)] = 0 at the fit, so G has a negative eigenvalue unless E[r (ψ̂·x̃) x]
    is zero: a way down is there for nearly all data.
    x: (n, d), y: (n, 1). Returns a `FirstPlateau`. Raises ValueError for several outputs (then the fit is no
    single direction), for data whose best linear fit is zero, and for tables that do not fit.
    Source: this book, page on the atlas.

    >>> import epbook as ep
    >>> first = first_plateau(*ep.data.relu_teacher())
    >>> round(first.loss, 4), round(first.rate, 3)
    (0.0292, 0.135)
    """
    inputs, targets = table(x, "x"), table(y, "y")
    if targets.shape != (len(inputs), 1):
        raise ValueError(f"y must be of shape ({len(inputs)}, 1), one output a sample, got {targets.shape}")
    rows = np.hstack([inputs, np.ones((len(inputs), 1))])
    slope = np.linalg.lstsq(rows, targets[:, 0], rcond=None)[0]
    r = rows @ slope - targets[:, 0]
    size = float(np.linalg.norm(slope))
    if size * np.abs(rows).max() <= 1e-12 * np.abs(targets).max(initial=0.0) or size == 0:
        raise ValueError("the best linear fit of these data is zero: no neuron carries it, none is split")
    G = -4 * (rows.T * (r * (rows @ (slope / size)))) @ rows / len(rows)
    return FirstPlateau(torch.from_numpy(slope), float((r**2).mean()), torch.from_numpy((G + G.T) / 2))


def amplitudes(net: nn.Sequential) -> Tensor:
    """What each neuron of a two-layer network with one output contributes while it is linear.

    |A_j| = |a_j| ‖(w_j, b_j)‖, shape (m,), in units of output per input.

    net: two-layer, biases in the hidden layer, one output. Raises ValueError for another form.
    Source: this book, page on the atlas.

    >>> import epbook as ep
    >>> net = ep.sequential([(torch.tensor([[3.0]]), torch.tensor([4.0]), nn.Tanh()),
    ...                      (torch.tensor([[-2.0]]), None, None)])
    >>> amplitudes(net).tolist()
    [10.0]
    """
    found = layers(net)
    if len(found) != 2 or found[1].width != 1:
        raise ValueError(f"net must be two-layer with one output, got {net}")
    size: Tensor = found[1].weight[0].detach().abs() * found[0].incoming.detach().norm(dim=1)
    return size


def wait(steps: Tensor, losses: Tensor, *, level: float, near: float = 0.05) -> float:
    """How long a loss curve stays near a level: the last step within it minus the first, 0 where it is not.

    |R/level − 1| < near, on the steps at which the curve was kept.

    steps, losses: (k,), of `Runs.losses`. Steps times the step size are flow time. Raises ValueError where
    level or near is not above 0, or the two differ in length.
    Source: this book, page on the atlas.

    >>> import numpy as np
    >>> wait(np.arange(5), np.array([4, 2.02, 2.0, 1.98, 1]), level=2.0)
    2.0
    """
    at, curve = np.asarray(steps, dtype=float), np.asarray(losses, dtype=float)
    if at.shape != curve.shape or at.ndim != 1:
        raise ValueError(f"steps and losses must be of one length, got {at.shape} and {curve.shape}")
    inside = at[np.abs(curve / positive(level, "level") - 1) < positive(near, "near")]
    return float(inside[-1] - inside[0]) if len(inside) else 0.0
