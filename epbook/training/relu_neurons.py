"""The three ways in which ReLU neurons on a line are moved: settled, sliding, wandering.

All neurons of a pattern (code) take the same linear step, (a, w, b) ← (I − K)(a, w, b) with
K = [[0, k₁, k₀], [k₁, 0, 0], [k₀, 0, 0]] and (k₁, k₀) = pulls[code].

*Settled* neurons are far from every switch: their pattern carries their second moments C = Σ θθᵀ and the
product M of its steps, and nobody looks at them. *Sliding* ones have their switch at a data point, where
the gradients of the two patterns push it back and forth: those of one gate are stepped in one vector loop.
*Wandering* ones have left their gate and are stepped one by one, until the next visit sorts all neurons anew.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from epbook.training.relu_patterns import nearest_gate, pattern

HORIZON = 256  # steps between visits: a visit costs about as much as twenty steps


@njit(cache=True, nogil=True, error_model="numpy")
def visit(a, w, b, x, points, pulls, slots, moments, margin2, slot_of, restless):
    """Sort all neurons: settled ones into one slot per pattern, the others into the list `restless`.

    pulls: of the last step, from which the coming ones are guessed. margin2[slot] = smallest squared relative
    margin (wx + b)²/‖θ‖² of its neurons at the two guards. slot_of[j] is −1 for all but settled neurons.
    Returns the numbers of slots and of restless neurons.
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
def step_settled(c, p, k1, k0, reach2, margin2):
    """One step of a pattern's moments (aa, aw, ab, ww, wb, bb) and product M.

    Returns whether a neuron may have left the pattern: at a point x its pre-activation has moved by
    (M₂ − e₂)x·θ + (M₃ − e₃)·θ since the visit, and keeps its sign while that is below its margin.
    """
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
def settle(a, w, b, slot_of, product):
    """Bring the settled neurons up to date: θ ← Mθ."""
    for j in range(a.size):
        if slot_of[j] >= 0:
            p = product[slot_of[j]]
            top, slope, bias = a[j], w[j], b[j]
            a[j] = p[0, 0] * top + p[0, 1] * slope + p[0, 2] * bias
            w[j] = p[1, 0] * top + p[1, 1] * slope + p[1, 2] * bias
            b[j] = p[2, 0] * top + p[2, 1] * slope + p[2, 2] * bias


@njit(cache=True, nogil=True, error_model="numpy")
def line_up(a, w, b, x, points, restless, gate_of, first, size, sliding):
    """Copy the restless neurons into the rows of `sliding` = (index, a, w, b), gate by gate."""
    size[:] = 0
    for i in range(restless.size):
        j = restless[i]
        gate_of[i] = nearest_gate(w[j], b[j], pattern(w[j], b[j], x), points, x.size)
        size[gate_of[i]] += 1
    place = 0
    for gate in range(size.size):
        first[gate] = place
        place += size[gate]
        size[gate] = 0
    for i in range(restless.size):
        k = first[gate_of[i]] + size[gate_of[i]]
        size[gate_of[i]] += 1
        j = restless[i]
        sliding[0, k], sliding[1, k], sliding[2, k], sliding[3, k] = j, a[j], w[j], b[j]


# Sums in vector lanes; no fused products, whose w*x + b could differ in sign from `pattern`'s.
@njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "nsz"})
def step_sliding(a, w, b, on_pull, off_pull, points, signs, flow):
    """One plain step of the neurons at one gate; returns whether one has left it.

    flow = (Σ aw, Σ ab) of those with the gate's point on, then of those with it off, after the step.
    """
    x, low, high = points[0], points[1], points[2]
    on1, on0, off1, off0 = on_pull[0], on_pull[1], off_pull[0], off_pull[1]
    on_w = on_b = off_w = off_b = 0.0
    left = 0
    for i in range(a.size):
        on = w[i] * x + b[i] > 0.0
        k1, k0 = (on1 if on else off1), (on0 if on else off0)
        a_i = a[i] - k1 * w[i] - k0 * b[i]
        w_i, b_i = w[i] - k1 * a[i], b[i] - k0 * a[i]
        a[i] = a_i
        w[i] = w_i
        b[i] = b_i
        on = w_i * x + b_i > 0.0
        aw, ab = a_i * w_i, a_i * b_i
        on_w += aw if on else 0.0
        on_b += ab if on else 0.0
        off_w += 0.0 if on else aw
        off_b += 0.0 if on else ab
        left |= ((w_i * low + b_i > 0.0) != signs[0]) | ((w_i * high + b_i > 0.0) != signs[1])
    flow[0], flow[1], flow[2], flow[3] = on_w, on_b, off_w, off_b
    return left != 0


@njit(cache=True, nogil=True, error_model="numpy")
def leave(lo, size, points, signs, sliding, x, wandering, codes, count):
    """Move the neurons that have left their gate to the wandering ones; returns both new numbers."""
    i = lo
    while i < lo + size:
        w, b = sliding[2, i], sliding[3, i]
        if (w * points[1] + b > 0.0) == signs[0] and (w * points[2] + b > 0.0) == signs[1]:
            i += 1
            continue
        wandering[:, count] = sliding[:, i]
        codes[count] = pattern(w, b, x)
        count += 1
        size -= 1
        sliding[:, i] = sliding[:, lo + size]
    return size, count


@njit(cache=True, nogil=True, error_model="numpy")
def step_wandering(a, w, b, codes, pulls, points, signs, moves, needed, x):
    """One plain step of the wandering neurons; returns whether one met a pattern that was not needed."""
    met = False
    for i in range(a.size):
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
            needed[code] = met = True
        codes[i] = code
    return met
