"""How many eigenvalues of a symmetric matrix are negative, zero and positive."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from epbook.critical.certify import certified_signs
from epbook.critical.signs import Inertia

EPS = float(np.finfo(np.float64).eps)
# The spacing of the smallest floats: what rounding leaves where ε · |λ| is smaller still.
_LEAST = float(np.finfo(np.float64).smallest_subnormal)


def inertia(
    H: ArrayLike | Tensor,
    *,
    tolerance: float | None = None,
    gap: float = 1e3,
    null: ArrayLike | Tensor | None = None,
    certified: bool = False,
    error: float = 0.0,
) -> Inertia:
    """Count the negative, zero and positive eigenvalues of a symmetric matrix.

    zero: |λ| ≤ tolerance; negative, positive: |λ| ≥ gap · tolerance. An eigenvalue in between is
    undecided: rounding alone does not make it, and its size does not establish it.

    H: (P, P), real. tolerance: default P · ε · max|λ|, the bound on what rounding does to eigenvalues
    (Weyl), in the units of H; ε is the spacing of the type that H came in, 2.2e-16 for float64, 1.2e-7
    for float32. null: (P, k), directions known to be in the kernel: they are counted as zero and the
    rest is looked at on their orthogonal complement.
    certified: prove the signs by ball arithmetic (python-flint), for every symmetric matrix whose entries
    differ from those of H by at most `error` and which annihilates `null`; a zero that is not in `null`
    is then undecided, and no tolerance is used. Takes well below a second for P = 60.
    Raises TypeError where H is not of real numbers; ValueError where it is not square, finite and
    symmetric, where a column of `null` is no null direction, or an option is out of range or without
    effect; ImportError without python-flint (the extra `certify`).
    Source: Sylvester's law of inertia; textbook section 1.2.

    >>> inertia([[2.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 0.0]])
    Inertia(negative=1, zero=1, positive=1)
    >>> inertia([[1.0, 0.0], [0.0, 1e-14]])
    Inertia(negative=0, zero=0, positive=1, undecided=1)
    """
    if not gap >= 1:
        raise ValueError(f"gap must be at least 1, got {gap!r}")
    if tolerance is not None and not 0 <= tolerance < np.inf:
        raise ValueError(f"tolerance must be finite and not negative, got {tolerance!r}")
    if certified and tolerance is not None:
        raise ValueError(f"certified=True uses no tolerance: leave out tolerance={tolerance!r}")
    if error != 0 and not certified:
        raise ValueError(f"error={error!r} is for certified=True; without a proof, give a tolerance instead")
    H, spacing = _real(H, "H")
    H = _symmetric(H, spacing)
    scale = _largest(np.linalg.eigvalsh(H))
    N = np.zeros((len(H), 0)) if null is None else _null_directions(H, null, spacing, scale)
    if certified:
        return certified_signs(H, N, error=error)
    if tolerance is None:
        tolerance = len(H) * max(spacing * scale, _LEAST)
    rest = _complement(N)
    eigenvalues = np.linalg.eigvalsh(rest.T @ H @ rest)
    return from_eigenvalues(eigenvalues, tolerance=tolerance, gap=gap, known=N.shape[1])


def from_eigenvalues(eigenvalues: NDArray, *, tolerance: float, gap: float = 1e3, known: int = 0) -> Inertia:
    """The counts of `inertia` where the eigenvalues are at hand."""
    size = np.abs(eigenvalues)
    zero = size <= tolerance
    clear = (size >= gap * tolerance) & ~zero
    return Inertia(
        int(np.sum(clear & (eigenvalues < 0))),
        int(np.sum(zero)) + known,
        int(np.sum(clear & (eigenvalues > 0))),
        undecided=int(np.sum(~zero & ~clear)),
        tolerance=float(tolerance),
        largest_zero=float(size[zero].max(initial=0.0)),
        smallest_nonzero=float(size[~zero].min(initial=np.inf)),
        known=known,
        eigenvalues=tuple(eigenvalues.tolist()),
    )


def _real(values: ArrayLike | Tensor, name: str) -> tuple[NDArray, float]:
    """The values in float64, and the spacing ε of the numbers they were given in (at least float64's)."""
    if isinstance(values, Tensor):
        real, kind = not values.is_complex(), str(values.dtype)
        spacing = torch.finfo(values.dtype).eps if values.is_floating_point() else EPS
        array = values.detach().to("cpu", torch.float64).numpy() if real else np.empty(0)
    else:
        array = np.asarray(values)
        real, kind = array.dtype.kind in "biuf", str(array.dtype)
        spacing = float(np.finfo(array.dtype).eps) if array.dtype.kind == "f" else EPS
    if not real:
        raise TypeError(
            f"{name} must hold real numbers, got {kind}; for a complex Hermitian A + iB count the real "
            "[[A, -B], [B, A]], which has each of its eigenvalues twice"
        )
    return np.asarray(array, dtype=np.float64), max(spacing, EPS)


def _symmetric(H: NDArray, spacing: float) -> NDArray:
    if H.ndim != 2 or H.shape[0] != H.shape[1]:
        raise ValueError(f"H must be a square matrix, got the shape {H.shape}")
    if not np.isfinite(H).all():
        raise ValueError("H holds values that are not finite")
    # By halves, because H + Hᵀ overflows where an entry is above 9e307.
    skew = 2 * float(np.abs(H / 2 - H.T / 2).max(initial=0.0))
    if skew > len(H) * spacing * float(np.abs(H).max(initial=0.0)):
        raise ValueError(f"H must be symmetric, but H and its transpose differ by {skew:.3g}")
    return H / 2 + H.T / 2


def _largest(eigenvalues: NDArray) -> float:
    """max|λ|, or an error where it is beyond float64."""
    scale = float(np.abs(eigenvalues).max(initial=0.0))
    if not np.isfinite(scale):
        raise ValueError("an eigenvalue of H is beyond the range of float64: divide H by a power of two")
    return scale


def _null_directions(H: NDArray, null: ArrayLike | Tensor, spacing: float, scale: float) -> NDArray:
    """The given directions, orthonormal; an error where one is not annihilated by H."""
    N, coarse = _real(null, "null")
    if N.ndim != 2 or N.shape[0] != len(H) or N.shape[1] > len(H):
        raise ValueError(f"null must hold columns of length {len(H)}, got the shape {N.shape}")
    lengths = np.linalg.norm(N, axis=0)
    if not (np.isfinite(lengths).all() and (lengths > 0).all()):
        raise ValueError("a null direction must be finite and not zero")
    if N.shape[1] == 0:
        return N
    N = N / lengths
    residual = np.linalg.norm(H @ N, axis=0)
    worst = int(residual.argmax())
    # For float64 1e-8: what a direction known to half of the digits leaves behind.
    half = 1e-8 * (max(spacing, coarse) / EPS) ** 0.5
    if residual[worst] > half * scale:
        raise ValueError(
            f"column {worst} of null is no null direction: ‖H v‖ = {residual[worst]:.3g} for ‖v‖ = 1"
        )
    if np.linalg.svd(N, compute_uv=False)[-1] < half:
        raise ValueError("the given null directions are linearly dependent")
    return np.linalg.qr(N)[0]


def _complement(N: NDArray) -> NDArray:
    """Orthonormal columns that span the orthogonal complement of the orthonormal columns of N."""
    if N.shape[1] == 0:
        return np.eye(len(N))
    return np.linalg.qr(N, mode="complete")[0][:, N.shape[1] :]
