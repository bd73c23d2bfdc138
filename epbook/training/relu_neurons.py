"""The three ways in which ReLU neurons on a line are kept, and how a visit sorts them.

*Settled* neurons are far from every switch: their pattern carries their second moments C = Σ θθᵀ and the
product M of its steps, and nobody looks at them. *Sliding* ones have their switch at a data point, where
the gradients of the two patterns push it back and forth: those of one gate lie side by side. *Wandering*
ones have left their gate and stand alone until the next visit sorts all neurons anew.
`relu_steps` moves them; a neuron is θ = (a, w, b).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from epbook.training.relu_patterns import keeps_pattern, nearest_gate, pattern

LANES = 16


class Settled(NamedTuple):
    """slot_of: (m,) slot of a neuron, or −1 for all others.

    Per slot: its code; moments = (aa, aw, ab, ww, wb, bb); the product M; margin2 = the smallest squared
    relative margin (wx + b)²/‖θ‖² of its neurons at the two guards.
    """

    slot_of: np.ndarray
    codes: np.ndarray
    moments: np.ndarray
    product: np.ndarray
    margin2: np.ndarray


class Sliding(NamedTuple):
    """a, w, b: (m,), sorted by gate; index: (m,) their numbers in the net.

    busy: begins with the gates that have neurons; gate g has size[g] of them from first[g].
    lanes: (4, LANES), room for the sums over a gate.
    """

    a: np.ndarray
    w: np.ndarray
    b: np.ndarray
    index: np.ndarray
    busy: np.ndarray
    first: np.ndarray
    size: np.ndarray
    lanes: np.ndarray


class Wandering(NamedTuple):
    """a, w, b, codes: (m,); index: (m,) their numbers in the net."""

    a: np.ndarray
    w: np.ndarray
    b: np.ndarray
    index: np.ndarray
    codes: np.ndarray


@njit(cache=True, nogil=True, error_model="numpy")
def places(m, n):
    """Room for m neurons on n points."""
    settled = Settled(
        np.full(m, -1),
        np.empty(2 * n, np.int64),
        np.empty((2 * n, 6)),
        np.empty((2 * n, 3, 3)),
        np.empty(2 * n),
    )
    gates = np.empty(2 * n, np.int64), np.zeros(2 * n, np.int64), np.zeros(2 * n, np.int64)
    index, codes, lanes = np.empty(m, np.int64), np.empty(m, np.int64), np.empty((4, LANES))
    sliding = Sliding(np.empty(m), np.empty(m), np.empty(m), index, gates[0], gates[1], gates[2], lanes)
    return settled, sliding, Wandering(np.empty(m), np.empty(m), np.empty(m), index.copy(), codes)


@njit(cache=True, nogil=True, error_model="numpy")
def settle(theta, line, pulls, horizon, code_of, settled, restless):
    """Settle every neuron that should keep its pattern for `horizon` steps; list the others in `restless`.

    A pre-activation moves by |Δz| ≤ √2 |(x k₁, k₀)| ‖θ‖ a step. The pulls are those of the last step, the
    coming ones may be √2 times as large: a guess, which `step_settled` checks at every step.
    code_of: (m,) the neurons' codes at an earlier time, brought up to date here.
    Returns the numbers of slots and of restless neurons.
    """
    a, w, b = theta[0], theta[1], theta[2]
    points = line.points
    by_code = np.full(line.points.shape[0], -1)
    slots = waiting = 0
    for j in range(a.size):
        settled.slot_of[j] = -1
        code = code_of[j]
        if not keeps_pattern(w[j], b[j], code, points, line.signs):
            code = code_of[j] = pattern(w[j], b[j], line.x)
        if code == line.x.size:  # active nowhere: no gradient, never moves again
            continue
        size2 = a[j] * a[j] + w[j] * w[j] + b[j] * b[j]
        near2 = min((w[j] * points[code, 0] + b[j]) ** 2, (w[j] * points[code, 1] + b[j]) ** 2)
        coming2 = 4.0 * horizon**2 * (line.reach2[code] * pulls[code, 0] ** 2 + pulls[code, 1] ** 2)
        if not near2 > coming2 * size2:
            restless[waiting] = j
            waiting += 1
            continue
        s = by_code[code]
        if s < 0:
            s = by_code[code] = slots
            settled.codes[s] = code
            settled.moments[s] = 0.0
            settled.product[s] = np.eye(3)
            settled.margin2[s] = np.inf
            slots += 1
        settled.slot_of[j] = s
        settled.moments[s, 0] += a[j] * a[j]
        settled.moments[s, 1] += a[j] * w[j]
        settled.moments[s, 2] += a[j] * b[j]
        settled.moments[s, 3] += w[j] * w[j]
        settled.moments[s, 4] += w[j] * b[j]
        settled.moments[s, 5] += b[j] * b[j]
        settled.margin2[s] = min(settled.margin2[s], near2 / size2)
    return slots, waiting


@njit(cache=True, nogil=True, error_model="numpy")
def line_up(theta, line, restless, code_of, sliding):
    """Copy the restless neurons into `sliding`, gate by gate; returns the number of gates that have some."""
    busy, first, size = sliding.busy, sliding.first, sliding.size
    gate_of = np.empty(restless.size, np.int64)
    size[:] = 0
    for i in range(restless.size):
        j = restless[i]
        gate_of[i] = nearest_gate(theta[1, j], theta[2, j], code_of[j], line.points, line.x.size)
        size[gate_of[i]] += 1
    place = crowded = 0
    for gate in range(size.size):
        first[gate] = place
        if size[gate] > 0:
            busy[crowded] = gate
            crowded += 1
        place += size[gate]
        size[gate] = 0
    for i in range(restless.size):
        k = first[gate_of[i]] + size[gate_of[i]]
        size[gate_of[i]] += 1
        j = sliding.index[k] = restless[i]
        sliding.a[k], sliding.w[k], sliding.b[k] = theta[0, j], theta[1, j], theta[2, j]
    return crowded


@njit(cache=True, nogil=True, error_model="numpy")
def gather(theta, settled, sliding, crowded, wandering, lost):
    """Write the state of all neurons back into `theta`; settled ones are Mθ."""
    for j in range(theta.shape[1]):
        if settled.slot_of[j] >= 0:
            p = settled.product[settled.slot_of[j]]
            a, w, b = theta[0, j], theta[1, j], theta[2, j]
            theta[0, j] = p[0, 0] * a + p[0, 1] * w + p[0, 2] * b
            theta[1, j] = p[1, 0] * a + p[1, 1] * w + p[1, 2] * b
            theta[2, j] = p[2, 0] * a + p[2, 1] * w + p[2, 2] * b
    for i in range(crowded):
        gate = sliding.busy[i]
        for k in range(sliding.first[gate], sliding.first[gate] + sliding.size[gate]):
            j = sliding.index[k]
            theta[0, j], theta[1, j], theta[2, j] = sliding.a[k], sliding.w[k], sliding.b[k]
    for k in range(lost):
        j = wandering.index[k]
        theta[0, j], theta[1, j], theta[2, j] = wandering.a[k], wandering.w[k], wandering.b[k]


@njit(cache=True, nogil=True, error_model="numpy")
def leave(gate, line, sliding, wandering, lost):
    """Move the neurons that have left their gate to the wandering ones; returns the new number of those."""
    low, high = line.gate_points[gate, 1], line.gate_points[gate, 2]
    low_sign, high_sign = line.gate_signs[gate, 0], line.gate_signs[gate, 1]
    i = sliding.first[gate]
    while i < sliding.first[gate] + sliding.size[gate]:
        a, w, b = sliding.a[i], sliding.w[i], sliding.b[i]
        if (w * low + b > 0.0) == low_sign and (w * high + b > 0.0) == high_sign:
            i += 1
            continue
        wandering.a[lost], wandering.w[lost], wandering.b[lost] = a, w, b
        wandering.index[lost], wandering.codes[lost] = sliding.index[i], pattern(w, b, line.x)
        lost += 1
        sliding.size[gate] -= 1
        last = sliding.first[gate] + sliding.size[gate]
        sliding.a[i], sliding.w[i], sliding.b[i] = sliding.a[last], sliding.w[last], sliding.b[last]
        sliding.index[i] = sliding.index[last]
    return lost
