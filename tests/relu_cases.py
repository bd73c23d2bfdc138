"""Local minima of ReLU nets on a line the slow way: a linear program for every set of signed neurons."""

import itertools

import numpy as np
from scipy.optimize import linprog


def places(x, on_samples):
    """Where the kink of a neuron can be: the ramps that it mixes, and for a kink on a sample who is on."""
    n = len(x)
    up, down = (lambda p: np.maximum(x - x[p], 0)), (lambda p: np.maximum(x[p] - x, 0))
    found = [([up(0), down(n - 1)], None)]
    found += [([side(p), side(p + 1)], None) for p in range(n - 1) for side in (up, down)]
    if on_samples:
        found += [([up(p)], (np.arange(n) > p, p)) for p in range(n)]
        found += [([down(p)], (np.arange(n) < p, p)) for p in range(n)]
    return found


def brute_force(x, y, width, *, on_samples):
    """[(loss, least width)] of all local minima of nets up to this width, ascending."""
    signed = [(sign, *place) for place in places(x, on_samples) for sign in (1, -1)]
    found = []
    for neurons in range(width + 1):
        for chosen in itertools.combinations_with_replacement(signed, neurons):
            ramps = np.array([sign * ramp for sign, mixed, _ in chosen for ramp in mixed]).reshape(-1, len(x))
            output = ramps.T @ np.linalg.lstsq(ramps.T, y, rcond=1e-12)[0]
            if any(np.abs(output - other).max() < 1e-8 for _, _, other in found):
                continue
            residual = output - y
            if stays(chosen, residual) and (neurons == 0 or mixes(ramps, output)):
                found.append((np.mean(residual**2), neurons, output))
    return sorted((loss, neurons) for loss, neurons, _ in found)


def stays(chosen, residual):
    """Whether the loss falls for no kink that leaves its sample."""
    for sign, _, on in chosen:
        if on is not None:
            off = sign * residual[on[0]].sum()
            if off > 1e-9 or off + sign * residual[on[1]] < -1e-9:
                return False
    return True


def mixes(ramps, output):
    """Whether the output is a mixture of the ramps with positive weights."""
    count, n = ramps.shape
    found = linprog(
        np.append(np.zeros(count), -1.0),
        A_ub=np.hstack([-np.eye(count), np.ones((count, 1))]),
        b_ub=np.zeros(count),
        A_eq=np.hstack([ramps.T, np.zeros((n, 1))]),
        b_eq=output,
        bounds=[(None, None)] * count + [(None, 1.0)],
    )
    return found.status == 0 and found.x[-1] > 1e-8
