"""How many eigenvalues are negative, zero and positive, with the evidence for the count."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

EPS = np.finfo(np.float64).eps


class _Counts(NamedTuple):
    negative: int
    zero: int
    positive: int


class Inertia(_Counts):
    """(negative, zero, positive), which compares like a plain triple, and why one may believe it.

    undecided: eigenvalues too small to carry a sign and too large to be called zero; they are in none
    of the three counts. tolerance: below it an eigenvalue is called zero. largest_zero,
    smallest_nonzero: what lies on the two sides of the gap, as |λ|; gap: their ratio, with the
    tolerance in place of a largest zero below it. known: null directions that were given and
    deflated. certified: proved by ball arithmetic. eigenvalues: those of the part that was not
    deflated, ascending. evidence: all of this in a sentence.
    """

    undecided: int
    tolerance: float
    largest_zero: float
    smallest_nonzero: float
    known: int
    certified: bool
    eigenvalues: tuple[float, ...]

    def __new__(
        cls,
        negative: int,
        zero: int,
        positive: int,
        *,
        undecided: int = 0,
        tolerance: float = 0.0,
        largest_zero: float = 0.0,
        smallest_nonzero: float = float("inf"),
        known: int = 0,
        certified: bool = False,
        eigenvalues: tuple[float, ...] = (),
    ) -> Inertia:
        self = super().__new__(cls, int(negative), int(zero), int(positive))
        self.undecided, self.tolerance = int(undecided), float(tolerance)
        self.largest_zero, self.smallest_nonzero = float(largest_zero), float(smallest_nonzero)
        self.known, self.certified = int(known), bool(certified)
        self.eigenvalues = tuple(eigenvalues)
        return self

    @property
    def decided(self) -> bool:
        """Whether every eigenvalue is in one of the three counts."""
        return self.undecided == 0

    @property
    def gap(self) -> float:
        """Smallest |λ| of those not called zero, over the largest called zero (at least the tolerance)."""
        below = max(self.largest_zero, self.tolerance)
        return self.smallest_nonzero / below if below > 0 else float("inf")

    @property
    def evidence(self) -> str:
        """Why the counts hold, or what stands against them."""
        how = "proved by ball arithmetic" if self.certified else f"zero means |λ| ≤ {self.tolerance:.1e}"
        known = f"; {self.known} null direction(s) known and deflated" if self.known else ""
        if self.decided:
            zeros = f"largest zero {self.largest_zero:.1e}, " if self.zero > self.known else ""
            return f"{how}; {zeros}smallest nonzero {self.smallest_nonzero:.1e}{known}"
        return f"undecided: {self.undecided} eigenvalue(s) from {self.smallest_nonzero:.1e}; {how}{known}"

    def __repr__(self) -> str:
        doubt = f", undecided={self.undecided}" if self.undecided else ""
        return f"Inertia(negative={self.negative}, zero={self.zero}, positive={self.positive}{doubt})"


def inertia(
    H: ArrayLike,
    *,
    tolerance: float | None = None,
    gap: float = 1e3,
    null: ArrayLike | None = None,
    certified: bool = False,
    error: float = 0.0,
) -> Inertia:
    """Count the negative, zero and positive eigenvalues of a symmetric matrix.

    zero: |λ| ≤ tolerance; negative, positive: |λ| ≥ gap · tolerance. An eigenvalue in between is
    undecided: rounding alone does not make it, and its size does not establish it.

    H: (P, P). tolerance: default P · 2.2e-16 · max|λ|, the bound on what rounding does to eigenvalues
    (Weyl); in the units of H. null: (P, k), directions known to be in the kernel: they are counted as
    zero and the rest is looked at on their orthogonal complement.
    certified: prove the signs by ball arithmetic (python-flint), for every symmetric matrix whose entries
    differ from those of H by at most `error` and which annihilates `null`; a zero that is not in `null`
    is then undecided. Takes well below a second for P = 60.
    Raises ValueError where H is not square, finite and symmetric, where a column of `null` is no null
    direction, or an option is out of range; ImportError where python-flint is missing.
    Source: Sylvester's law of inertia; chapter section 1.2.

    >>> inertia([[2.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 0.0]])
    Inertia(negative=1, zero=1, positive=1)
    >>> inertia([[1.0, 0.0], [0.0, 1e-14]])
    Inertia(negative=0, zero=0, positive=1, undecided=1)
    """
    H = _symmetric(H)
    if not gap >= 1:
        raise ValueError(f"gap must be at least 1, got {gap!r}")
    size = len(H)
    scale = float(np.abs(np.linalg.eigvalsh(H)).max(initial=0.0))
    if tolerance is None:
        tolerance = size * EPS * scale
    elif not 0 <= tolerance < np.inf:
        raise ValueError(f"tolerance must be finite and not negative, got {tolerance!r}")
    N = np.zeros((size, 0)) if null is None else _null_directions(H, null, scale)
    if certified:
        from epbook.critical.certify import certified_signs

        return certified_signs(H, N, error=error)
    rest = _complement(N)
    eigenvalues = np.linalg.eigvalsh(rest.T @ H @ rest)
    return from_eigenvalues(eigenvalues, tolerance=tolerance, gap=gap, known=N.shape[1])


def from_eigenvalues(eigenvalues: NDArray, *, tolerance: float, gap: float = 1e3, known: int = 0) -> Inertia:
    """The counts of `inertia` where the eigenvalues are at hand."""
    size = np.abs(eigenvalues)
    zero = size <= tolerance
    clear = (size >= gap * tolerance) & ~zero
    return Inertia(
        np.sum(clear & (eigenvalues < 0)),
        np.sum(zero) + known,
        np.sum(clear & (eigenvalues > 0)),
        undecided=np.sum(~zero & ~clear),
        tolerance=tolerance,
        largest_zero=size[zero].max(initial=0.0),
        smallest_nonzero=size[~zero].min(initial=np.inf),
        known=known,
        eigenvalues=tuple(eigenvalues.tolist()),
    )


def _symmetric(H: ArrayLike) -> NDArray:
    H = np.asarray(H, dtype=np.float64)
    if H.ndim != 2 or H.shape[0] != H.shape[1]:
        raise ValueError(f"H must be a square matrix, got the shape {H.shape}")
    if not np.isfinite(H).all():
        raise ValueError("H holds values that are not finite")
    skew = float(np.abs(H - H.T).max(initial=0.0))
    if skew > len(H) * EPS * float(np.abs(H).max(initial=0.0)):
        raise ValueError(f"H must be symmetric, but H and its transpose differ by {skew:.3g}")
    return (H + H.T) / 2


def _null_directions(H: NDArray, null: ArrayLike, scale: float) -> NDArray:
    """The given directions, orthonormal; an error where one is not annihilated by H."""
    N = np.asarray(null, dtype=np.float64)
    if N.ndim != 2 or N.shape[0] != len(H) or N.shape[1] > len(H):
        raise ValueError(f"null must hold columns of length {len(H)}, got the shape {N.shape}")
    lengths = np.linalg.norm(N, axis=0)
    if not (np.isfinite(lengths).all() and (lengths > 0).all()):
        raise ValueError("a null direction must be finite and not zero")
    N = N / lengths
    residual = np.linalg.norm(H @ N, axis=0)
    worst = int(residual.argmax()) if N.shape[1] else 0
    # 1e-8: what a direction known to half of float64's digits leaves behind.
    if N.shape[1] and residual[worst] > 1e-8 * scale:
        raise ValueError(
            f"column {worst} of null is no null direction: ‖H v‖ = {residual[worst]:.3g} for ‖v‖ = 1"
        )
    singular = np.linalg.svd(N, compute_uv=False)
    if N.shape[1] and singular[-1] < 1e-8:
        raise ValueError("the given null directions are linearly dependent")
    return np.linalg.qr(N)[0]


def _complement(N: NDArray) -> NDArray:
    """Orthonormal columns that span the orthogonal complement of the orthonormal columns of N."""
    if N.shape[1] == 0:
        return np.eye(len(N))
    return np.linalg.qr(N, mode="complete")[0][:, N.shape[1] :]
