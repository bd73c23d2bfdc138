"""A ReLU net that has given ramps and is a least-squares fit of the data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linprog
from torch import nn

from epbook.networks import sequential


def network(neurons: Sequence, points: NDArray, targets: NDArray) -> nn.Sequential:
    """The net with one neuron for each Ramp of `neurons`; see `ReluMinimum.network`.

    Each ramp is a mixture of those with kinks on the samples around it. A linear program looks for the
    mixtures with the largest smallest weight; one least-squares step then takes its rounding away.
    """
    start, span, size = points[0], np.ptp(points), np.abs(targets).max() or 1.0
    units = (points - start) / span
    rays = []  # of all neurons: neuron, slope and level of the line α x + β that it is where it is on
    for j, (low, high, right, _) in enumerate(neurons):
        if low == -np.inf:
            rays += [(j, 1.0, 0.0), (j, -1.0, 1.0)]
        else:
            side = 1.0 if right else -1.0
            rays += [(j, side, -side * (kink - start) / span) for kink in sorted({low, high})]
    owner = np.array([j for j, _, _ in rays], int)
    lines = np.array([line for _, *line in rays]).reshape(-1, 2)
    signs = np.array([neuron.sign for neuron in neurons])
    ramps = np.maximum(lines @ np.stack([units, np.ones_like(units)]), 0) * signs[owner, None]
    fit = ramps.T @ np.linalg.lstsq(ramps.T, targets / size, rcond=None)[0]
    # Weights λ ≥ t with Σ λ ramp = fit and the largest t ≤ 1.
    count = len(rays)
    least = np.hstack([-np.eye(count), np.ones((count, 1))])
    found = linprog(
        np.append(np.zeros(count), -1.0),
        A_ub=least,
        b_ub=np.zeros(count),
        A_eq=np.hstack([ramps.T, np.zeros((len(units), 1))]),
        b_eq=fit,
        bounds=[(None, None)] * count + [(None, 1.0)],
    )
    if not (found.status == 0 and found.x[-1] > 0):
        raise ValueError(
            "no net of these neurons is a least-squares fit of the data: x and y of the minimum?"
        )
    weights = found.x[:-1]
    weights = weights + np.linalg.lstsq(ramps.T, targets / size - ramps.T @ weights, rcond=None)[0]
    hidden = np.zeros((len(neurons), 2))
    np.add.at(hidden, owner, weights[:, None] * lines)
    slope, level = torch.from_numpy(hidden * size).T
    out = torch.from_numpy(signs.astype(float))[None]
    return sequential([(slope[:, None] / span, level - slope * start / span, nn.ReLU()), (out, None, None)])
