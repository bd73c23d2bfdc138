"""Gradient descent of a ReLU net with one input and one output, at a cost per step that ignores most neurons.

With p₁ = Σ r x and p₀ = Σ r over the points where a neuron is active (r: residuals), a step of gradient
descent is linear in the neuron, and the same for all neurons of one activation pattern. So the output, and
with it every p₁ and p₀, follows from the second moments of each pattern's neurons; a neuron itself is looked
at only when it may change its pattern (see `relu_neurons`). A step costs at most O(m + n), and on a plateau
little more than the number of occupied patterns. Same numbers as the plain step, up to rounding.
Source: the gradient of equation (1.1) of the chapter, sorted by pattern.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from epbook.training.relu_neurons import (
    HORIZON,
    leave,
    line_up,
    settle,
    step_settled,
    step_sliding,
    step_wandering,
    visit,
)
from epbook.training.relu_patterns import gates, guards, intervals, residuals


@njit(cache=True, nogil=True, error_model="numpy")
def _put_back(theta, rows):
    """Write the rows (index, a, w, b) back into the net."""
    for i in range(rows.shape[1]):
        theta[:, np.int64(rows[0, i])] = rows[1:, i]


@njit(cache=True, nogil=True, error_model="numpy")
def advance(hidden, out, x, y, lr, losses):
    """Take len(losses) steps of size lr on the mean squared error, in place.

    hidden: (m, 2) rows (w, b); out: (1, m); x, y: (n,), x ascending; losses[t] = loss before step t.
    Returns the number of steps whose loss was finite.
    """
    n, m = x.size, out.shape[1]
    theta = np.empty((3, m))
    theta[0], theta[1], theta[2] = out[0], hidden[:, 0], hidden[:, 1]
    a, w, b = theta
    points, signs, moves = guards(x)
    reach2 = np.maximum(points[:, 0] ** 2, points[:, 1] ** 2)
    gate_codes, gate_points, gate_signs = gates(x)
    # Per code; the first pulls are unknown, so that all neurons are restless.
    flow, pulls, needed = np.zeros((2 * n, 2)), np.full((2 * n, 2), np.inf), np.empty(2 * n, np.bool_)
    # Per interval of points.
    cuts, lines, sums = np.empty(n, np.int64), np.empty((n, 6)), np.empty((n, 2))
    # Settled neurons, per slot; sliding ones, per gate; wandering ones.
    slots, moments, margin2 = np.empty(2 * n, np.int64), np.empty((2 * n, 6)), np.empty(2 * n)
    product, slot_of = np.empty((2 * n, 3, 3)), np.full(m, -1)
    restless, gate_of, sliding = np.empty(m, np.int64), np.empty(m, np.int64), np.empty((4, m))
    first, size = np.zeros(2 * n, np.int64), np.zeros(2 * n, np.int64)
    busy, gate_flow, still = np.empty(2 * n, np.int64), np.empty((2 * n, 4)), np.zeros(2)
    wandering, codes = np.empty((4, m)), np.empty(m, np.int64)
    settled = crowded = lost = count = due = 0
    factor = 2.0 * lr / n
    recut = False
    for t in range(losses.size + 1):
        if t >= due or t == losses.size:
            settle(a, w, b, slot_of, product)
            for g in range(crowded):
                _put_back(theta, sliding[:, first[busy[g]] : first[busy[g]] + size[busy[g]]])
            _put_back(theta, wandering[:, :lost])
            if t == losses.size:
                break
            settled, waiting = visit(a, w, b, x, points, pulls, slots, moments, margin2, slot_of, restless)
            line_up(a, w, b, x, points, restless[:waiting], gate_of, first, size, sliding)
            needed[:] = False
            needed[n] = True
            for s in range(settled):
                product[s] = np.eye(3)
                needed[slots[s]] = True
            crowded = lost = 0
            for gate in range(2 * n):
                if size[gate] > 0:
                    busy[crowded] = gate
                    lo, hi = first[gate], first[gate] + size[gate]
                    rows = sliding[1, lo:hi], sliding[2, lo:hi], sliding[3, lo:hi]
                    there = gate_points[gate], gate_signs[gate], gate_flow[crowded]
                    step_sliding(*rows, still, still, *there)
                    needed[gate_codes[gate, 0]] = needed[gate_codes[gate, 1]] = True
                    crowded += 1
            due = t + HORIZON if t > 0 else 1
            recut = True
        if recut:
            count = intervals(x, y, needed, cuts, lines)
        for i in range(count):
            flow[cuts[i]] = 0.0
            flow[n + cuts[i]] = 0.0
        for s in range(settled):
            flow[slots[s], 0] += moments[s, 1]
            flow[slots[s], 1] += moments[s, 2]
        for g in range(crowded):
            on, off = gate_codes[busy[g], 0], gate_codes[busy[g], 1]
            flow[on, 0] += gate_flow[g, 0]
            flow[on, 1] += gate_flow[g, 1]
            flow[off, 0] += gate_flow[g, 2]
            flow[off, 1] += gate_flow[g, 3]
        for i in range(lost):
            flow[codes[i], 0] += wandering[1, i] * wandering[2, i]
            flow[codes[i], 1] += wandering[1, i] * wandering[3, i]
        losses[t] = residuals(flow, pulls, n, cuts, lines, count, factor, sums) / n
        if not np.isfinite(losses[t]):
            return t
        for s in range(settled):
            code = slots[s]
            if step_settled(moments[s], product[s], pulls[code, 0], pulls[code, 1], reach2[code], margin2[s]):
                due = t + 1
        rows = wandering[1, :lost], wandering[2, :lost], wandering[3, :lost]
        recut = step_wandering(*rows, codes[:lost], pulls, points, signs, moves, needed, x)
        for g in range(crowded):
            gate = busy[g]
            lo, hi = first[gate], first[gate] + size[gate]
            # Row by row: a slice of the whole is no contiguous memory, and its loop would not be vectors.
            rows = sliding[1, lo:hi], sliding[2, lo:hi], sliding[3, lo:hi]
            there = gate_points[gate], gate_signs[gate], gate_flow[g]
            on, off = pulls[gate_codes[gate, 0]], pulls[gate_codes[gate, 1]]
            if step_sliding(*rows, on, off, *there):
                before = lost
                size[gate], lost = leave(lo, size[gate], *there[:2], sliding, x, wandering, codes, lost)
                for i in range(before, lost):
                    if not needed[codes[i]]:
                        needed[codes[i]] = recut = True
                hi = lo + size[gate]
                rows = sliding[1, lo:hi], sliding[2, lo:hi], sliding[3, lo:hi]
                step_sliding(*rows, still, still, *there)
    out[0], hidden[:, 0], hidden[:, 1] = a, w, b
    return losses.size
