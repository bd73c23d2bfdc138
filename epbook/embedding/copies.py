"""What it costs to become a copy: of a neuron as it is, or anywhere on its ray where σ is homogeneous."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from epbook.embedding.assignment import Assignment, Floats, Whole

# In place of an exact zero of s ± a, which no factor could move: far below every weight, with a square.
TINY = 1e-100
LEAST = TINY**2 / 4  # no Σp² or Σq² is smaller, up to the rounding of differences of such sums


class Fixed(Assignment):
    """Copies equal their source (up to the sign of an odd σ): only the outgoing weights share."""

    def __init__(
        self,
        incoming: Floats,
        outgoing: Floats,
        source_in: Floats,
        source_out: Floats,
        signs: Sequence[int],
        null: bool,
    ) -> None:
        options = [(s, sign) for s in range(len(source_in)) for sign in signs]
        self.sign = np.array([1, *(sign for _, sign in options)])
        self.source = source_in
        base = [(incoming**2).sum(axis=1) + outgoing**2]
        if not null:  # σ(0) ≠ 0 and no output bias: a null neuron would not be critical
            base[0] = np.full(len(incoming), np.inf)
        base += [((incoming - sign * source_in[s]) ** 2).sum(axis=1) for s, sign in options]
        terms = np.zeros((len(incoming), len(self.sign), 2))
        terms[:, 1:, 0] = outgoing[:, None] * self.sign[None, 1:]
        group = np.array([-1, *(s for s, _ in options)])
        super().__init__(incoming, outgoing, np.stack(base, axis=1), terms, group, source_out)

    def coupling(self, sums: Floats, goal: Floats, counts: Whole) -> Floats:
        """(goal − Σ a)²/n: the same correction for each of n copies."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(counts > 0, (goal - sums[..., 0]) ** 2 / counts, np.inf)

    def rebuild(self, chosen: Whole) -> tuple[Floats, Floats]:
        sums, counts = self._sums(chosen)
        old, on = self.group[chosen], (self.group[chosen] >= 0)
        sign = self.sign[chosen] * on
        step = ((self.goal - sums[:, 0]) / counts)[old]
        return sign[:, None] * self.source[old], on * (self.outgoing + sign * step)


class Scaled(Assignment):
    """Copies lie on the ray of their source, s·u with s > 0, and share Σ s a = goal.

    With p = (s + a)/√2, q = (s − a)/√2 the nearest are p' = p (1 + r)/2 and q' = q (1 + 1/r)/2, where r is
    the one positive root of Σp² (1 + r)² − Σq² (1 + 1/r)² = 8·goal.
    """

    def __init__(self, incoming: Floats, outgoing: Floats, source_in: Floats, source_out: Floats) -> None:
        length = np.linalg.norm(source_in, axis=1)
        if (length == 0).any():
            raise ValueError(
                f"neuron {length.argmin()} of the narrow network has no incoming weights, so no direction "
                "to copy: leave it out"
            )
        self.ray = source_in / length[:, None]
        self.along = incoming @ self.ray.T  # (n, narrow width): s before the correction
        across = ((incoming[:, None] - self.along[..., None] * self.ray[None]) ** 2).sum(axis=2)
        base = np.column_stack([(incoming**2).sum(axis=1) + outgoing**2, across])
        self.p = _nonzero(self.along + outgoing[:, None]) / 2**0.5
        self.q = _nonzero(self.along - outgoing[:, None]) / 2**0.5
        terms = np.zeros((*base.shape, 2))
        terms[:, 1:, 0], terms[:, 1:, 1] = self.p**2, self.q**2
        group = np.arange(-1, len(source_in))
        super().__init__(incoming, outgoing, base, terms, group, source_out * length)

    def coupling(self, sums: Floats, goal: Floats, counts: Whole) -> Floats:
        p, q = np.moveaxis(np.maximum(sums, LEAST), -1, 0)
        r = ratio(p, q, goal)
        return np.where(counts > 0, p * ((r - 1) / 2) ** 2 + q * ((1 / r - 1) / 2) ** 2, np.inf)

    def rebuild(self, chosen: Whole) -> tuple[Floats, Floats]:
        old, on = self.group[chosen], (self.group[chosen] >= 0)
        sums, rows = np.maximum(self._sums(chosen)[0], LEAST), np.arange(len(chosen))
        r = ratio(sums[:, 0], sums[:, 1], self.goal)[old]
        p, q = self.p[rows, old] * (1 + r) / 2, self.q[rows, old] * (1 + 1 / r) / 2
        scale, out = (p + q) / 2**0.5 * on, (p - q) / 2**0.5 * on
        return scale[:, None] * self.ray[old], out

    def solve(self, starts: int, seed: int) -> tuple[Whole, Floats, Floats]:
        while True:
            chosen, new_in, new_out = super().solve(starts, seed)
            turned = (self.group[chosen] >= 0) & ((new_in * self.ray[self.group[chosen]]).sum(axis=1) <= 0)
            if not turned.any():
                return chosen, new_in, new_out
            self.base[turned, chosen[turned]] = np.inf  # a scale must stay positive: no copy there
            lost = np.flatnonzero(~np.isfinite(self.base[:, 1:]).any(axis=0))
            if len(lost):
                raise ValueError(
                    f"no wide neuron can become a copy of neuron {lost[0]}: all point away from it"
                )


def _nonzero(values: Floats) -> Floats:
    return np.where(np.abs(values) < TINY, TINY, values)


def ratio(p: Floats, q: Floats, goal: Floats) -> Floats:
    """The root r > 0 of p (1 + r)² − q (1 + 1/r)² = 8·goal for p, q > 0, to rounding.

    Newton in log r, between bounds: for goal ≥ 0 the root is at least √(q/p), where the left side is 0, and
    at most where p (1 + r)² alone outweighs the rest there. For goal < 0 the same with p and q exchanged,
    of 1/r.
    Source: the Lagrange multiplier of the nearest point on Σ s a = goal.

    >>> ratio(np.array([2.0]), np.array([1.0]), np.array([0.5]))
    array([1.])
    """
    turned = goal < 0
    p, q, goal = np.where(turned, q, p), np.where(turned, p, q), np.abs(goal)
    low = np.log(q / p) / 2
    more = np.exp(low) * (2 + np.exp(low)) + 8 * goal / p
    high = np.maximum(np.log(more / (1 + np.sqrt(1 + more))), low)
    root = high
    for _ in range(100):
        r = np.exp(root)
        rest = 8 * goal + q * (1 + 1 / r) ** 2
        off = np.log(p / rest) + 2 * np.log1p(r)  # both sides in logarithms: nearly straight
        low, high = np.where(off <= 0, root, low), np.where(off >= 0, root, high)
        new = root - off / (2 * r / (1 + r) + 2 * q * (1 + 1 / r) / (r * rest))
        new = np.where((new < low) | (new > high), (low + high) / 2, new)
        done = np.abs(new - root) <= 4e-16 * np.maximum(np.abs(root), 1)
        root = new
        if done.all():
            break
    return np.asarray(np.exp(np.where(turned, -root, root)))
