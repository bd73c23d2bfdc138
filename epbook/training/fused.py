"""Gradient descent of any two-layer net in one fused pass per step: no intermediate leaves the cache.

A step costs O(m n (d + k)) for m neurons, n points, d inputs and k outputs. All inner loops run over the
points, contiguous in memory, so that the compiler turns them into vector instructions; for that tanh and
sigmoid have an exponential of our own, since the one of the mathematical library is a call per number.
"""

from __future__ import annotations

import math

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

ACTIVATIONS = ("relu", "tanh", "sigmoid", "softplus", "silu", "gelu", "identity")
RELU, TANH, SIGMOID, SOFTPLUS, SILU, GELU, IDENTITY = range(len(ACTIVATIONS))

LANES = 16  # four 256-bit vectors in flight
ROWS = 16  # neurons activated in one call
# Sums may be reordered into vector lanes, products fused into them; NaN and infinity keep their meaning.
FAST = {"reassoc", "contract", "nsz"}
LOG2_E = 1.0 / math.log(2.0)
# log 2 in two parts: the first has few enough bits that k·LN2_HIGH is exact for every |k| < 2048.
LN2_HIGH = 6.93147180369123816490e-01
LN2_LOW = 1.90821492927058770002e-10
INVERSE_FACTORIALS = tuple(1.0 / math.factorial(k) for k in range(15))


@intrinsic
def from_bits(typing, integer):
    """The float64 whose bits are those of an int64; numba has no such cast for scalars."""

    def bitcast(context, builder, signature, args):
        return builder.bitcast(args[0], ir.DoubleType())

    return types.float64(types.int64), bitcast


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST, inline="always")
def expm1(t):
    """exp(t) − 1 for |t| < 708, without a branch, so that a loop of it becomes vector instructions.

    exp(t) = 2^k e^r with |r| ≤ log(2)/2: the Taylor sum to r¹⁴ errs by less than 1e-17 of it.
    """
    k = np.floor(t * LOG2_E + 0.5)
    r = (t - k * LN2_HIGH) - k * LN2_LOW
    s = INVERSE_FACTORIALS[14]
    s = s * r + INVERSE_FACTORIALS[13]
    s = s * r + INVERSE_FACTORIALS[12]
    s = s * r + INVERSE_FACTORIALS[11]
    s = s * r + INVERSE_FACTORIALS[10]
    s = s * r + INVERSE_FACTORIALS[9]
    s = s * r + INVERSE_FACTORIALS[8]
    s = s * r + INVERSE_FACTORIALS[7]
    s = s * r + INVERSE_FACTORIALS[6]
    s = s * r + INVERSE_FACTORIALS[5]
    s = s * r + INVERSE_FACTORIALS[4]
    s = s * r + INVERSE_FACTORIALS[3]
    s = s * r + 0.5
    power = from_bits((np.int64(k) + 1023) << 52)
    return power * (r + r * r * s) + (power - 1.0)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST, inline="always")
def clip(t, bound):
    """t within ±bound; NaN stays NaN."""
    return -bound if t < -bound else (bound if t > bound else t)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def activate(kind, z, value, slope):
    """value = σ(z), slope = σ'(z) over a row of pre-activations."""
    if kind == RELU:
        for i in range(z.size):
            active = 1.0 if z[i] > 0.0 else 0.0
            value[i], slope[i] = active * z[i], active
    elif kind == TANH:
        for i in range(z.size):
            e = expm1(clip(2.0 * z[i], 40.0))  # beyond ±20 tanh is ±1 to the last bit
            t = e / (e + 2.0)
            value[i], slope[i] = t, 1.0 - t * t
    elif kind == SIGMOID:
        for i in range(z.size):
            s = 1.0 / (expm1(clip(-z[i], 700.0)) + 2.0)
            value[i], slope[i] = s, s * (1.0 - s)
    elif kind == SILU:
        for i in range(z.size):
            s = 1.0 / (expm1(clip(-z[i], 700.0)) + 2.0)
            value[i], slope[i] = z[i] * s, s * (1.0 + z[i] * (1.0 - s))
    elif kind == SOFTPLUS:
        for i in range(z.size):
            # PyTorch's softplus is z itself above 20
            e = math.exp(-abs(z[i]))
            value[i] = z[i] if z[i] > 20.0 else max(z[i], 0.0) + math.log1p(e)
            slope[i] = 1.0 if z[i] > 20.0 else (1.0 / (1.0 + e) if z[i] > 0.0 else e / (1.0 + e))
    elif kind == GELU:
        for i in range(z.size):
            phi = 0.5 * math.erfc(-z[i] * math.sqrt(0.5))
            value[i] = z[i] * phi
            slope[i] = phi + z[i] * math.exp(-0.5 * z[i] * z[i]) / math.sqrt(2.0 * math.pi)
    else:
        for i in range(z.size):
            value[i], slope[i] = z[i], 1.0


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST, inline="always")
def add(row, factor, other):
    """row += factor * other."""
    for i in range(row.size):
        row[i] += factor * other[i]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST, inline="always")
def dot(row, other):
    """Σ row * other."""
    total = 0.0
    for i in range(row.size):
        total += row[i] * other[i]
    return total


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST, inline="always")
def total_of(row):
    """Σ row."""
    total = 0.0
    for i in range(row.size):
        total += row[i]
    return total


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def advance(hidden, out, x, y, lr, losses, kind):
    """Take len(losses) steps of size lr on the mean squared error, in place.

    hidden: (m, d + 1) rows (w, b); out: (k, m); x: (d, n); y: (k, n); losses[t] = loss before step t.
    Returns the number of steps whose loss was finite.
    """
    d, points = x.shape
    k, m = out.shape
    # Rows are padded to whole vectors, or the loops over the remainders would take most of the time. The
    # padded residuals are kept at 0, so that they add nothing anywhere.
    n = -(-points // LANES) * LANES
    x_rows, y_rows = np.zeros((d, n)), np.zeros((k, n))
    x_rows[:, :points], y_rows[:, :points] = x, y
    value, slope = np.empty((m, n)), np.empty((m, n))
    z = np.empty(ROWS * n)
    residual, back = np.empty((k, n)), np.empty(n)
    factor = 2.0 * lr / (points * k)
    for t in range(losses.size):
        for o in range(k):
            for i in range(n):
                residual[o, i] = -y_rows[o, i]
        for first in range(0, m, ROWS):
            last = min(first + ROWS, m)
            block = z[: (last - first) * n].reshape(last - first, n)
            for j in range(first, last):
                row = block[j - first]
                for i in range(n):
                    row[i] = hidden[j, d]
                for c in range(d):
                    add(row, hidden[j, c], x_rows[c])
            flat = block.size
            activate(kind, z[:flat], value[first:last].reshape(flat), slope[first:last].reshape(flat))
            for o in range(k):
                for j in range(first, last):
                    add(residual[o], out[o, j], value[j])
        total = 0.0
        for o in range(k):
            residual[o, points:] = 0.0
            total += dot(residual[o], residual[o])
        losses[t] = total / (points * k)
        if not np.isfinite(losses[t]):
            return t
        for j in range(m):
            for i in range(n):
                back[i] = 0.0
            for o in range(k):
                add(back, out[o, j], residual[o])
                out[o, j] -= factor * dot(residual[o], value[j])
            for i in range(n):
                back[i] *= slope[j, i]
            for c in range(d):
                hidden[j, c] -= factor * dot(back, x_rows[c])
            hidden[j, d] -= factor * total_of(back)
    return losses.size
