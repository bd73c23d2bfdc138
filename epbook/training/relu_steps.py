"""One step of ReLU neurons on a line, settled, sliding and wandering, and the march from visit to visit.

All neurons of a pattern (code) take the same linear step, (a, w, b) ← (I − K)(a, w, b) with
K = [[0, k₁, k₀], [k₁, 0, 0], [k₀, 0, 0]] and (k₁, k₀) = pulls[code]. Each step leaves the neurons' part of
flow[code] = (Σ aw, Σ ab), from which the next output follows.

A step of a small net takes less time than a call with twenty arrays, or than counting the references to one
view of an array: what runs at every step is inlined and indexes whole arrays. Indices of vector loops are
unsigned, since a signed one is asked at each use whether it counts from the end. No sum is reordered and no
product fused by the compiler: the numbers are the same on every machine.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from epbook.training.relu_neurons import LANES, leave
from epbook.training.relu_patterns import intervals, pattern, residuals


class Field(NamedTuple):
    """Per code: flow = (Σ aw, Σ ab) of its neurons; pulls = (k₁, k₀); needed: whether it may have neurons.

    The flow of a code that is not needed is 0.
    """

    flow: np.ndarray
    pulls: np.ndarray
    needed: np.ndarray


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def step_settled(slots, settled, reach2, pulls, flow):
    """One step of every slot's moments and product; returns whether a neuron may have left its pattern.

    At a point x a pre-activation has moved by (M₂ − e₂)x·θ + (M₃ − e₃)·θ since the visit, and keeps its sign
    while that is below its margin.
    """
    moments, product = settled.moments, settled.product
    left = False
    for s in range(slots):
        code = settled.codes[s]
        k1, k0 = pulls[code, 0], pulls[code, 1]
        aa, aw, ab = moments[s, 0], moments[s, 1], moments[s, 2]
        ww, wb, bb = moments[s, 3], moments[s, 4], moments[s, 5]
        cross = k1 * aw + k0 * ab
        moments[s, 0] = aa - 2.0 * cross + k1 * k1 * ww + 2.0 * k1 * k0 * wb + k0 * k0 * bb
        moments[s, 1] = aw - k1 * (aa + ww) - k0 * wb + k1 * cross
        moments[s, 2] = ab - k0 * (aa + bb) - k1 * wb + k0 * cross
        moments[s, 3] = ww - 2.0 * k1 * aw + k1 * k1 * aa
        moments[s, 4] = wb - k1 * ab - k0 * aw + k1 * k0 * aa
        moments[s, 5] = bb - 2.0 * k0 * ab + k0 * k0 * aa
        flow[code, 0] += moments[s, 1]
        flow[code, 1] += moments[s, 2]
        for i in range(3):
            top = product[s, 0, i]
            product[s, 0, i] = top - k1 * product[s, 1, i] - k0 * product[s, 2, i]
            product[s, 1, i] -= k1 * top
            product[s, 2, i] -= k0 * top
        turn_w = product[s, 1, 0] ** 2 + (product[s, 1, 1] - 1.0) ** 2 + product[s, 1, 2] ** 2
        turn_b = product[s, 2, 0] ** 2 + product[s, 2, 1] ** 2 + (product[s, 2, 2] - 1.0) ** 2
        # (|x|‖·‖ + ‖·‖)² ≤ 2(x²‖·‖² + ‖·‖²); not (<), so that NaN counts as leaving
        left |= not 2.0 * (reach2[code] * turn_w + turn_b) < settled.margin2[s]
    return left


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def step_gate(gate, line, sliding, pulls):
    """One plain step of the neurons of one gate; returns whether one has left it."""
    a, w, b = sliding.a, sliding.w, sliding.b
    x, low, high = line.gate_points[gate, 0], line.gate_points[gate, 1], line.gate_points[gate, 2]
    low_sign, high_sign = line.gate_signs[gate, 0], line.gate_signs[gate, 1]
    on_code, off_code = line.gate_codes[gate, 0], line.gate_codes[gate, 1]
    on1, on0, off1, off0 = pulls[on_code, 0], pulls[on_code, 1], pulls[off_code, 0], pulls[off_code, 1]
    left = 0
    for i in range(np.uint64(sliding.first[gate]), np.uint64(sliding.first[gate] + sliding.size[gate])):
        on = w[i] * x + b[i] > 0.0
        k1, k0 = (on1 if on else off1), (on0 if on else off0)
        a_i = a[i] - k1 * w[i] - k0 * b[i]
        w_i, b_i = w[i] - k1 * a[i], b[i] - k0 * a[i]
        a[i] = a_i
        w[i] = w_i
        b[i] = b_i
        left |= ((w_i * low + b_i > 0.0) != low_sign) | ((w_i * high + b_i > 0.0) != high_sign)
    return left != 0


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def add_gate(gate, line, sliding, flow):
    """Add the neurons of one gate to the flow of its two patterns.

    Of many neurons number i goes to lane i mod LANES: a fixed order of the sum that vectors can keep.
    """
    a, w, b, lanes = sliding.a, sliding.w, sliding.b, sliding.lanes
    x = line.gate_points[gate, 0]
    first, stop = np.uint64(sliding.first[gate]), np.uint64(sliding.first[gate] + sliding.size[gate])
    full = stop - (stop - first) % np.uint64(LANES)
    on_w = on_b = off_w = off_b = 0.0
    if full > first:
        lanes[:] = 0.0
        for block in range(first, full, np.uint64(LANES)):
            for lane in range(np.uint64(LANES)):
                i = block + lane
                aw, ab = a[i] * w[i], a[i] * b[i]
                on = w[i] * x + b[i] > 0.0
                lanes[0, lane] += aw if on else 0.0
                lanes[1, lane] += ab if on else 0.0
                lanes[2, lane] += 0.0 if on else aw
                lanes[3, lane] += 0.0 if on else ab
        for lane in range(LANES):
            on_w += lanes[0, lane]
            on_b += lanes[1, lane]
            off_w += lanes[2, lane]
            off_b += lanes[3, lane]
    for i in range(full, stop):
        aw, ab = a[i] * w[i], a[i] * b[i]
        on = w[i] * x + b[i] > 0.0
        on_w += aw if on else 0.0
        on_b += ab if on else 0.0
        off_w += 0.0 if on else aw
        off_b += 0.0 if on else ab
    on_code, off_code = line.gate_codes[gate, 0], line.gate_codes[gate, 1]
    flow[on_code, 0] += on_w
    flow[on_code, 1] += on_b
    flow[off_code, 0] += off_w
    flow[off_code, 1] += off_b


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def step_wandering(lost, wandering, line, pulls, flow, needed):
    """One plain step of the wandering neurons; returns whether one met a pattern that was not needed."""
    a, w, b, codes = wandering.a, wandering.w, wandering.b, wandering.codes
    points, signs = line.points, line.signs
    met = False
    for i in range(lost):
        code = codes[i]
        k1, k0 = pulls[code, 0], pulls[code, 1]
        a_i = a[i] - k1 * w[i] - k0 * b[i]
        w_i, b_i = w[i] - k1 * a[i], b[i] - k0 * a[i]
        a[i], w[i], b[i] = a_i, w_i, b_i
        left = (w_i * points[code, 0] + b_i > 0.0) != signs[code, 0]
        right = (w_i * points[code, 1] + b_i > 0.0) != signs[code, 1]
        jumped = (w_i * points[code, 2] + b_i > 0.0) != signs[code, 2]
        jumped |= (w_i * points[code, 3] + b_i > 0.0) != signs[code, 3]
        code = line.moves[4 * code + left + 2 * right]
        if jumped or (left and right):
            code = pattern(w_i, b_i, line.x)
        codes[i] = code
        flow[code, 0] += a_i * w_i
        flow[code, 1] += a_i * b_i
        if not needed[code]:
            needed[code] = met = True
    return met


@njit(cache=True, nogil=True, error_model="numpy")
def march(line, field, settled, slots, sliding, crowded, wandering, factor, losses):
    """Take at most len(losses) steps after a visit, fewer where a settled neuron may have left its pattern.

    slots, crowded: numbers of slots and of busy gates. factor = 2·lr/n. losses[t] = loss before step t.
    Returns the numbers of steps and of wandering neurons, and whether all losses are finite.
    """
    n = line.x.size
    flow, pulls, needed = field.flow, field.pulls, field.needed
    cuts, parts, sums = np.empty(n, np.int64), np.empty((n, 6)), np.empty((n, 2))
    lost = count = 0
    recut = True
    for t in range(losses.size):
        if recut:
            count = intervals(line.x, line.y, needed, cuts, parts)
        losses[t] = residuals(flow, pulls, n, cuts, parts, count, factor, sums) / n
        if not np.isfinite(losses[t]):
            return t, lost, False
        for i in range(count):
            flow[cuts[i], 0] = flow[cuts[i], 1] = 0.0
            flow[n + cuts[i], 0] = flow[n + cuts[i], 1] = 0.0
        left = step_settled(slots, settled, line.reach2, pulls, flow)
        recut = step_wandering(lost, wandering, line, pulls, flow, needed)
        for i in range(crowded):
            gate = sliding.busy[i]
            if step_gate(gate, line, sliding, pulls):
                before = lost
                lost = leave(gate, line, sliding, wandering, lost)
                for k in range(before, lost):
                    code = wandering.codes[k]
                    flow[code, 0] += wandering.a[k] * wandering.w[k]
                    flow[code, 1] += wandering.a[k] * wandering.b[k]
                    if not needed[code]:
                        needed[code] = recut = True
            add_gate(gate, line, sliding, flow)
        if left:
            return t + 1, lost, True
    return losses.size, lost, True
