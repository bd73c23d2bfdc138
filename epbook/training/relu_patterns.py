"""Activation patterns of ReLU neurons on a line: their codes, their neighbours, the output they make.

On n sorted points the neuron a·relu(wx + b) is active on a prefix, a suffix, all or none of them. The code of
its pattern is k < n for the suffix from point k (0: all points) and n + k for the prefix of k (n: none).
Between two switch points the output of a net is one straight line, so an interval of points enters through
its count, its mean and its regression line alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit


class Line(NamedTuple):
    """Data x, y on n ascending points, and what is known of the patterns and gates on them.

    Per code: points, signs and moves of `guards`, reach2 = the largest x² of guards 0 and 1.
    Per gate: gate_codes, gate_points and gate_signs of `gates`.
    """

    x: np.ndarray
    y: np.ndarray
    points: np.ndarray
    signs: np.ndarray
    moves: np.ndarray
    reach2: np.ndarray
    gate_codes: np.ndarray
    gate_points: np.ndarray
    gate_signs: np.ndarray


@njit(cache=True, nogil=True, error_model="numpy")
def pattern(w, b, x):
    """Code of the points where w*x + b > 0; n, on nowhere, where w or b is NaN."""
    n = x.size
    if w == 0.0:
        return 0 if b > 0.0 else n
    low, high = 0, n  # the first point of the right-hand part lies in [low, high]
    while low < high:
        middle = (low + high) // 2
        if (w * x[middle] + b > 0.0) == (w > 0.0):
            high = middle
        else:
            low = middle + 1
    if w > 0.0:
        return low
    return n + low if low < n else 0


@njit(cache=True, nogil=True, error_model="numpy")
def guards(x):
    """Per code: four points that guard the pattern, their signs (active or not), and the neighbours.

    Guards 0 and 1 tell the pattern from its two neighbours; 2 and 3 notice a jump past a neighbour.
    moves[4 * code + flags] = the code after guard 0 (flag 1) or guard 1 (flag 2) changed its sign; where
    both did, or guard 2 or 3 did, only a search can tell.
    """
    n = x.size
    points, signs = np.empty((2 * n, 4)), np.empty((2 * n, 4), np.bool_)
    moves = np.empty(8 * n, np.int64)
    for code in range(2 * n):
        suffix = code < n
        cut = code % n
        guard = (cut - 1, cut, cut - 2, cut + 1) if cut > 0 else (0, n - 1, min(1, n - 1), max(n - 2, 0))
        for g in range(4):
            k = guard[g] % n  # past an end: the other end, which tells all (or none) from a turned neuron
            points[code, g] = x[k]
            signs[code, g] = (k >= cut) == suffix if cut > 0 else suffix
        moves[4 * code : 4 * code + 4] = code
        if cut > 0:
            moves[4 * code + 1], moves[4 * code + 2] = code - 1, (code + 1) % (2 * n)
        elif suffix:
            moves[1], moves[2] = 1 % (2 * n), 2 * n - 1
    return points, signs, moves


@njit(cache=True, nogil=True, error_model="numpy")
def keeps_pattern(w, b, code, points, signs):
    """Whether a neuron has this code: w*x + b is monotonic in x, so the two inner guards tell."""
    left, right = w * points[code, 0] + b > 0.0, w * points[code, 1] + b > 0.0
    return left == signs[code, 0] and right == signs[code, 1]


@njit(cache=True, nogil=True, error_model="numpy")
def gates(x):
    """Per gate: the codes with its point on and off; its point and two outer ones; the outer points' signs.

    Gate g < n: point g switches suffixes (on: the suffix from g); gate n + g: it switches prefixes (on: the
    prefix of g + 1). The outer points are its neighbours, or the other end, which tells all from none. On
    n = 1 point they contradict each other, so that all neurons leave and wander.
    """
    n = x.size
    codes, points = np.empty((2 * n, 2), np.int64), np.empty((2 * n, 3))
    signs = np.empty((2 * n, 2), np.bool_)
    for gate in range(2 * n):
        suffix, g = gate < n, gate % n
        codes[gate, 0] = g if suffix else (n + g + 1) % (2 * n)
        codes[gate, 1] = g + 1 if suffix else n + g
        points[gate, 0], points[gate, 1], points[gate, 2] = x[g], x[g - 1], x[(g + 1) % n]
        signs[gate, 0] = suffix == (g == 0)
        signs[gate, 1] = suffix == (g < n - 1)
    return codes, points, signs


@njit(cache=True, nogil=True, error_model="numpy")
def tables(x, y):
    """All that is known of the data before the first step."""
    points, signs, moves = guards(x)
    reach2 = np.maximum(points[:, 0] ** 2, points[:, 1] ** 2)
    gate_codes, gate_points, gate_signs = gates(x)
    return Line(x, y, points, signs, moves, reach2, gate_codes, gate_points, gate_signs)


@njit(cache=True, nogil=True, error_model="numpy")
def nearest_gate(w, b, code, points, n):
    """The gate of a neuron: the nearer of the two guards (`points`) at which it would leave its pattern."""
    left = abs(w * points[code, 0] + b) < abs(w * points[code, 1] + b)
    if code == 0:
        return 0 if left else 2 * n - 1
    return code - 1 if left else code


@njit(cache=True, nogil=True, error_model="numpy")
def intervals(x, y, needed, cuts, lines):
    """Cut the points at the switch points of the needed codes; returns the number of intervals.

    cuts[i] = first point of interval i; lines[i] = (points, mean x, mean y, S_xx, regression slope,
    residual sum of squares about the regression line).
    """
    n = x.size
    found = 0
    first = 0
    for i in range(1, n + 1):
        if i < n and not needed[i] and not needed[n + i]:
            continue
        count = i - first
        x_mean, y_mean = x[first:i].mean(), y[first:i].mean()
        sxx = sxy = rest = 0.0
        for k in range(first, i):
            sxx += (x[k] - x_mean) ** 2
            sxy += (x[k] - x_mean) * (y[k] - y_mean)
        slope = sxy / sxx if sxx > 0.0 else 0.0
        for k in range(first, i):
            rest += (y[k] - y_mean - slope * (x[k] - x_mean)) ** 2
        cuts[found] = first
        line = lines[found]
        line[0], line[1], line[2], line[3], line[4], line[5] = count, x_mean, y_mean, sxx, slope, rest
        found += 1
        first = i
    return found


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def residuals(flow, pulls, n, cuts, lines, count, factor, sums):
    """Σ r² from flow[code] = (Σ aw, Σ ab); writes pulls[code] = factor·(Σ r x, Σ r) over its points.

    sums: (count, 2) room, in the end (Σ r x, Σ r) over the points of each interval.
    """
    slope = intercept = 0.0
    for i in range(count - 1, -1, -1):  # prefixes switch on from the right …
        sums[i, 0], sums[i, 1] = slope, intercept
        if i > 0:
            slope += flow[n + cuts[i], 0]
            intercept += flow[n + cuts[i], 1]
    slope = intercept = total = p1 = p0 = 0.0
    for i in range(count):  # … suffixes from the left
        pulls[n + cuts[i], 0], pulls[n + cuts[i], 1] = factor * p1, factor * p0
        slope += flow[cuts[i], 0]
        intercept += flow[cuts[i], 1]
        steep, level = slope + sums[i, 0], intercept + sums[i, 1]
        tilt = steep - lines[i, 4]
        shift = steep * lines[i, 1] + level - lines[i, 2]
        total += lines[i, 5] + lines[i, 0] * shift * shift + lines[i, 3] * tilt * tilt
        sums[i, 0] = lines[i, 3] * tilt + lines[i, 1] * lines[i, 0] * shift
        sums[i, 1] = lines[i, 0] * shift
        p1 += sums[i, 0]
        p0 += sums[i, 1]
    p1 = p0 = 0.0
    for i in range(count - 1, -1, -1):
        p1 += sums[i, 0]
        p0 += sums[i, 1]
        pulls[cuts[i], 0], pulls[cuts[i], 1] = factor * p1, factor * p0
    return total
