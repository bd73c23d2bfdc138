"""The atlas drawn like an energy diagram: levels by width, ways down, and the functions behind them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from epbook.atlas import Station
from epbook.figures.dwelling import FINITE, INFINITE
from epbook.page.style import INK, MUTED, SIGN_COLOURS, subplots

STYLES = ("-", "--", "-.", ":", (0, (1, 1)))  # of stations that are new at one width


def levels(
    stations: Sequence[Station], down: dict[str, int], width: int, x: Tensor, y: Tensor, grid: Tensor
) -> Figure:
    """The stations of a network of `width` neurons as levels, and the functions that are new at this width.

    Finite stations left, those at infinity right; a wider network has all levels of narrower ones. down:
    name → negative eigenvalues in that network, written at the level. x: (n, 1), y: (n, 1), grid: (k, 1).
    Source: energy-level diagrams of physics; Ballard et al. (2017) for such maps of networks.
    """
    figure, (left, right) = subplots(1, 2, figsize=(6.8, 4.3), width_ratios=(1.25, 1))
    new = [station for station in stations if station.width + station.linear == width]
    for linear in (False, True):
        side = [station for station in stations if station.linear == linear and station.name in down]
        heights = _apart([float(np.log10(station.loss)) for station in side])
        for station, height in zip(side, heights, strict=True):
            _level(left, station, height, down[station.name], station in new)
    for place, name, colour in ((0, "finite", FINITE), (1, "at infinity", INFINITE)):
        left.text(place + 0.3, -0.02, name, color=colour, ha="center", va="bottom")
    left.set(xlim=(-0.1, 2.0), ylim=(-3.75, 0.2), ylabel="log₁₀ loss", xticks=[], title=f"width {width}")
    left.spines["bottom"].set_visible(False)
    right.plot(x[:, 0], y[:, 0], "o", color=MUTED, ms=4, zorder=1)
    styles = {False: iter(STYLES), True: iter(STYLES)}
    for station in stations:
        if station.name in down:
            fresh = station in new
            colour = (INFINITE if station.linear else FINITE) if fresh else MUTED
            style = next(styles[station.linear]) if fresh else "-"
            label = station.name if fresh else None
            curve = station(grid).numpy()[:, 0]
            width_of = 2.0 if fresh else 0.7
            right.plot(grid[:, 0], curve, ls=style, color=colour, lw=width_of, label=label, zorder=2 + fresh)
    low, high = float(y.min()), float(y.max())
    right.set(xlabel="x", title="their functions", ylim=(low - 0.4, high + 0.4))
    if new:
        right.legend(fontsize=9, loc="upper left", ncols=2)
    return figure


def _level(axes: Axes, station: Station, height: float, down: int, fresh: bool) -> None:
    """One level: a bar at its loss, its name, and its ways down; the text may be moved off a crowded line."""
    at, colour = float(station.linear), INFINITE if station.linear else FINITE
    level = float(np.log10(station.loss))
    axes.plot([at, at + 0.42], [level, level], color=colour, lw=3.5 if fresh else 1.8)
    axes.plot([at + 0.42, at + 0.5], [level, height], color=MUTED, lw=0.7)
    axes.text(at + 0.52, height, station.name, va="center", fontsize=9, color=INK)
    ways = f"↓{down}" if down else "•"
    blue = SIGN_COLOURS["negative"] if down else MUTED
    axes.text(at + 0.75, height, ways, va="center", fontsize=9, color=blue)


def _apart(heights: Sequence[float], least: float = 0.22) -> list[float]:
    """The heights of labels, moved until neighbours are `least` apart, from the top down."""
    moved = np.array(heights)
    order = np.argsort(-moved)
    for above, here in itertools.pairwise(order):
        moved[here] = min(moved[here], moved[above] - least)
    return [float(height) for height in moved]
