"""The result of counting eigenvalues by sign: three numbers, and why one may believe them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from epbook.results import Result


@dataclass(frozen=True, eq=False, repr=False)
class Inertia(Result):
    """(negative, zero, positive): how many eigenvalues there are of each sign, with the evidence.

    undecided: eigenvalues too small to carry a sign and too large to be called zero; they are in none
    of the three counts. tolerance: below it an eigenvalue is called zero. largest_zero,
    smallest_nonzero: what lies on the two sides of the gap, as |λ|. known: null directions that were
    given and deflated. certified: proved by ball arithmetic. eigenvalues: those of the part that was
    not deflated, ascending.

    A sequence of the three counts. Two of them are equal where they say the same: equal counts and as
    many undecided. A plain triple says that nothing is undecided, so it equals decided counts alone.
    Source: Sylvester's law of inertia; textbook section 1.2.

    >>> Inertia(0, 0, 2) == (0, 0, 2), Inertia(0, 0, 2, undecided=1) == (0, 0, 2)
    (True, False)
    """

    negative: int
    zero: int
    positive: int
    undecided: int = 0
    tolerance: float = 0.0
    largest_zero: float = 0.0
    smallest_nonzero: float = math.inf
    known: int = 0
    certified: bool = False
    eigenvalues: tuple[float, ...] = ()

    def __iter__(self) -> Iterator[int]:
        return iter((self.negative, self.zero, self.positive))

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int | slice) -> int | tuple[int, ...]:
        return tuple(self)[index]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Inertia):
            return tuple(self) == tuple(other) and self.undecided == other.undecided
        if isinstance(other, tuple):
            return self.decided and tuple(self) == other
        return NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self) if self.decided else (*self, self.undecided))

    def __repr__(self) -> str:
        doubt = f", undecided={self.undecided}" if self.undecided else ""
        return f"Inertia(negative={self.negative}, zero={self.zero}, positive={self.positive}{doubt})"

    @property
    def decided(self) -> bool:
        """Whether every eigenvalue is in one of the three counts."""
        return self.undecided == 0

    @property
    def gap(self) -> float:
        """Smallest |λ| of those not called zero, over the largest called zero (at least the tolerance)."""
        below = max(self.largest_zero, self.tolerance)
        return self.smallest_nonzero / below if below > 0 else math.inf

    @property
    def evidence(self) -> str:
        """Why the counts hold, or what stands against them."""
        how = "proved by ball arithmetic" if self.certified else f"zero means |λ| ≤ {self.tolerance:.1e}"
        known = f"; {self.known} null direction(s) known and deflated" if self.known else ""
        if self.decided:
            zeros = f"largest zero {self.largest_zero:.1e}, " if self.zero > self.known else ""
            return f"{how}; {zeros}smallest nonzero {self.smallest_nonzero:.1e}{known}"
        return f"undecided: {self.undecided} eigenvalue(s) from {self.smallest_nonzero:.1e}; {how}{known}"
