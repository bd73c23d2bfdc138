"""What an ensemble of training runs has left behind, by width and seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from epbook.networks import sequential, two_layer
from epbook.results import DivergedError, Result
from epbook.training.record import BINS, BINS_PER_DECADE, LOWEST, Record, State


@dataclass(frozen=True, eq=False)
class Runs(Result):
    """Ensemble of trained nets; made by `train_many`.

    widths, seeds: what was trained; stds: of the parameters at the start, per width. edges: BINS + 1 edges of
    log10 loss. diverged: {(width, seed): first step whose loss is not finite}; all other nets are complete.
    Source: textbook section 1.1, figures 1.1-1.3.
    """

    widths: tuple[int, ...]
    seeds: tuple[int, ...]
    records: dict[tuple[int, int], Record]
    inputs: int
    outputs: int
    activation: nn.Module
    stds: dict[int, float]

    @property
    def edges(self) -> NDArray:
        """Edges of the histogram's bins, log10 loss from −5 to 0, shape (201,)."""
        edges: NDArray = LOWEST + np.arange(BINS + 1) / BINS_PER_DECADE
        return edges

    @property
    def centres(self) -> NDArray:
        """Centres of the histogram's bins, log10 loss, shape (200,)."""
        return np.asarray(self.edges[1:] + self.edges[:-1]) / 2

    @property
    def diverged(self) -> dict[tuple[int, int], int]:
        """The nets whose loss became infinite or NaN, with the first such step."""
        return {net: record.diverged for net, record in self.records.items() if record.diverged is not None}

    @property
    def status(self) -> str:
        """'finished', or 'diverged' where that is true of any net."""
        return "diverged" if self.diverged else "finished"

    @property
    def reason(self) -> str:
        """Which nets diverged, and what that means; of each net, `record(width, seed).reason` tells."""
        told = [
            f"width {width}, seed {seed}: {self.records[width, seed].reason}"
            for width, seed in sorted(self.diverged)
        ]
        return "; ".join(told) or "all nets are complete"

    def record(self, width: int, seed: int) -> Record:
        """Everything kept of one net. Raises KeyError for a net that was not trained."""
        try:
            return self.records[width, seed]
        except KeyError:
            raise KeyError(
                f"no net of width {width!r} and seed {seed!r}: trained were the widths {self.widths} and "
                f"{len(self.seeds)} seeds from {min(self.seeds)} to {max(self.seeds)}"
            ) from None

    def spectrum(self, width: int) -> NDArray:
        """Number of training steps, over all seeds, with log10 loss in each bin on [−5, 0], (200,)."""
        return self._counts(width)[1:-1]

    def pauses(self, width: int, seed: int, *, share: float = 0.01) -> NDArray:
        """log10 losses at which one net pauses, (n,), lowest first.

        A net pauses in a bin that holds this share of its steps or more, where |d log10 L / d log10 step| on
        the grid of the loss curve is smallest; if that is at an edge of the bin, it only passes.
        """
        record = self.record(width, seed)
        shown = (record.steps > 0) & (record.losses > 0)  # neither 0 has a logarithm, nor a bin
        steps, losses = np.log10(record.steps[shown]), np.log10(record.losses[shown])
        if len(steps) < 2:
            return np.empty(0)
        pace = abs(np.gradient(losses, steps))
        full = np.flatnonzero(record.counts[1:-1] >= share * record.counts.sum())
        found = []
        for low, high in zip(self.edges[full], self.edges[full + 1], strict=True):
            here = np.flatnonzero((losses >= low) & (losses < high))
            if len(here) == 0:  # crossed between two points of the grid
                continue
            slowest = here[pace[here] == pace[here].min()]
            at = slowest[len(slowest) // 2]
            if here[0] < at < here[-1] or at == len(pace) - 1:
                found.append(losses[at])
        return np.array(found)

    def outside(self, width: int) -> tuple[int, int]:
        """Number of training steps, over all seeds, with a loss below 1e-5 and of 1 or above."""
        counts = self._counts(width)
        return int(counts[0]), int(counts[-1])

    def losses(self, width: int, seed: int) -> tuple[NDArray, NDArray]:
        """Steps (a logarithmic grid) and losses of one net, (n,) each."""
        record = self.record(width, seed)
        return record.steps, record.losses

    def start(self, width: int, seed: int) -> nn.Sequential:
        """The net before its first step."""
        return two_layer(
            self.inputs,
            width,
            outputs=self.outputs,
            activation=self.activation,
            std=self.stds[width],
            seed=seed,
        )

    def final(self, width: int, seed: int) -> nn.Sequential:
        """The net after its last step. Raises DivergedError where there is none."""
        record = self.record(width, seed)
        if record.diverged is not None:
            raise DivergedError(
                f"the net of width {width}, seed {seed} diverged at step {record.diverged} and has no final "
                "state: train it with a smaller lr, or ask for an earlier step with keep_at"
            )
        return self._net(record.final)

    def at(self, step: int, width: int, seed: int) -> nn.Sequential:
        """The net at a step of `keep_at`. Raises KeyError for other steps."""
        record = self.record(width, seed)
        kept = record.kept
        if step not in kept:
            end = "" if record.diverged is None else f"; the net diverged at step {record.diverged}"
            raise KeyError(
                f"step {step!r} of width {width}, seed {seed} was not kept; kept are {sorted(kept)}{end}"
            )
        return self._net(kept[step])

    def entered(self, width: int, seed: int) -> tuple[int, nn.Sequential] | None:
        """First step whose loss lies in `keep_band`, with the net at that step; None if it never did."""
        entry = self.record(width, seed).entered
        return None if entry is None else (entry[0], self._net(entry[1]))

    def _counts(self, width: int) -> NDArray:
        return np.asarray(sum(self.record(width, seed).counts for seed in self.seeds))

    def _net(self, state: State) -> nn.Sequential:
        hidden, out = (torch.from_numpy(array.copy()) for array in state)
        return sequential([(hidden[:, :-1], hidden[:, -1], self.activation), (out, None, None)])
