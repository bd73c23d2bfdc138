"""Figures of the page on embedding and training: volumes, escapes, and the journeys of wide networks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike, NDArray

from epbook.page.style import COPIES, HERE, INK, MUTED, SERIES, subplots, width_colour

STYLES = ("-", "--", "-.", ":")  # neighbouring widths have neighbouring colours: lines differ in style too
KINDS = tuple(zip("ov", SERIES, strict=False))  # the marks of two kinds of runs


def volumes(heights: ArrayLike, fractions: dict[str, dict[int, NDArray]]) -> Figure:
    """Fraction of a ball in which the loss is within ε of the critical one, per target and source width.

    heights: the ε, ascending; fractions: target → width → (repetitions, ε). The line is the median of the
    repetitions, the band goes from the lowest to the highest. Raises nothing of its own. Source: textbook
    section 1.3, on volume.
    """
    figure, panels = subplots(1, len(fractions), sharex=True, sharey=True)
    for axes, (target, lines) in zip(panels, fractions.items(), strict=True):
        for (width, repeated), style in zip(lines.items(), ("-", "--", ":"), strict=False):
            colour = width_colour(width**2)
            axes.fill_between(heights, *np.quantile(repeated, [0, 1], axis=0), color=colour, alpha=0.25, lw=0)
            middle = np.median(repeated, axis=0)
            axes.loglog(heights, middle, style, color=colour, label=f"from width {width}")
        axes.set(title=target, xlabel="ε")
    panels[0].set_ylabel("fraction of the ball")
    panels[0].legend(loc="lower right")
    return figure


def escapes(
    panels: dict[str, dict[str, Sequence[tuple[int, float, bool]]]], law: dict[str, dict[int, float]]
) -> Figure:
    """How long kicked networks take to leave a critical point, against their width; one panel per unit.

    panels: unit → kind of start → (width, time, whether it left by then); runs that did not leave are open
    marks with an arrow, at the time until which they were watched. law: unit → width → predicted time.
    Raises nothing of its own. Source: textbook section 1.3.
    """
    figure, row = subplots(1, len(panels), figsize=(6.8, 4))
    widths = sorted({width for runs in panels.values() for kind in runs.values() for width, _, _ in kind})
    for axes, (unit, kinds) in zip(row, panels.items(), strict=True):
        axes.loglog(*zip(*sorted(law[unit].items()), strict=True), color=MUTED, lw=4, alpha=0.5)
        for (marker, colour), runs in zip(KINDS, kinds.values(), strict=False):
            for width, time, left in runs:
                axes.plot(width, time, marker, color=colour, mfc=None if left else "none", ms=6)
                if not left:
                    axes.annotate(
                        "",
                        (width, 2.5 * time),
                        (width, time),
                        arrowprops={"arrowstyle": "->", "color": colour},
                    )
        latest = max(time for runs in kinds.values() for _, time, _ in runs)
        axes.set(title=unit, xlabel="width embedded into", xticks=widths, ylim=(None, 5 * latest))
        axes.set_xticks([], minor=True)
        axes.set_xticklabels([str(width) for width in widths])
    row[0].set_ylabel("until it has left")
    handles = [Line2D([], [], color=MUTED, lw=4, alpha=0.5)]
    handles += [Line2D([], [], ls="", marker=marker, color=colour) for marker, colour in KINDS]
    names = ["predicted", *next(iter(panels.values()))]
    figure.legend(handles, names, loc="outside lower center", ncols=3, fontsize=9)
    return figure


def _levels(axes: Axes, critical: dict[int, float]) -> None:
    """The losses of the stations, each line with its name; levels too near to be told apart share one."""
    across = axes.get_yaxis_transform()
    groups: list[list[int]] = []
    for index, width in enumerate(sorted(critical, key=lambda width: -critical[width])):
        axes.axhline(critical[width], color=width_colour(width), ls=STYLES[index % len(STYLES)], lw=1)
        if groups and critical[groups[-1][-1]] < 1.3 * critical[width]:
            groups[-1].append(width)
        else:
            groups.append([width])
    for place, group in enumerate(groups):  # beside the panel, where no curve is; the outer ones keep away
        side = "bottom" if place == 0 else "top" if place == len(groups) - 1 else "center"
        names = _name(group[0]) if len(group) == 1 else " and ".join(map(str, group))
        level = max(critical[width] for width in group)
        axes.text(1.01, level, names, color=width_colour(group[-1]), va=side, size=9, transform=across)


def journeys(steps: ArrayLike, losses: NDArray, best: int, critical: dict[int, float]) -> Figure:
    """The losses of several wide networks over training, with the losses of the stations.

    losses: (runs, steps), at most six runs; best: the one drawn thick; critical: width → loss of that
    station. A dot is the end of a run. Raises nothing of its own. Source: textbook section 1.3, figure 1.6.
    """
    figure, axes = subplots(figsize=(6.8, 4))
    _levels(axes, critical)
    steps = np.asarray(steps)
    others = iter(SERIES)
    for run, curve in enumerate(losses):
        colour = INK if run == best else next(others)
        axes.loglog(steps, curve, color=colour, lw=2.4 if run == best else 1.4)
        axes.plot(steps[-1], curve[-1], "o", color=colour, ms=7)
    axes.set(xlabel="step", ylabel="loss")
    return figure


def growing(steps: ArrayLike, losses: ArrayLike, sizes: NDArray, kinds: dict[str, NDArray]) -> Figure:
    """The loss of a wide network, and below it the size of each of its neurons, over training.

    sizes: (steps, neurons), |a| ‖(w, b)‖; kinds: name → which neurons; the third kind is grey. Raises
    nothing of its own. Source: Wu, Şimşek and Ged (2025) on how such saddles are left.
    """
    figure, (top, below) = subplots(2, 1, sharex=True, figsize=(6.8, 4.8))
    top.loglog(steps, losses, color=INK)
    top.set(ylabel="loss")
    for (name, chosen), colour in zip(kinds.items(), (*COPIES, MUTED), strict=False):
        lines = below.loglog(steps, sizes[:, chosen], color=colour, lw=1)
        if lines:
            lines[0].set_label(name)
    below.set(xlabel="step", ylabel="size of each neuron")
    below.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0), fontsize=9)
    return figure


def distances(steps: NDArray, losses: NDArray, to: dict[int, NDArray], critical: dict[int, float]) -> Figure:
    """Loss of a wide network over training, and its distance to the sets embedded from each width.

    to: width → distance relative to ‖θ‖, per step; critical: width → loss of that critical point.
    Raises nothing of its own. Source: textbook section 1.3, figure 1.6.
    """
    figure, (top, below) = subplots(2, 1, sharex=True, figsize=(6.8, 4.8))
    _loss(top, steps, losses, critical)
    for (width, values), style in zip(to.items(), STYLES, strict=False):
        below.loglog(steps, values, style, lw=1.6, color=width_colour(width), label=_name(width))
        low = int(np.argmin(values))
        below.plot(steps[low], values[low], "o", ms=9, mfc="none", mec=width_colour(width), mew=1.6)
    below.set(xlabel="step", ylabel="distance / ‖θ‖", ylim=(None, 20))
    below.legend(ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1.0), fontsize=9)
    return figure


def _name(width: int) -> str:
    return f"{width} neuron" + ("s" if width != 1 else "")


def _loss(axes: Axes, steps: NDArray, losses: NDArray, critical: dict[int, float]) -> None:
    axes.loglog(steps, losses, color=INK)
    _levels(axes, critical)
    axes.set(ylabel="loss", ylim=(min(losses) / 3, 1))


def journey_frame(
    index: int,
    steps: NDArray,
    losses: NDArray,
    to: dict[int, NDArray],
    critical: dict[int, float],
    curves: NDArray,
    stations: dict[int, NDArray],
    grid: ArrayLike,
    data: tuple[NDArray, NDArray],
) -> Figure:
    """One moment of the journey: where the loss stands, and the function beside the nearest station's.

    curves: (moments, grid) outputs of the wide net; stations: width → output of the station on the grid.
    Raises IndexError off the grid. Source: textbook section 1.3, figure 1.6.
    """
    figure, (left, right) = subplots(1, 2)
    _loss(left, steps, losses, critical)
    left.plot(steps[index], losses[index], "o", color=HERE, ms=10)
    left.set(xlabel="step", title=f"step {steps[index]:,}")
    nearest = min(to, key=lambda width: to[width][index])
    right.plot(*data, "o", color=MUTED, ms=4, label="data")
    right.plot(
        grid,
        stations[nearest],
        color=width_colour(nearest),
        lw=7,
        alpha=0.6,
        label=f"nearest: {_name(nearest)}",
    )
    right.plot(grid, curves[index], color=INK, label="wide network")
    right.set(xlabel="x", title=f"{100 * to[nearest][index]:.2g} % of ‖θ‖ from it", ylim=(-1.1, 1.3))
    right.legend(fontsize=9, loc="lower left")
    return figure
