"""How many neurons a least-squares fit by ramps needs: inequalities, where its lines are not unique."""

from __future__ import annotations

import numpy as np
from numba import njit

TOLERANCE = 1e-9  # of the largest target: a smaller value is zero
EITHER, TWICE = 0, 2  # a sign that is free; two neurons of opposite signs
_ZERO = 1e-10  # of the coefficients of the inequalities, which are 1 or ratios of distances


@njit(cache=True, nogil=True)
def solvable(rows):  # pragma: no cover
    """Whether some z has rows[:, 1:] z + rows[:, 0] > 0, by the elimination of Fourier and Motzkin."""
    for last in range(rows.shape[1] - 1, 1, -1):
        lower = upper = 0
        for row in rows:
            lower += row[last] > _ZERO
            upper += row[last] < -_ZERO
        fewer = np.empty((len(rows) - lower - upper + lower * upper, last))
        at = 0
        for row in rows:
            if abs(row[last]) <= _ZERO:
                fewer[at] = row[:last]
                at += 1
            elif row[last] > 0:
                for other in rows:
                    if other[last] < -_ZERO:
                        fewer[at] = row[:last] / row[last] - other[:last] / other[last]
                        at += 1
        rows = fewer
    low, high = -np.inf, np.inf
    for row in rows:
        factor = row[1] if rows.shape[1] > 1 else 0.0
        if factor > _ZERO:
            low = max(low, -row[0] / factor)
        elif factor < -_ZERO:
            high = min(high, -row[0] / factor)
        elif row[0] <= 0:
            return False
    return low < high


@njit(cache=True, nogil=True)
def fewest(values, single, allowed, best):  # pragma: no cover
    """The least number of neurons, 0 if there is none; their output weights' signs go into `best`.

    values: (pieces, 2, 1 + k); values[j, :, 0] + values[j, :, 1:] z are the values of line j at the ends of
    its gap, for every z in R^k. One neuron of sign s makes up the line if s times both is positive; where
    `single`, there is one value only. If not `single`, two of opposite signs make up any line.
    allowed: (pieces,) the sign s that the piece must have, EITHER if there is no such condition.
    """
    count, columns = values.shape[0], values.shape[2]
    bound = np.zeros(count, np.bool_)  # by z
    choices = np.zeros((count, 3), np.int64)
    many = np.zeros(count, np.int64)
    for j in range(count):
        ends = 1 if single[j] else 2
        for end in range(ends):
            for k in range(1, columns):
                bound[j] |= values[j, end, k] != 0
        first, second = values[j, 0, 0], values[j, ends - 1, 0]
        if not bound[j] and max(abs(first), abs(second)) <= TOLERANCE:
            return 0  # not needed: the other pieces alone make up the fit
        for sign in (1, -1):
            fits = min(sign * first, sign * second) > TOLERANCE * max(1.0, abs(first), abs(second))
            if (bound[j] or fits) and (allowed[j] == EITHER or allowed[j] == sign):
                choices[j, many[j]] = sign
                many[j] += 1
        if not single[j] and (bound[j] or many[j] == 0):
            choices[j, many[j]] = TWICE
            many[j] += 1
        if many[j] == 0:
            return 0
    least = j = 0
    at, neurons, used = (
        np.zeros(count, np.int64),
        np.zeros(count + 1, np.int64),
        np.zeros(count + 1, np.int64),
    )
    rows = np.empty((2 * count, columns))
    while True:  # depth first, piece by piece
        if j == count:
            least = neurons[j]
            for i in range(count):
                best[i] = choices[i, at[i]]
        elif at[j] < many[j]:
            sign = choices[j, at[j]]
            neurons[j + 1], used[j + 1] = neurons[j] + abs(sign), used[j]
            if bound[j] and sign != TWICE:
                for end in range(1 if single[j] else 2):
                    rows[used[j + 1]] = sign * values[j, end]
                    rows[used[j + 1], 0] -= TOLERANCE
                    used[j + 1] += 1
            fewer = least == 0 or neurons[j + 1] + count - 1 - j < least
            if fewer and (used[j + 1] == used[j] or solvable(rows[: used[j + 1]])):
                j += 1
            else:
                at[j] += 1
            continue
        else:
            at[j] = 0
        if j == 0:
            return least
        j -= 1
        at[j] += 1
