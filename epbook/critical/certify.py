"""A proof of signs of eigenvalues: congruence and Gershgorin's discs in ball arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from epbook.critical.signs import Inertia
from epbook.extras import needs

if TYPE_CHECKING:
    from flint import arb_mat

# Bits of the balls: entries are exact doubles, products of three need 159 bits.
PRECISION = 192


def certified_signs(H: NDArray, N: NDArray, *, error: float = 0.0) -> Inertia:
    """Inertia of every symmetric matrix within `error` (entrywise) of H that annihilates the columns of N.

    C holds approximate eigenvectors over √|λ|, so B = CᵀHC is close to diag(±1). Rows of B whose discs lie
    right of 0 form a principal submatrix that is positive definite (Gershgorin), and B has no more positive
    eigenvalues than H, whatever C is (Sylvester); so for negative ones. What is in neither count and not
    in N is undecided: a proof from below on all sides that adds up to P is exact.

    H: (P, P) symmetric; N: (P, k) orthonormal columns. Raises ImportError without python-flint (the extra
    `certify`), ValueError where error is negative. Source: Sylvester's law; Gershgorin's theorem.

    >>> import pytest; _ = pytest.importorskip("flint")
    >>> certified_signs(np.diag([1.0, 1e-18, -3.0]), np.zeros((3, 0)))
    Inertia(negative=1, zero=0, positive=2)
    """
    with needs("certify"):
        from flint import arb, arb_mat, ctx
    if not 0 <= error < np.inf:
        raise ValueError(f"error must be finite and not negative, got {error!r}")
    size, known = N.shape
    rest = np.linalg.qr(N, mode="complete")[0][:, known:] if known else np.eye(size)
    eigenvalues, vectors = np.linalg.eigh(rest.T @ H @ rest)
    # Scaling by 1/√|λ| keeps small discs small; the floor is what `error` and rounding leave of a zero.
    floor = size * max(error, np.finfo(np.float64).eps * np.abs(eigenvalues).max(initial=0.0), 1e-300)
    C = rest @ vectors / np.sqrt(np.maximum(np.abs(eigenvalues), floor))
    before, ctx.prec = ctx.prec, PRECISION
    try:
        balls = arb_mat(size, size, [arb(value, error) for value in H.ravel().tolist()])
        congruent = arb_mat(size, size - known, C.ravel().tolist())
        B = congruent.transpose() * balls * congruent
        low, high = _discs(B)
    finally:
        ctx.prec = before
    positive, negative = low > 0, high < 0
    undecided = size - known - int(positive.sum()) - int(negative.sum())
    return Inertia(
        int(negative.sum()),
        known,
        int(positive.sum()),
        undecided=undecided,
        smallest_nonzero=float(np.abs(eigenvalues).min(initial=np.inf)),
        known=known,
        certified=True,
        eigenvalues=tuple(eigenvalues.tolist()),
    )


def _discs(B: arb_mat) -> tuple[NDArray, NDArray]:
    """Ends of Gershgorin's intervals of a symmetric matrix of balls, rounded outward."""
    low, high = [], []
    for i in range(B.nrows()):
        radius = sum(abs(B[i, j]).upper() for j in range(B.ncols()) if j != i)
        left, right = (B[i, i] - radius).lower(), (B[i, i] + radius).upper()
        low.append(np.nextafter(float(left), -np.inf))
        high.append(np.nextafter(float(right), np.inf))
    return np.array(low), np.array(high)
