"""Gradient descent of a ReLU net with one input and one output, at a cost per step that ignores most neurons.

On n sorted points a neuron a·relu(wx + b) is active on a prefix, a suffix, all or none of them: its
*pattern*, one of 2n. With p₁ = Σ r x and p₀ = Σ r over the pattern's points (r: residuals) and step factor
s, every neuron of a pattern takes the same linear step

    θ = (a, w, b) ← (I − sK)θ,   K = [[0, p₁, p₀], [p₁, 0, 0], [p₀, 0, 0]].

So a pattern whose neurons stay in it needs no look at them: carry their second moments C = Σ θθᵀ (the output
needs C_aw and C_ab) and the product M of the steps (a neuron's own state is Mθ). Such neurons are *settled*:
at a data point x the pre-activation has moved by (M₂ − e₂)x·θ + (M₃ − e₃)·θ since the last visit, and cannot
have changed sign while that stays below |wx + b|. All others are *restless* and take the plain step one by
one: early in training all of them, later those whose switch point slides along a data point, where the
gradients of the two patterns push it back and forth. Every HORIZON steps, or when a bound is reached, all
neurons are visited and sorted anew.

Between two switch points the output is one straight line, so an interval of points enters through its count,
its mean and its regression line alone. A step costs O(restless neurons + occupied patterns), which is at most
O(m + n). Same numbers as the plain step, up to rounding.
"""

from __future__ import annotations

import numpy as np
from numba import njit

HORIZON = 256  # steps between visits: a visit costs about as much as ten plain steps


@njit(cache=True, nogil=True, error_model="numpy")
def pattern(w, b, x):
    """Code of the points where w*x + b > 0: k < n for the suffix from k, n + k for the prefix of k."""
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
def _guards(x):
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
def _visit(a, w, b, x, points, pulls, slots, moments, margin2, slot_of, restless):
    """Sort all neurons: settled ones into one slot per pattern, the others into the list `restless`.

    pulls[code] = (k₁, k₀), the last step's coefficients, from which the coming ones are guessed.
    Returns the numbers of slots and of restless neurons; slot_of[j] is −1 for all but settled neurons.
    """
    n = x.size
    by_code = np.full(2 * n, -1)
    count = waiting = 0
    for j in range(a.size):
        slot_of[j] = -1
        code = pattern(w[j], b[j], x)
        if code == n:  # active nowhere: no gradient, never moves again
            continue
        size2 = a[j] * a[j] + w[j] * w[j] + b[j] * b[j]
        near2 = min((w[j] * points[code, 0] + b[j]) ** 2, (w[j] * points[code, 1] + b[j]) ** 2)
        reach2 = max(points[code, 0] ** 2, points[code, 1] ** 2)
        coming2 = 4.0 * HORIZON**2 * (reach2 * pulls[code, 0] ** 2 + pulls[code, 1] ** 2)
        if not near2 > coming2 * size2:
            restless[waiting] = j
            waiting += 1
            continue
        s = by_code[code]
        if s < 0:
            s = by_code[code] = count
            slots[s] = code
            moments[s] = 0.0
            margin2[s] = np.inf
            count += 1
        slot_of[j] = s
        moments[s, 0] += a[j] * a[j]
        moments[s, 1] += a[j] * w[j]
        moments[s, 2] += a[j] * b[j]
        moments[s, 3] += w[j] * w[j]
        moments[s, 4] += w[j] * b[j]
        moments[s, 5] += b[j] * b[j]
        margin2[s] = min(margin2[s], near2 / size2)
    return count, waiting


@njit(cache=True, nogil=True, error_model="numpy")
def _settle(a, w, b, slot_of, product):
    """Bring the settled neurons up to date: θ ← Mθ."""
    for j in range(a.size):
        if slot_of[j] >= 0:
            p = product[slot_of[j]]
            top, slope, bias = a[j], w[j], b[j]
            a[j] = p[0, 0] * top + p[0, 1] * slope + p[0, 2] * bias
            w[j] = p[1, 0] * top + p[1, 1] * slope + p[1, 2] * bias
            b[j] = p[2, 0] * top + p[2, 1] * slope + p[2, 2] * bias


@njit(cache=True, nogil=True, error_model="numpy")
def _cut(x, y, needed, cuts, lines):
    """Intervals of points between switch points; returns their number.

    cuts[i] = first point of interval i; lines[i] = (points, mean x, mean y, S_xx, regression slope,
    residual sum of squares about the regression line).
    """
    n = x.size
    intervals = 0
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
        cuts[intervals] = first
        line = lines[intervals]
        line[0], line[1], line[2], line[3], line[4], line[5] = count, x_mean, y_mean, sxx, slope, rest
        intervals += 1
        first = i
    return intervals


@njit(cache=True, nogil=True, error_model="numpy")
def _pull(flow, pulls, n, cuts, lines, intervals, factor, sums):
    """Loss Σ r² from flow[code] = (Σ aw, Σ ab); writes pulls[code] = factor·(Σ r x, Σ r)."""
    slope = intercept = 0.0
    for i in range(intervals - 1, -1, -1):  # prefixes switch on from the right …
        sums[i, 0], sums[i, 1] = slope, intercept
        if i > 0:
            slope += flow[n + cuts[i], 0]
            intercept += flow[n + cuts[i], 1]
    slope = intercept = total = p1 = p0 = 0.0
    for i in range(intervals):  # … suffixes from the left
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
    for i in range(intervals - 1, -1, -1):
        p1 += sums[i, 0]
        p0 += sums[i, 1]
        pulls[cuts[i], 0], pulls[cuts[i], 1] = factor * p1, factor * p0
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _step(c, p, k1, k0, reach2, margin2):
    """One step of a pattern's moments and product; returns whether a neuron may have left the pattern."""
    aa, aw, ab, ww, wb, bb = c[0], c[1], c[2], c[3], c[4], c[5]
    c[0] = aa - 2.0 * (k1 * aw + k0 * ab) + k1 * k1 * ww + 2.0 * k1 * k0 * wb + k0 * k0 * bb
    c[1] = aw - k1 * (aa + ww) - k0 * wb + k1 * (k1 * aw + k0 * ab)
    c[2] = ab - k0 * (aa + bb) - k1 * wb + k0 * (k1 * aw + k0 * ab)
    c[3] = ww - 2.0 * k1 * aw + k1 * k1 * aa
    c[4] = wb - k1 * ab - k0 * aw + k1 * k0 * aa
    c[5] = bb - 2.0 * k0 * ab + k0 * k0 * aa
    for i in range(3):
        top = p[0, i]
        p[0, i] = top - k1 * p[1, i] - k0 * p[2, i]
        p[1, i] -= k1 * top
        p[2, i] -= k0 * top
    turn_w = p[1, 0] ** 2 + (p[1, 1] - 1.0) ** 2 + p[1, 2] ** 2
    turn_b = p[2, 0] ** 2 + p[2, 1] ** 2 + (p[2, 2] - 1.0) ** 2
    # (|x|‖·‖ + ‖·‖)² ≤ 2(x²‖·‖² + ‖·‖²); not (<), so that NaN counts as leaving
    return not 2.0 * (reach2 * turn_w + turn_b) < margin2


@njit(cache=True, nogil=True, error_model="numpy")
def _gather(flow, a, w, b, codes, waiting):
    """Add the restless neurons' (aw, ab) to the flow of their patterns."""
    for i in range(waiting):
        flow[codes[i], 0] += a[i] * w[i]
        flow[codes[i], 1] += a[i] * b[i]


@njit(cache=True, nogil=True, error_model="numpy")
def _walk(a, w, b, codes, waiting, pulls, points, signs, moves, needed, x):
    """One plain step of the restless neurons; returns whether one met a pattern without a cut."""
    recut = False
    for i in range(waiting):
        code = codes[i]
        pull, at, sign = pulls[code], points[code], signs[code]
        a_i = a[i] - pull[0] * w[i] - pull[1] * b[i]
        w_i, b_i = w[i] - pull[0] * a[i], b[i] - pull[1] * a[i]
        a[i], w[i], b[i] = a_i, w_i, b_i
        left = (w_i * at[0] + b_i > 0.0) != sign[0]
        right = (w_i * at[1] + b_i > 0.0) != sign[1]
        jumped = (w_i * at[2] + b_i > 0.0) != sign[2] or (w_i * at[3] + b_i > 0.0) != sign[3]
        code = moves[4 * code + left + 2 * right]
        if jumped or (left and right):
            code = pattern(w_i, b_i, x)
        if not needed[code]:
            needed[code] = recut = True
        codes[i] = code
    return recut


@njit(cache=True, nogil=True, error_model="numpy")
def advance(hidden, out, x, y, lr, losses):
    """Take len(losses) steps of size lr on the mean squared error, in place.

    hidden: (m, 2) rows (w, b); out: (1, m); x, y: (n,), x ascending; losses[t] = loss before step t.
    Returns the number of steps whose loss was finite.
    """
    n, m = x.size, out.shape[1]
    a, w, b = out[0].copy(), hidden[:, 0].copy(), hidden[:, 1].copy()
    points, signs, moves = _guards(x)
    reach2 = np.maximum(points[:, 0] ** 2, points[:, 1] ** 2)
    flow, pulls = np.zeros((2 * n, 2)), np.full((2 * n, 2), np.inf)  # unknown pulls: all are restless
    slots, moments, margin2 = np.empty(2 * n, np.int64), np.empty((2 * n, 6)), np.empty(2 * n)
    product = np.empty((2 * n, 3, 3))
    slot_of, restless = np.full(m, -1), np.empty(m, np.int64)
    ra, rw, rb, codes = np.empty(m), np.empty(m), np.empty(m), np.empty(m, np.int64)
    needed, cuts = np.empty(2 * n, np.bool_), np.empty(n, np.int64)
    lines, sums = np.empty((n, 6)), np.empty((n, 2))
    factor = 2.0 * lr / n
    count = waiting = intervals = due = 0
    recut = False
    for t in range(losses.size):
        if t >= due:
            _settle(a, w, b, slot_of, product)
            for i in range(waiting):
                j = restless[i]
                a[j], w[j], b[j] = ra[i], rw[i], rb[i]
            count, waiting = _visit(a, w, b, x, points, pulls, slots, moments, margin2, slot_of, restless)
            needed[:] = False
            needed[n] = True
            for s in range(count):
                product[s] = np.eye(3)
                needed[slots[s]] = True
            for i in range(waiting):
                j = restless[i]
                ra[i], rw[i], rb[i] = a[j], w[j], b[j]
                codes[i] = pattern(w[j], b[j], x)
                needed[codes[i]] = True
            due = t + HORIZON if t > 0 else 1
            recut = True
        if recut:
            intervals = _cut(x, y, needed, cuts, lines)
            recut = False
        for i in range(intervals):
            flow[cuts[i]] = 0.0
            flow[n + cuts[i]] = 0.0
        for s in range(count):
            flow[slots[s], 0] += moments[s, 1]
            flow[slots[s], 1] += moments[s, 2]
        _gather(flow, ra, rw, rb, codes, waiting)
        losses[t] = _pull(flow, pulls, n, cuts, lines, intervals, factor, sums) / n
        if not np.isfinite(losses[t]):
            return t
        for s in range(count):
            code = slots[s]
            if _step(moments[s], product[s], pulls[code, 0], pulls[code, 1], reach2[code], margin2[s]):
                due = t + 1
        recut = _walk(ra, rw, rb, codes, waiting, pulls, points, signs, moves, needed, x)
    _settle(a, w, b, slot_of, product)
    for i in range(waiting):
        j = restless[i]
        a[j], w[j], b[j] = ra[i], rw[i], rb[i]
    out[0], hidden[:, 0], hidden[:, 1] = a, w, b
    return losses.size
