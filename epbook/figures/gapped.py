"""A scale for an axis on which long empty stretches are drawn short."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from epbook.page.style import INK
from epbook.results import Result

SHORT = 0.2  # the height of a long empty stretch, where all else together is 1 high
LONG = 1.05  # times all else together, and an empty stretch is long
SAME = 1e-6  # of the range: values as near as this are one


@dataclass(frozen=True, eq=False)
class Gapped(Result):
    """Straight from one value to the next, but an empty stretch longer than all else is 0.2 high.

    values, heights: the corners; breaks: the heights in the middle of the short stretches; ticks: values for
    the axis. Source: the conventions of the whole book.

    >>> scale = Gapped.of([0.0, 0.07, 0.08, 0.09, 0.1, 0.11, 5.0])
    >>> [round(scale(value), 2) for value in (0.0, 0.07, 0.11, 5.0)], scale.breaks.round(2).tolist()
    ([0.0, 0.2, 1.2, 1.4], [0.1, 1.3])
    """

    values: NDArray
    heights: NDArray
    breaks: NDArray
    ticks: tuple[float, ...]

    @classmethod
    def of(cls, values: Iterable[float]) -> Gapped:
        """The scale for these values. Raises ValueError where there are none."""
        given = np.fromiter(values, float)
        if not given.size:
            raise ValueError("a scale needs at least one value")
        unit = np.abs(given).max() or 1.0
        known = np.unique(np.round(given / unit, round(-np.log10(SAME)))) * unit
        gaps = np.diff(known)
        long = np.zeros(gaps.size, dtype=bool)
        for index in np.argsort(-gaps):
            covered = gaps[~long].sum()
            if gaps[index] <= LONG * (covered - gaps[index]):
                break
            long[index] = True
        rises = np.where(long, SHORT, gaps / (gaps[~long].sum() or 1.0))
        heights = np.concatenate([[0.0], np.cumsum(rises)])
        ticks: list[float] = []
        for run in np.split(known, np.flatnonzero(long) + 1):
            inside = MaxNLocator(6).tick_values(run[0], run[-1]) if len(run) > 1 else run
            ticks += [float(tick) for tick in inside if run[0] <= tick <= run[-1]]
        return cls(known, heights, (heights[:-1] + heights[1:])[long] / 2, tuple(ticks))

    def __call__(self, value: float) -> float:
        """The height at which a value stands."""
        return float(np.interp(value, self.values, self.heights))

    def put_on(self, axes: Axes) -> None:
        """Limits and ticks of the y axis, with a stroke across it where it is cut short."""
        axes.set_ylim(-0.1, self.heights[-1] + 0.1)
        axes.set_yticks([self(tick) for tick in self.ticks], [f"{tick:.3g}" for tick in self.ticks])
        edge = axes.get_xlim()[0]
        for height in self.breaks:
            axes.plot(
                [edge], [height], marker=[(-1, -0.5), (1, 0.5)], color=INK, markersize=10, clip_on=False
            )
