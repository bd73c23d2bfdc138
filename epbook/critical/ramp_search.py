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
    """The fits by the first 0, 1, 2, … pieces of a choice; piece j has columns 2j (ray) and 2j + 1 (step)."""

    basis: NDArray[np.float64]  # (2m, n) orthonormal rows
    inside: NDArray[np.float64]  # (2m, 2m) row b: the column behind row b of the basis, in the basis
    column: NDArray[np.int64]  # (2m,) which one this is
    target: NDArray[np.float64]  # (2m,) the targets in the basis
    rank: NDArray[np.int64]  # (m + 1,) rows of the basis
    residual: NDArray[np.float64]  # (m + 1, n) targets minus the fit
    owner: NDArray[np.int64]  # (m + 1, 2n) 2j + e where a ray is ray e of piece j, −1 if in no piece
    pairs: NDArray[np.int64]  # (2m,) samples with both of their rays in use
    lines: NDArray[np.int64]  # (m + 1,) how many
    free: NDArray[np.float64]  # (2m, 1 + m, 2) changes of all lines that leave the fit; the last is nobody's
    frees: NDArray[np.int64]  # (m + 1,) how many


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
            _add(fit, ramps, j, chosen)
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
        np.empty((most, most)),
        np.empty(most, np.int64),
        np.empty(most),
        np.zeros(count + 1, np.int64),
        np.empty((count + 1, n)),
        np.full((count + 1, 2 * n), -1),
        np.empty(most, np.int64),
        np.zeros(count + 1, np.int64),
        np.empty((most, count + 1, 2)),
        np.zeros(count + 1, np.int64),
    )
    fit.residual[0] = targets
    fit.owner[0, n - 1] = fit.owner[0, n] = most
    return fit


@njit(cache=True, nogil=True)
def _add(fit, ramps, level, chosen):  # pragma: no cover
    """The fit by one more piece."""
    piece, n = chosen[level], fit.basis.shape[1]
    residual, owner = fit.residual[level + 1], fit.owner[level + 1]
    residual[:], owner[:] = fit.residual[level], fit.owner[level]
    lines, frees, new = fit.lines[level], fit.frees[level], 0
    single = ramps.pieces[piece, 1] < 0
    # Which rays depend on which needs no threshold. Those to the right are independent, and so are those to
    # the left; the two on sample p differ by x − x_p, and any two of these lines span all others.
    for end in range(1 if single else 2):
        ray = ramps.pieces[piece, end]
        if owner[ray] >= 0:
            _share(fit.free[frees], ramps, chosen, owner[ray], 2 * level + end)
            frees += 1
            continue
        owner[ray] = 2 * level + end
        new += 1
        if owner[(ray + n) % (2 * n)] >= 0:
            fit.pairs[lines] = ray % n
            lines += 1
            if lines > 2:
                _bend(fit.free[frees], ramps, chosen, owner, fit.pairs[0], fit.pairs[1], ray % n)
                frees += 1
                new -= 1
    fit.lines[level + 1], fit.frees[level + 1] = lines, frees
    rank = fit.rank[level]
    end = 2 * level + (1 if single else 2)
    for c in range(end - new, end):
        column, inside = fit.basis[rank], fit.inside[rank]
        column[:] = ramps.steps[piece] if c % 2 else ramps.rays[ramps.pieces[piece, 0 if single else 1]]
        inside[:] = 0.0
        for _ in range(2):  # a second time for what rounding left over
            for b in range(rank):
                inside[b] += _take_out(fit.basis[b], column)
        inside[rank] = np.sqrt((column * column).sum())
        column /= inside[rank]
        fit.target[rank] = _take_out(column, residual)
        fit.column[rank] = c
        rank += 1
    fit.rank[level + 1] = rank


@njit(cache=True, nogil=True)
def _share(free, ramps, chosen, one, other):  # pragma: no cover
    """The change of two pieces that hand the ray they share to each other."""
    lengths = ramps.length[chosen[one // 2]], ramps.length[chosen[other // 2]]
    free[:] = 0.0
    free[one // 2, one % 2] = -lengths[0] / max(lengths)
    free[other // 2, other % 2] = lengths[1] / max(lengths)


@njit(cache=True, nogil=True)
def _bend(free, ramps, chosen, owner, p, q, r):  # pragma: no cover
    """The change by (x_q − x_r) (x − x_p) + (x_r − x_p) (x − x_q) + (x_p − x_q) (x − x_r), which is zero."""
    n = len(owner) // 2
    points = ramps.rays[0]  # from the first one on
    free[:] = 0.0
    for sample, weight in (
        (p, points[q] - points[r]),
        (q, points[r] - points[p]),
        (r, points[p] - points[q]),
    ):
        for place, side in ((owner[sample], 1.0), (owner[n + sample], -1.0)):
            if place < 2 * len(chosen):
                free[place // 2, place % 2] = side * weight * ramps.length[chosen[place // 2]]
    free /= np.abs(free).max()


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
    """The values of all lines at the ends of their gaps, and their free changes: (pieces, 2, 1 + k)."""
    count = len(chosen)
    rank, frees = fit.rank[count], fit.frees[count]
    weights, lines = np.zeros(2 * count), np.zeros((count, 2, 1 + frees))
    for b in range(rank - 1, -1, -1):
        value = fit.target[b]
        for later in range(b + 1, rank):
            value -= fit.inside[later, b] * weights[fit.column[later]]
        weights[fit.column[b]] = value / fit.inside[b, b]
    for j in range(count):
        piece, step = chosen[j], weights[2 * j + 1]
        lines[j, 0, 0], lines[j, 1, 0] = step, step * ramps.turn[piece]
        lines[j, 0 if ramps.pieces[piece, 1] < 0 else 1, 0] += weights[2 * j] * ramps.length[piece]
        for k in range(frees):
            lines[j, :, 1 + k] = fit.free[k, j]
    return lines
