"""The least-squares fit by every choice of ramps, in portions: compiled, the same numbers on every processor.

There is no BLAS in here, and every sum has one order. The choices come in lexicographic order, and the
orthogonal basis of the first pieces serves all choices that begin with them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from epbook.critical.neuron_count import EITHER, TOLERANCE, fewest


class Fit(NamedTuple):
    """The fit by the first 0, 1, 2, … pieces of a choice. Column 2j + e is ray e of piece j."""

    basis: NDArray[np.float64]  # (2m, n) orthonormal rows
    inside: NDArray[np.float64]  # (2m, 2m) row c: column c in the basis
    target: NDArray[np.float64]  # (2m,) the targets in the basis
    column: NDArray[np.int64]  # (2m,) from which column each row of the basis came
    rank: NDArray[np.int64]  # (m + 1,) rows of the basis
    residual: NDArray[np.float64]  # (m + 1, n) targets minus the fit
    taken: NDArray[np.bool_]  # (m + 1, 2n) rays in use
    lines: NDArray[np.int64]  # (m + 1,) straight lines that pairs of opposite rays in use make up


@njit(cache=True, nogil=True)
def search(ramps, targets, marks, chosen, keys, losses, widths, choices, signs):  # pragma: no cover
    """Fit the next choices of len(chosen) pieces, from `chosen` on: as many as `losses` has places.

    There must be so many. targets: (n,), the largest 1 in size. marks: (k, n), the weights of the residuals
    in `keys`. chosen: ascending numbers of pieces; left at the next choice. The rest takes what is found, a
    row for each: keys, the loss, the fewest neurons, the pieces, and their output weights' signs (`fewest`).
    Returns how many were found.
    """
    count, total = len(chosen), len(ramps.length)
    fit = _start(count, targets)
    single, allowed = np.empty(count, np.bool_), np.empty(count, np.int64)
    found = level = 0
    for _ in range(len(losses)):
        for j in range(level, count):
            _add(fit, ramps, j, chosen[j])
        residual = fit.residual[count]
        if _stay(ramps, chosen, residual, allowed):
            for j in range(count):
                single[j] = ramps.pieces[chosen[j], 1] < 0
            width = fewest(_lines(fit, ramps, chosen), single, allowed, signs[found])
            if width > 0:
                losses[found], widths[found] = (residual * residual).mean(), width
                choices[found, :count] = chosen
                for k in range(len(marks)):
                    keys[found, k] = (marks[k] * residual).sum()
                found += 1
        level = count - 1
        while level >= 0 and chosen[level] == total - count + level:
            level -= 1
        if level < 0:
            break
        chosen[level] += 1
        for j in range(level + 1, count):
            chosen[j] = chosen[j - 1] + 1
    return found


@njit(cache=True, nogil=True)
def _start(count, targets):  # pragma: no cover
    """The fit by no piece: all is left, and of the rays the two that are zero are there."""
    n, most = len(targets), 2 * count
    fit = Fit(
        np.empty((most, n)),
        np.zeros((most, most)),
        np.empty(most),
        np.empty(most, np.int64),
        np.zeros(count + 1, np.int64),
        np.empty((count + 1, n)),
        np.zeros((count + 1, 2 * n), np.bool_),
        np.zeros(count + 1, np.int64),
    )
    fit.residual[0] = targets
    fit.taken[0, n - 1] = fit.taken[0, n] = True
    return fit


@njit(cache=True, nogil=True)
def _add(fit, ramps, level, piece):  # pragma: no cover
    """The fit by one more piece.

    Which rays depend on which is known without a threshold. The rays to the right are independent, and so
    are those to the left; the two on sample p differ by the line x − x_p. Any two of these lines span the
    others, so that a ray depends on those in use where it is among them or makes up a third line.
    """
    n = fit.basis.shape[1]
    rank, lines = fit.rank[level], fit.lines[level]
    residual, taken = fit.residual[level + 1], fit.taken[level + 1]
    residual[:], taken[:] = fit.residual[level], fit.taken[level]
    for end in range(2):
        ray, c = ramps.pieces[piece, end], 2 * level + end
        if ray < 0:
            continue
        pair = not taken[ray] and taken[(ray + n) % (2 * n)]
        depends = taken[ray] or (pair and lines >= 2)
        lines += pair
        taken[ray] = True
        new, inside = fit.basis[rank], fit.inside[c]
        new[:], inside[:] = ramps.rays[ray], 0.0
        for _ in range(2):  # a second time for what rounding left over
            for b in range(rank):
                inside[b] += _take_out(fit.basis[b], new)
        if not depends:
            inside[rank] = np.sqrt((new * new).sum())
            new /= inside[rank]
            fit.target[rank] = _take_out(new, residual)
            fit.column[rank] = c
            rank += 1
    fit.rank[level + 1], fit.lines[level + 1] = rank, lines


@njit(cache=True, nogil=True)
def _take_out(direction, vector):  # pragma: no cover
    """Take a unit vector's share out of a vector, in place; returns the share."""
    share = 0.0
    for i in range(len(vector)):
        share += direction[i] * vector[i]
    for i in range(len(vector)):
        vector[i] -= share * direction[i]
    return share


@njit(cache=True, nogil=True)
def _stay(ramps, chosen, residual, allowed):  # pragma: no cover
    """Whether the loss falls for no move of a kink off its sample; the signs with which this is so."""
    for j in range(len(chosen)):
        allowed[j] = EITHER
        place = ramps.place[chosen[j]]
        if place < 0:
            continue
        # Output minus target, summed over the samples where the ramp is on; then with the kink's own sample.
        off = 0.0
        for i in range(place + 1, len(residual)) if ramps.right[chosen[j]] else range(place):
            off -= residual[i]
        on = off - residual[place]
        positive, negative = off <= TOLERANCE and on >= -TOLERANCE, off >= -TOLERANCE and on <= TOLERANCE
        if not (positive or negative):
            return False
        if positive != negative:
            allowed[j] = 1 if positive else -1
    return True


@njit(cache=True, nogil=True)
def _lines(fit, ramps, chosen):  # pragma: no cover
    """All ways to write the fit: (pieces, 2, 1 + k) values of the lines at the ends of their gaps.

    The last index: the way without the k dependent columns, and the change with each of these.
    """
    count = len(chosen)
    rank = fit.rank[count]
    used = np.zeros(2 * count, np.bool_)
    used[fit.column[:rank]] = True
    k = 1
    for c in range(2 * count):
        k += not used[c] and ramps.pieces[chosen[c // 2], c % 2] >= 0
    lines = np.zeros((count, 2, k))
    weights = np.empty(rank)
    k = 0
    for c in range(-1, 2 * count):
        if c >= 0 and (used[c] or ramps.pieces[chosen[c // 2], c % 2] < 0):
            continue
        length = 1.0
        if c >= 0:
            length = ramps.length[chosen[c // 2]]
            lines[c // 2, c % 2, k] = 1.0
        for b in range(rank - 1, -1, -1):
            value = fit.target[b] if c < 0 else -fit.inside[c, b] / length
            for later in range(b + 1, rank):
                value -= fit.inside[fit.column[later], b] * weights[later]
            at = fit.column[b]
            weights[b] = value / fit.inside[at, b]
            lines[at // 2, at % 2, k] = weights[b] * ramps.length[chosen[at // 2]]
        k += 1
    return lines
