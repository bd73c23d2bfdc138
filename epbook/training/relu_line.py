"""Gradient descent of a ReLU net with one input and one output, at a cost per step that ignores most neurons.

With p₁ = Σ r x and p₀ = Σ r over the points where a neuron is active (r: residuals), a step of gradient
descent is linear in the neuron, and the same for all neurons of one activation pattern. So the output, and
with it every p₁ and p₀, follows from the second moments of each pattern's neurons; a neuron itself is looked
at only when it may change its pattern (see `relu_neurons`). A step costs at most O(m + n), and on a plateau
little more than the number of occupied patterns. Same numbers as the plain step, up to rounding.
Source: the gradient of equation (1.1) of the textbook, sorted by pattern.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from epbook.training.relu_neurons import gather, line_up, places, settle
from epbook.training.relu_patterns import pattern, tables
from epbook.training.relu_steps import Field, add_gate, march

HORIZON = 256  # steps between visits: a visit costs about as much as thirty


@njit(cache=True, nogil=True, error_model="numpy")
def advance(hidden, out, x, y, lr, losses):
    """Take len(losses) steps of size lr on the mean squared error, in place.

    hidden: (m, 2) rows (w, b); out: (1, m); x, y: (n,), x ascending; losses[t] = loss before step t.
    Returns the number of steps whose loss was finite.
    """
    n, m = x.size, out.shape[1]
    theta = np.empty((3, m))
    theta[0], theta[1], theta[2] = out[0], hidden[:, 0], hidden[:, 1]
    line = tables(x, y)
    settled, sliding, wandering = places(m, n)
    # The first pulls are unknown, so that all neurons are restless.
    field = Field(np.empty((2 * n, 2)), np.full((2 * n, 2), np.inf), np.empty(2 * n, np.bool_))
    code_of, restless = np.empty(m, np.int64), np.empty(m, np.int64)
    for j in range(m):
        code_of[j] = pattern(theta[1, j], theta[2, j], x)
    done = 0
    while done < losses.size:
        slots, waiting = settle(theta, line, field.pulls, HORIZON, code_of, settled, restless)
        crowded = line_up(theta, line, restless[:waiting], code_of, sliding)
        field.flow[:] = 0.0
        field.needed[:] = False
        field.needed[n] = True  # where neurons end that die
        for s in range(slots):
            field.needed[settled.codes[s]] = True
            field.flow[settled.codes[s]] = settled.moments[s, 1:3]
        for i in range(crowded):
            for code in line.gate_codes[sliding.busy[i]]:
                field.needed[code] = True
            add_gate(sliding.busy[i], line, sliding, field.flow)
        stop = done + (HORIZON if done > 0 else 1)
        steps, lost, finite = march(
            line, field, settled, slots, sliding, crowded, wandering, 2.0 * lr / n, losses[done:stop]
        )
        gather(theta, settled, sliding, crowded, wandering, lost)
        done += steps
        if not finite:
            return done
    out[0], hidden[:, 0], hidden[:, 1] = theta[0], theta[1], theta[2]
    return losses.size
