"""What is kept of one training run, in memory that does not grow with its steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epbook.checks import several
from epbook.results import Result

LOWEST, BINS_PER_DECADE, BINS = -5.0, 40, 200  # log10 loss on [−5, 0]

State = tuple[NDArray, NDArray]
"""A net's parameters: hidden (m, d + 1) with rows (w, b), and out (k, m)."""


@dataclass(frozen=True, eq=False)
class Record(Result):
    """What is kept of one training run.

    counts: BINS + 2 numbers of steps, the first and last for losses below and above the bins.
    steps, losses: the loss curve on the logarithmic grid, up to the step of divergence.
    kept: states at the steps asked for; entered: first step with a loss in the band, and its state.
    final: the state at the end; diverged: the first step with a loss or weights that are not finite, or None.
    Of a net that diverges `final` is a state before that. Source: textbook section 1.1, figures 1.1-1.3.
    """

    counts: NDArray
    steps: NDArray
    losses: NDArray
    final: State
    kept: dict[int, State]
    entered: tuple[int, State] | None = None
    diverged: int | None = None

    @property
    def status(self) -> str:
        """'finished' or 'diverged'."""
        return "finished" if self.diverged is None else "diverged"

    @property
    def reason(self) -> str:
        """What the status means for this net."""
        if self.diverged is None:
            return "all steps were taken, all numbers are finite"
        cause = "the step size is" if self.diverged else "the start or the data are"
        return f"the loss is not finite at step {self.diverged}: {cause} too large"

    def arrays(self) -> dict[str, NDArray]:
        """The record as arrays under names, for the store: (n,) each, of a state any shape it has."""
        found = {"counts": self.counts, "steps": self.steps, "losses": self.losses}
        found["diverged"] = np.array(-1 if self.diverged is None else self.diverged)
        states = {"final": self.final, **{f"kept{step}": state for step, state in self.kept.items()}}
        if self.entered is not None:
            found["entered"] = np.array(self.entered[0])
            states["entry"] = self.entered[1]
        for name, (hidden, out) in states.items():
            found[f"{name}.hidden"], found[f"{name}.out"] = hidden, out
        return found

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray]) -> Record:
        """The record whose `arrays` these are, of any shape that it gave them."""
        states = {
            name.removesuffix(".hidden"): (arrays[name], arrays[name.removesuffix("hidden") + "out"])
            for name in arrays
            if name.endswith(".hidden")
        }
        diverged = int(arrays["diverged"])
        return cls(
            arrays["counts"],
            arrays["steps"],
            arrays["losses"],
            states["final"],
            {int(name.removeprefix("kept")): states[name] for name in states if name.startswith("kept")},
            (int(arrays["entered"]), states["entry"]) if "entered" in arrays else None,
            None if diverged < 0 else diverged,
        )


def grid(steps: int, points: int = 400) -> NDArray:
    """Steps at which the loss curve is kept: 0, 1, 2, … in even logarithmic distance up to `steps`."""
    return np.unique(np.concatenate([[0], np.geomspace(1, steps, points).round()]).astype(np.int64))


def histogram(losses: NDArray) -> NDArray:
    """Counts of log10 loss in the BINS bins, with one more at each end for what lies outside."""
    with np.errstate(divide="ignore"):
        place = np.floor((np.log10(losses) - LOWEST) * BINS_PER_DECADE)
    return np.bincount(np.clip(place, -1, BINS).astype(np.int64) + 1, minlength=BINS + 2)


def steps_to_keep(keep_at: Iterable[int], steps: int) -> tuple[int, ...]:
    """The steps whose states are kept, in order. Raises ValueError for one that training does not reach."""
    keep = tuple(sorted(several(keep_at, "keep_at", 0, empty=True)))
    if keep and keep[-1] > steps:
        raise ValueError(f"keep_at asks for step {keep[-1]}, training ends at {steps}")
    return keep
