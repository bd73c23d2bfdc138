"""The lines of a loss spectrum: losses at which runs of several widths pause."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epbook.checks import whole
from epbook.results import Result
from epbook.training.runs import Runs

SHARP = 0.002  # decades: unrelated losses would spread by 0.025/√12 = 0.0072 within a bin


@dataclass(frozen=True, eq=False)
class Line(Result):
    """A bin of the spectrum in which runs of several widths pause.

    centre: of the bin, log10 loss; pauses: width → log10 losses at which its runs are slowest there.
    Source: the textbook's figure 1.2; what counts as a line is this book's choice.
    """

    centre: float
    pauses: dict[int, NDArray]

    @property
    def values(self) -> NDArray:
        """All pauses in the bin, (n,), log10 losses."""
        return np.concatenate(list(self.pauses.values()))

    @property
    def spread(self) -> float:
        """Standard deviation of the pauses, in decades."""
        return float(self.values.std())

    @property
    def sharp(self) -> bool:
        """Whether the spread is below 0.002 decades: a place, not a slow slope that is cut into bins."""
        return self.spread < SHARP

    @property
    def between_widths(self) -> float:
        """The largest distance between the medians of two widths with five pauses or more, in decades."""
        medians = [np.median(values) for values in self.pauses.values() if len(values) >= 5]
        return float(np.ptp(medians)) if medians else 0.0


def spectral_lines(runs: Runs, *, least: int = 5) -> list[Line]:
    """The bins in which at least `least` runs pause, of at least two widths, by rising loss.

    Pauses are those of `Runs.pauses`. Raises ValueError where `least` is no whole number of at least 1.
    Source: the textbook's figure 1.2; what counts as a line is this book's choice.

    >>> from epbook.data import relu_teacher
    >>> from epbook.training import train_many
    >>> runs = train_many([1, 2], 3, *relu_teacher(), steps=20_000, lr=0.05)
    >>> [(line.centre, sorted(line.pauses)) for line in spectral_lines(runs, least=3)]
    [(-1.5625, [1, 2]), (-0.4375, [1, 2])]
    """
    least = whole(least, "least", 1)
    pauses = {m: np.concatenate([runs.pauses(m, seed) for seed in runs.seeds]) for m in runs.widths}
    lines = []
    for low, high in zip(runs.edges[:-1], runs.edges[1:], strict=True):
        here = {m: values[(values >= low) & (values < high)] for m, values in pauses.items()}
        here = {m: values for m, values in here.items() if len(values)}
        if len(here) >= 2 and sum(map(len, here.values())) >= least:
            lines.append(Line(round(float(low + high) / 2, 4), here))
    return lines
