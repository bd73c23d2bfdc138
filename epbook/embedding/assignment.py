"""Who copies whom: the discrete half of the search for the nearest embedded point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HALVINGS, NEWTON = 14, 4  # steps towards the multiplier below: into its basin, then to the last digit


@dataclass
class Assignment:
    """Wide neuron i takes option o (0: null). Cost: Σ base[i, o_i] + Σ_s coupling(sums over copies of s).

    group[o]: the narrow neuron s that option o copies, −1 for null. terms: (n, options, 2), what neuron i
    adds to the sums of its group. goal[s]: the outgoing weight that the copies of s must reach together.
    """

    incoming: NDArray[np.float64]
    outgoing: NDArray[np.float64]
    base: NDArray[np.float64]
    terms: NDArray[np.float64]
    group: NDArray[np.int64]
    goal: NDArray[np.float64]

    def solve(self, starts: int) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Options, incoming and outgoing weights at the nearest point found from all starts."""
        draw, best, lowest = np.random.default_rng(0), None, np.inf
        for start in range(starts):
            chosen = self._start(draw, 0.3 if start else 0.0)
            while (move := self._best_move(chosen)) is not None:
                chosen[move[0]] = move[1]
            if best is None or self._cost(chosen) < lowest:
                best, lowest = chosen, self._cost(chosen)
        return best, *self.rebuild(best)

    def _cost(self, chosen: NDArray[np.int64]) -> float:
        sums, counts = self._sums(chosen)
        own = self.base[np.arange(len(chosen)), chosen]
        return float(own.sum() + self.coupling(sums, self.goal, counts).sum())

    def _start(self, draw: np.random.Generator, shaken: float) -> NDArray[np.int64]:
        """The cheapest option of each neuron by itself, some redrawn, with a copy for every narrow neuron."""
        chosen = self.base.argmin(axis=1)
        other = draw.integers(self.base.shape[1], size=len(chosen))
        move = (draw.random(len(chosen)) < shaken) & np.isfinite(self.base[np.arange(len(chosen)), other])
        chosen = np.where(move, other, chosen)
        for source in range(len(self.goal)):
            counts = self._sums(chosen)[1]
            if counts[source] == 0:
                options = np.flatnonzero(self.group == source)
                old = self.group[chosen]
                spare = (old < 0) | (counts[old] > 1)
                extra = self.base[:, options] - self.base[np.arange(len(chosen)), chosen][:, None]
                extra[~spare] = np.inf
                neuron, option = np.unravel_index(extra.argmin(), extra.shape)
                chosen[neuron] = options[option]
        return chosen

    def _sums(self, chosen: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        sums, counts = np.zeros((len(self.goal), 2)), np.zeros(len(self.goal), dtype=np.int64)
        on = self.group[chosen] >= 0
        np.add.at(sums, self.group[chosen][on], self.terms[np.arange(len(chosen)), chosen][on])
        np.add.at(counts, self.group[chosen][on], 1)
        return sums, counts

    def _best_move(self, chosen: NDArray[np.int64]) -> tuple[int, int] | None:
        """The single change that lowers the cost most, all (neuron, option) at once; None where none does."""
        rows = np.arange(len(chosen))
        sums, counts = self._sums(chosen)
        old, new = self.group[chosen], self.group
        mine = self.terms[rows, chosen]  # (n, 2)
        now = self.coupling(sums, self.goal, counts)
        without = self.coupling(sums[old] - mine, self.goal[old], counts[old] - 1)
        leaving = np.where(old >= 0, without - now[old], 0.0)
        same = (old[:, None] == new[None, :]) & (new[None, :] >= 0)
        after = self.coupling(
            sums[new][None] - same[..., None] * mine[:, None] + self.terms,
            self.goal[new][None, :],
            counts[new][None, :] + 1 - same,
        )
        joining = np.where(new[None, :] >= 0, after - now[new][None, :], 0.0)
        change = self.base - self.base[rows, chosen][:, None] + joining
        change += np.where(same, 0.0, leaving[:, None])
        neuron, option = np.unravel_index(change.argmin(), change.shape)
        # Rounding of a sum of squares: below it, "better" would only be noise, and could go round in circles.
        noise = 1e-12 * (self.base[rows, chosen].sum() + now.sum()) + 1e-15 * (
            (self.incoming**2).sum() + (self.outgoing**2).sum()
        )
        return (int(neuron), int(option)) if change[neuron, option] < -noise else None


class Fixed(Assignment):
    """Copies equal their source (up to the sign of an odd σ): only the outgoing weights share."""

    def __init__(self, incoming, outgoing, source_in, source_out, signs, null):
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

    def coupling(self, sums, goal, counts):
        """(goal − Σ a)²/n: the same correction for each of n copies."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(counts > 0, (goal - sums[..., 0]) ** 2 / counts, np.inf)

    def rebuild(self, chosen):
        sums, counts = self._sums(chosen)
        old, on = self.group[chosen], (self.group[chosen] >= 0)
        sign = self.sign[chosen] * on
        step = ((self.goal - sums[:, 0]) / counts)[old]
        return sign[:, None] * self.source[old], on * (self.outgoing + sign * step)


class Scaled(Assignment):
    """Copies lie on the ray of their source, s·u with s > 0, and share Σ s a = goal.

    With p = (s + a)/√2, q = (s − a)/√2: p' = p/(1 − λ), q' = q/(1 + λ), where the multiplier λ in (−1, 1)
    is the one root of Σp²/(1 − λ)² − Σq²/(1 + λ)² = 2·goal.
    """

    def __init__(self, incoming, outgoing, source_in, source_out):
        length = np.linalg.norm(source_in, axis=1)
        self.ray = source_in / length[:, None]
        self.along = incoming @ self.ray.T  # (n, narrow width): s before the correction
        across = ((incoming[:, None] - self.along[..., None] * self.ray[None]) ** 2).sum(axis=2)
        base = np.column_stack([(incoming**2).sum(axis=1) + outgoing**2, across])
        terms = np.zeros((*base.shape, 2))
        terms[:, 1:, 0] = (self.along + outgoing[:, None]) ** 2 / 2
        terms[:, 1:, 1] = (self.along - outgoing[:, None]) ** 2 / 2
        group = np.arange(-1, len(source_in))
        super().__init__(incoming, outgoing, base, terms, group, source_out * length)

    def _multiplier(self, sums, goal):
        low = np.full(np.broadcast_shapes(sums.shape[:-1], goal.shape), 1e-12 - 1)
        high = -low
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            below = sums[..., 0] / (1 - middle) ** 2 - sums[..., 1] / (1 + middle) ** 2 < 2 * goal
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        root = (low + high) / 2
        for _ in range(NEWTON):
            off = sums[..., 0] / (1 - root) ** 2 - sums[..., 1] / (1 + root) ** 2 - 2 * goal
            slope = 2 * sums[..., 0] / (1 - root) ** 3 + 2 * sums[..., 1] / (1 + root) ** 3
            root = np.clip(root - off / np.where(slope > 0, slope, 1.0), low, high)
        return root

    def coupling(self, sums, goal, counts):
        m = self._multiplier(sums, goal)
        cost = sums[..., 0] * (m / (1 - m)) ** 2 + sums[..., 1] * (m / (1 + m)) ** 2
        return np.where(counts > 0, cost, np.inf)

    def rebuild(self, chosen):
        old, on = self.group[chosen], (self.group[chosen] >= 0)
        m = self._multiplier(self._sums(chosen)[0], self.goal)[old]
        s = self.along[np.arange(len(old)), old]
        p, q = (s + self.outgoing) / (1 - m) / 2**0.5, (s - self.outgoing) / (1 + m) / 2**0.5
        scale, out = (p + q) / 2**0.5 * on, (p - q) / 2**0.5 * on
        return scale[:, None] * self.ray[old], out

    def solve(self, starts):
        while True:
            chosen, new_in, new_out = super().solve(starts)
            turned = (self.group[chosen] >= 0) & ((new_in * self.ray[self.group[chosen]]).sum(axis=1) <= 0)
            if not turned.any():
                return chosen, new_in, new_out
            self.base[turned, chosen[turned]] = np.inf  # a scale must stay positive: no copy there
            lost = np.flatnonzero(~np.isfinite(self.base[:, 1:]).any(axis=0))
            if len(lost):
                raise ValueError(
                    f"no wide neuron can become a copy of neuron {lost[0]}: all point away from it"
                )
