"""Who copies whom: the discrete half of the search for the nearest embedded point."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass
class Assignment(ABC):
    """Wide neuron i takes option o (0: null). Cost: Σ base[i, o_i] + Σ_s coupling(sums over copies of s).

    group[o]: the narrow neuron s that option o copies, −1 for null. terms: (n, options, 2), what neuron i
    adds to the sums of its group. goal[s]: the outgoing weight that the copies of s must reach together.
    """

    incoming: Floats
    outgoing: Floats
    base: Floats
    terms: Floats
    group: Whole
    goal: Floats

    @abstractmethod
    def coupling(self, sums: Floats, goal: Floats, counts: Whole) -> Floats:
        """What it costs that the copies of one narrow neuron reach its goal together; ∞ for no copy."""

    @abstractmethod
    def rebuild(self, chosen: Whole) -> tuple[Floats, Floats]:
        """Incoming and outgoing weights at the nearest point of these options."""

    def solve(self, starts: int, seed: int) -> tuple[Whole, Floats, Floats]:
        """Options, incoming and outgoing weights at the nearest point found from all starts."""
        draw, found = np.random.default_rng(seed), []
        for start in range(starts):
            chosen = self._start(draw, 0.3 if start else 0.0)
            while (move := self._best_move(chosen)) is not None:
                chosen[move[0]] = move[1]
            found.append(chosen)
        best = min(found, key=self._cost)
        return best, *self.rebuild(best)

    def _cost(self, chosen: Whole) -> float:
        sums, counts = self._sums(chosen)
        own = self.base[np.arange(len(chosen)), chosen]
        return float(own.sum() + self.coupling(sums, self.goal, counts).sum())

    def _start(self, draw: np.random.Generator, shaken: float) -> Whole:
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

    def _sums(self, chosen: Whole) -> tuple[Floats, Whole]:
        sums, counts = np.zeros((len(self.goal), 2)), np.zeros(len(self.goal), dtype=np.int64)
        on = self.group[chosen] >= 0
        np.add.at(sums, self.group[chosen][on], self.terms[np.arange(len(chosen)), chosen][on])
        np.add.at(counts, self.group[chosen][on], 1)
        return sums, counts

    def _best_move(self, chosen: Whole) -> tuple[int, int] | None:
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
