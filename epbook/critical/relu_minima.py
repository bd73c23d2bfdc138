"""Every local minimum of a ReLU net on points of a line, by exact piecewise least squares."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from epbook.progress import progress

# Kinds of pieces: a kink between two samples, a kink on a sample, no kink inside the data.
BETWEEN, ON, NOWHERE = 0, 1, 2
_DEPENDENT = 1e-9


@dataclass(frozen=True)
class ReluMinimum:
    """A local minimum: its loss, the neurons it needs, its kinks on the x-axis (an end: no kink inside)."""

    loss: float
    width: int
    kinks: tuple[float, ...]
    on_sample: tuple[bool, ...]


def relu_minima(pieces: int, x: Tensor, y: Tensor, *, on_samples: bool = True) -> list[ReluMinimum]:
    """All local minima of f(x) = Σ_j a_j relu(w_j x + b_j) that are made of at most `pieces` ramps.

    A neuron is a linear function on the samples S beyond its kink and zero before. Where a_j ≠ 0 and no
    kink is on a sample, ∇R = 0 says Σ_S r = Σ_S r x = 0 for the residual r: f is the least-squares fit by
    free lines on the chosen sets S, a linear problem. It is a critical point of that many neurons if each
    line crosses zero in the gap where its S begins; where one does not, two neurons in the same gap, of
    opposite signs, make up any line. A kink on a sample leaves one free slope; it stays there if the loss
    rises as the kink leaves to either side. Inside its region the loss is convex in the lines, so all of
    these are minima. Each set of pieces is solved; sets whose lines are linearly dependent are left out.

    x, y: (n, 1) with x ascending, n ≥ 3, no units. on_samples: look for kinks on samples too. Returns them
    by falling loss, each with its least width. The number of sets grows like (4n)^pieces, or (2n)^pieces
    without kinks on samples: 2 s for 4 pieces, or 5 without, at n = 20.
    Raises ValueError where the data are not such or pieces is below 1.
    Source: chapter section 1.1 (the data); the convexity is that of least squares.

    >>> import epbook as ep
    >>> [round(found.loss, 7) for found in relu_minima(1, *ep.data.relu_teacher()) if found.width == 1]
    [0.0273336]
    """
    if pieces != int(pieces) or pieces < 1:
        raise ValueError(f"pieces must be a whole number of at least 1, got {pieces!r}")
    if x.ndim != 2 or x.shape != y.shape or x.shape[1] != 1 or len(x) < 3:
        raise ValueError(
            f"x and y must be of one shape (n, 1) with n ≥ 3, got {tuple(x.shape)}, {tuple(y.shape)}"
        )
    points, values = x.double().numpy().ravel(), y.double().numpy().ravel()
    if not (np.diff(points) > 0).all():
        raise ValueError("x must be ascending, without repetition")
    kinds, places, columns, first = _pieces(points, on_samples)
    gram, right = columns.T @ columns, columns.T @ values
    found = []
    for count in progress(range(1, pieces + 1), label="sets of ramps"):
        losses, widths, sets = _search(count, points, values, kinds, places, columns, first, gram, right)
        for loss, width, chosen in zip(losses, widths, sets, strict=True):
            at = [_kink(points, kinds[k], places[k]) for k in chosen]
            found.append(ReluMinimum(loss, width, tuple(at), tuple(bool(kinds[k] == ON) for k in chosen)))
    return sorted(found, key=lambda minimum: -minimum.loss)


def _kink(points: NDArray, kind: int, place: int) -> float:
    """Where on the x-axis: the sample, the middle of the gap, or the lower end for no kink inside."""
    after = place + 1 if kind == BETWEEN else place
    return float((points[max(place, 0)] + points[max(after, 0)]) / 2)


def _pieces(points: NDArray, on_samples: bool) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Every ramp: kind, place (sample left of the kink, or on it), its columns, and where they begin."""
    n = len(points)
    kinds, places, columns = [NOWHERE], [-1], [[np.ones(n), points.copy()]]
    for place in range(n):
        for right in (True, False):
            beyond = np.arange(n) > place if right else np.arange(n) < place + 1
            if place < n - 1:
                kinds.append(BETWEEN)
                places.append(place)
                columns.append([beyond.astype(float), np.where(beyond, points, 0.0)])
            ramp = np.maximum(points - points[place], 0) if right else np.maximum(points[place] - points, 0)
            if on_samples and ramp.any():
                kinds.append(ON)
                places.append(place)
                columns.append([ramp])
    first = np.cumsum([0] + [len(piece) for piece in columns])
    return np.array(kinds), np.array(places), np.array([c for piece in columns for c in piece]).T, first


@numba.njit(cache=True)
def _search(count, points, values, kinds, places, columns, first, gram, right):  # pragma: no cover
    """Least squares on every set of `count` pieces; those whose kinks stay where they are."""
    n, total = len(points), len(kinds)
    losses, widths, sets = [], [], []
    chosen = np.arange(count)
    index = np.empty(2 * count, np.int64)
    factor = np.empty((2 * count, 2 * count))
    solution = np.empty(2 * count)
    while True:
        size = 0
        for k in chosen:
            for column in range(first[k], first[k + 1]):
                index[size] = column
                size += 1
        independent = True
        for i in range(size):  # Cholesky's factor of the normal equations
            for j in range(i + 1):
                value = gram[index[i], index[j]]
                for k in range(j):
                    value -= factor[i, k] * factor[j, k]
                if i == j:
                    if value < _DEPENDENT:
                        independent = False
                        break
                    factor[i, i] = np.sqrt(value)
                else:
                    factor[i, j] = value / factor[j, j]
            if not independent:
                break
        if independent:
            for i in range(size):
                value = right[index[i]]
                for k in range(i):
                    value -= factor[i, k] * solution[k]
                solution[i] = value / factor[i, i]
            for i in range(size - 1, -1, -1):
                value = solution[i]
                for k in range(i + 1, size):
                    value -= factor[k, i] * solution[k]
                solution[i] = value / factor[i, i]
            residual = -values
            for i in range(size):
                residual = residual + solution[i] * columns[:, index[i]]
            width, at = count, 0
            for k in chosen:
                if kinds[k] == ON:
                    slope, place = solution[at], places[k]
                    beyond = 0.0
                    for i in range(n):
                        if columns[i, first[k]] > 0:
                            beyond += residual[i]
                    if not (slope * beyond < -1e-12 and slope * (beyond + residual[place]) > 1e-12):
                        width = 1000
                        break
                    at += 1
                else:
                    level, slope = solution[at], solution[at + 1]
                    if max(abs(level), abs(slope)) < 1e-9:
                        width = 1000
                        break
                    kink = -level / slope if slope != 0 else np.inf
                    if kinds[k] == NOWHERE:
                        inside = kink < points[0] or kink > points[n - 1]
                    else:
                        inside = points[places[k]] < kink < points[places[k] + 1]
                    if not inside:
                        width += 1
                    at += 2
            if width < 1000:
                losses.append((residual * residual).mean())
                widths.append(width)
                sets.append(chosen.copy())
        last = count - 1
        while last >= 0 and chosen[last] == total - count + last:
            last -= 1
        if last < 0:
            return losses, widths, sets
        chosen[last] += 1
        for k in range(last + 1, count):
            chosen[k] = chosen[k - 1] + 1
