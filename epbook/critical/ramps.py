"""The neurons that a ReLU net can have on samples of a line: rays, and the pieces between two rays.

A ramp is what one neuron gives on the samples, up to its output weight. Let its kink travel along the line:
while it stays between two samples, the ramp is a mixture, with positive weights, of the two ramps whose
kinks are *on* these samples. So the ramps with kinks on samples, to the right and to the left, are the rays
v of everything, and a ramp with its kink between samples is α v + β v' with α β > 0. A neuron without a kink
among the samples is one too: the line is positive on them, a mixture of the rays from both ends.
Source: (w, b) up to a positive factor is a point on a circle, which the samples cut into 2n arcs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Ramps(NamedTuple):
    """Rays and pieces, as arrays for the compiled search.

    rays: (2n, n); row p is relu(x − x_p) on the samples, row n + p is relu(x_p − x). Two of them are zero.
    pieces: (k, 2) rays of each piece, −1 for none. length: (k,) of the gap of the kink: a line with
    coefficients α, β on the rays has the values α·length, β·length at the ends of the gap.
    steps: (k, n) 1 where the piece is on, else 0: a mixture of the rays, too, of values 1 and `turn` (k,) at
    the ends. With one ray it makes up the columns of a fit, since two rays of a short gap are nearly one.
    place: (k,) the sample that the kink is on, −1 for a kink between samples. right: (k,) on to the right?
    gap: (k, 2) the samples around the kink, n and n + 1 for a kink that is not among them.
    """

    rays: NDArray[np.float64]
    pieces: NDArray[np.int64]
    length: NDArray[np.float64]
    steps: NDArray[np.float64]
    turn: NDArray[np.float64]
    place: NDArray[np.int64]
    right: NDArray[np.bool_]
    gap: NDArray[np.int64]


def ramps(points: NDArray[np.float64], *, on_samples: bool) -> Ramps:
    """All rays and pieces for ascending points; with kinks on samples, too, if on_samples.

    A kink on the last sample but one is left out: its ramp is on at one sample only, as is the ramp whose
    kink lies beyond it, which asks for less.

    >>> found = ramps(np.array([0.0, 1.0, 2.0]), on_samples=True)
    >>> found.pieces.tolist()
    [[0, 5], [0, 1], [4, -1], [1, -1], [5, 4], [0, -1], [5, -1]]
    """
    n = len(points)
    away = points[None, :] - points[:, None]
    rays = np.concatenate([np.maximum(away, 0), np.maximum(-away, 0)])
    span = points[-1] - points[0]
    rows = [((0, 2 * n - 1), span, -1, True, (n, n + 1))]
    for p in range(n - 1):
        width = points[p + 1] - points[p]
        rows.append(((p, p + 1 if p < n - 2 else -1), width, -1, True, (p, p + 1)))
        rows.append(((n + p + 1, n + p if p > 0 else -1), width, -1, False, (p, p + 1)))
    if on_samples:
        rows += [((p, -1), span, p, True, (p, p)) for p in range(n - 2)]
        rows += [((n + p, -1), span, p, False, (p, p)) for p in range(2, n)]
    pieces, length, place, right, gap = (np.array(column) for column in zip(*rows, strict=True))
    steps = (rays[pieces[:, 0]] > 0).astype(float)
    steps[0], turn = 1.0, np.full(len(pieces), -1.0)
    turn[0] = 1.0
    return Ramps(rays, pieces, length, steps, turn, place, right, gap)
