"""Figures of the page on growing."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure
from numpy.typing import NDArray

from epbook.page.style import INK, MUTED, SERIES, subplots

# Median, low and high end of its interval, and the median of restarts at the same cost.
Row = tuple[float, float, float, float]


def stages(x: NDArray, y: NDArray, curves: Mapping[str, tuple[NDArray, NDArray, float]]) -> Figure:
    """What a growing network says at one width, and what each of its neurons adds; a panel for each way.

    x, y: (n,) the data. curves: name to (output (n,), terms (n, width), loss). Source: the page on growing.

    >>> import numpy as np
    >>> x = np.zeros(3)
    >>> len(stages(x, x, {"S": (x, np.zeros((3, 2)), 0.1), "new": (x, np.zeros((3, 2)), 0.1)}).axes)
    2
    """
    figure, panels = subplots(1, len(curves), figsize=(6.6, 3.2), sharey=True)
    for axes, (name, (output, terms, loss)) in zip(panels, curves.items(), strict=True):
        axes.plot(x, y, "o", color=MUTED, markersize=3.5, label="data")
        for number, term in enumerate(terms.T):
            axes.plot(x, term, "--", color=SERIES[1 + number], linewidth=1.2)
        axes.plot(x, output, color=SERIES[0], label="network")
        axes.set(xlabel="x", title=f"{name}\nloss {loss:.1e}", ylim=(-3.9, 3.9))
    panels[0].set_ylabel("output")
    panels[0].legend(loc="upper left")
    return figure


def medians(tables: Mapping[str, Mapping[str, Row]]) -> Figure:
    """For each task and each way of growing the median loss with its interval, and that of plain restarts.

    tables: task to way to `Row`, in log10 of the loss. Source: the page on growing.

    >>> medians({"task": {"S": (-2.0, -3.0, -1.0, -4.0)}}).axes[0].get_xlabel()
    'log10 of the loss'
    """
    figure, panels = subplots(1, len(tables), figsize=(6.6, 3.6), sharey=True)
    for axes, (task, rows) in zip(panels, tables.items(), strict=True):
        for place, (middle, low, high, restarts) in enumerate(rows.values()):
            at = -place
            axes.plot([low, high], [at, at], color=SERIES[0], linewidth=2.5)
            axes.plot(middle, at, "o", color=SERIES[0], markersize=6)
            axes.plot(restarts, at, "D", color=INK, markerfacecolor="none", markersize=6)
        axes.set_title(task)
        axes.set_yticks([-place for place in range(len(rows))], list(rows))
        axes.margins(y=0.08, x=0.12)
        axes.grid(axis="y")
    panels[len(panels) // 2].set_xlabel("log10 of the loss")
    return figure
