"""A proof that a station is there: Krawczyk's test in ball arithmetic, and the signs of its Hessian."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from epbook.atlas.station import Station
from epbook.critical import Inertia, inertia
from epbook.extras import needs
from epbook.given import layers
from epbook.results import DivergedError, Result

if TYPE_CHECKING:
    from flint import arb, arb_mat

PRECISION = 128  # bits
RADII = (
    1e-13,
    1e-12,
    1e-11,
    1e-10,
    1e-9,
    1e-8,
    1e-7,
)  # of the box in every parameter: the first that proves it


@dataclass(frozen=True, eq=False)
class Certificate(Result):
    """One critical point, and no more, lies in |θ_k − centre_k| ≤ radius: proved, not observed.

    centre: (P,), the order w, b, a of the tanh neurons, then s. losses: R there lies between them. signs: the
    inertia of the Hessian at that point. Source: Krawczyk (1969); Sylvester, Gershgorin.
    """

    centre: Tensor
    radius: float
    losses: tuple[float, float]
    signs: Inertia


def certify(station: Station, x: Tensor, y: Tensor) -> Certificate:
    """Prove a station: a point with ∇R = 0 exists in a small box, it is the only one, and its inertia.

    K = −C ∇R(θ₀) + (1 − C H(X)) (X − θ₀) lies inside X − θ₀, with H(X) the Hessian over the whole box X in
    ball arithmetic and C any matrix, here H(θ₀)⁻¹ roughly.

    station: of tanh neurons, one output; at infinity s is among the parameters. x: (n, d), y: (n, 1): the
    doubles as they are, so rounding in the data is no gap. Returns a `Certificate`. Raises DivergedError
    where no radius proves it, ValueError for several outputs, ImportError without python-flint.
    Source: Krawczyk (1969); this book, page on the atlas.

    >>> import pytest, epbook as ep; _ = pytest.importorskip("flint")
    >>> x, y = ep.data.relu_teacher()
    >>> atlas = ep.atlas.survey(x, y, starts=[10], at_infinity=[])
    >>> certify(atlas["1a"], x, y).signs
    Inertia(negative=0, zero=0, positive=3)
    """
    if y.shape[1] != 1:
        raise ValueError(f"certify needs one output, got {y.shape[1]}")
    with needs("certify"):
        from flint import arb, arb_mat, ctx
    theta = _parameters(station)
    size = len(theta)
    before, ctx.prec = ctx.prec, PRECISION
    try:
        _, gradient, at = _derivatives([arb(each) for each in theta.tolist()], station, x, y)
        middle = np.array([[float(at[j, k].mid()) for k in range(size)] for j in range(size)])
        C = arb_mat(size, size, np.linalg.inv(middle.reshape(size, size)).ravel().tolist())
        one = arb_mat(size, size, np.eye(size).ravel().tolist())
        for radius in RADII:
            box = [arb(value, radius) for value in theta.tolist()]
            value, _, H = _derivatives(box, station, x, y)
            K = (one - C * H) * arb_mat(size, 1, [arb(0, radius)] * size) - C * gradient
            if all(abs(K[k, 0]) < radius for k in range(size)):
                break
        else:
            raise DivergedError(f"no box up to {RADII[-1]:g} proves {station!r}: it may be degenerate")
        entries = np.array([[H[j, k].mid() for k in range(size)] for j in range(size)], dtype=float)
        spread = max((float(H[j, k].rad()) for j in range(size) for k in range(size)), default=0.0)
        low, high = float(value.lower()), float(value.upper())
    finally:
        ctx.prec = before
    entries = entries.reshape(size, size)
    entries = (entries + entries.T) / 2
    # Rounding the middles to doubles, and making them symmetric, moves an entry by a few of its last digits.
    spread = 1.01 * spread + 4 * np.finfo(float).eps * float(np.abs(entries).max(initial=1.0))
    signs = inertia(entries, certified=True, error=spread) if size else Inertia(0, 0, 0, certified=True)
    ends = float(np.nextafter(low, -np.inf)), float(np.nextafter(high, np.inf))
    return Certificate(torch.from_numpy(theta), radius, ends, signs)


def _parameters(station: Station) -> np.ndarray:
    """w, b, a of the tanh neurons and s in one vector."""
    parts = []
    if station.net is not None:
        first, last = layers(station.net)
        parts = [first.incoming.flatten(), last.weight.flatten()]
    if station.slope is not None:
        parts.append(station.slope.flatten())
    return torch.cat(parts).numpy() if parts else np.zeros(0)


def _derivatives(theta: list[arb], station: Station, x: Tensor, y: Tensor) -> tuple[arb, arb_mat, arb_mat]:
    """R, ∇R (P, 1) and H (P, P) of f = Σ_j a_j tanh(w̃_j·x̃) + s·x̃ in the arithmetic of `theta`."""
    with needs("certify"):
        from flint import arb, arb_mat

    n, d = x.shape
    m, D, size = station.width, d + 1, len(theta)
    value, gradient = arb(0), [arb(0)] * size
    H = [[arb(0)] * size for _ in range(size)]
    for sample, target in zip(x.tolist(), y[:, 0].tolist(), strict=True):
        augmented = [arb(each) for each in sample] + [arb(1)]
        J, r, bends = [arb(0)] * size, -arb(target), []
        for j in range(m):
            a = theta[m * D + j]
            t = sum((w * each for w, each in zip(theta[j * D :], augmented, strict=False)), arb(0)).tanh()
            slope = 1 - t * t
            r += a * t
            J[m * D + j] = t
            J[j * D : (j + 1) * D] = [a * slope * each for each in augmented]
            bends.append((slope, -2 * a * t * slope))
        if station.linear:
            r += sum((s * each for s, each in zip(theta[m * (D + 1) :], augmented, strict=True)), arb(0))
            J[m * (D + 1) :] = augmented
        value += r * r / n
        for j, row in enumerate(J):
            gradient[j] += 2 * r * row / n
            H[j] = [old + 2 * row * other / n for old, other in zip(H[j], J, strict=True)]
        for j, (slope, bend) in enumerate(bends):
            for k, left in enumerate(augmented):
                mixed = 2 * r * slope * left / n
                H[j * D + k][m * D + j] += mixed
                H[m * D + j][j * D + k] += mixed
                for other, right in enumerate(augmented):
                    H[j * D + k][j * D + other] += 2 * r * bend * left * right / n
    flat = list(itertools.chain.from_iterable(H))
    return value, arb_mat(size, 1, gradient), arb_mat(size, size, flat)
