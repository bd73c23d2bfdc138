"""Figures of the page on units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import NullFormatter
from numpy.typing import ArrayLike, NDArray

from epbook.page.style import COLOURS, INK, MUTED, SERIES, SIGN_COLOURS, subplots

Counts = tuple[int, int, int]
FRAMES = tuple(COLOURS[name] for name in ("gold", "pink", "brown"))  # of groups; kernels are green and violet


def kinds(added: Mapping[str, tuple[Counts, Counts]], alpha: float, *, limit: int = 36) -> Figure:
    """For each kind of unit the eigenvalues that a split adds: predicted (bars) and counted (dots).

    added: name to ((negative, zero, positive) predicted, the same counted). limit: of the axis, for every α
    the same. Source: the page on units.

    >>> kinds({"head": ((2, 1, 2), (2, 1, 2))}, 0.5).axes[0].get_xlabel()
    'eigenvalues added'
    """
    figure, axes = subplots(figsize=(6.6, 4.6))
    rows = np.arange(len(added))[::-1]
    for row, (predicted, counted) in zip(rows, added.values(), strict=True):
        negative, zero, positive = predicted
        axes.barh(row, -negative, color=SIGN_COLOURS["negative"], height=0.62)
        axes.barh(row, positive, color=SIGN_COLOURS["positive"], height=0.62)
        axes.barh(row, zero, left=limit, color=SIGN_COLOURS["zero"], height=0.62)
        axes.plot([-counted[0], counted[2], limit + counted[1]], [row] * 3, "o", color=INK, markersize=3.5)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.axvline(limit, color=INK, linewidth=0.8)
    axes.set(yticks=rows, yticklabels=list(added), xlim=(-limit, 2 * limit), xlabel="eigenvalues added")
    ticks = [*range(0, limit, 10)]
    places = [-t for t in ticks[:0:-1]] + ticks + [limit + t for t in ticks]
    axes.set_xticks(places, [str(t) for t in (*ticks[:0:-1], *ticks, *ticks)])
    axes.set_title(f"α = {alpha:g}")
    axes.tick_params(axis="y", length=0)
    return figure


def walk(along: ArrayLike, curve: ArrayLike, chord: ArrayLike) -> Figure:
    """The gradient along a curved set of critical points and along the chord between its ends.

    along: position in [0, 1]; curve, chord: the norm of the gradient there. Source: the page on units.

    >>> walk([0, 0.5, 1], [1e-16, 1e-16, 1e-16], [1e-16, 1e-4, 1e-16]).axes[0].get_yscale()
    'log'
    """
    figure, axes = subplots(figsize=(6.6, 3.0))
    axes.semilogy(along, np.maximum(curve, 1e-18), "o-", color=SERIES[0], label="along the curved set")
    axes.semilogy(along, np.maximum(chord, 1e-18), "s--", color=SERIES[1], label="straight from end to end")
    axes.set(xlabel="part of the way", ylabel="largest entry of the gradient", ylim=(1e-18, 1))
    axes.legend(loc="center")
    return figure


def trajectories(curves: Mapping[str, tuple[NDArray, NDArray]]) -> Figure:
    """Training of a narrow network (broad) and of the wide one it sits in (thin), one panel for each method.

    curves: name to the losses of the narrow and of the wide network. Source: the page on units.

    >>> len(trajectories({"GD": (np.ones(3), np.ones(3)), "Adam": (np.ones(3), np.ones(3))}).axes)
    2
    """
    figure, panels = subplots(1, len(curves), figsize=(6.6, 3.1), sharey=True)
    for axes, (name, (narrow, wide)) in zip(np.atleast_1d(panels), curves.items(), strict=True):
        axes.loglog(1 + np.arange(len(narrow)), narrow, color=MUTED, linewidth=5, alpha=0.5, label="narrow")
        axes.loglog(1 + np.arange(len(wide)), wide, color=SERIES[1], linewidth=1.4, label="wide")
        axes.set(xlabel="step", title=name)
        axes.yaxis.set_minor_formatter(NullFormatter())
    first = np.atleast_1d(panels)[0]
    first.set_ylabel("loss")
    figure.legend(*first.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def kernels(networks: Mapping[str, tuple[NDArray, Sequence[Sequence[int]]]]) -> Figure:
    """The kernels of a convolution in several networks, a mosaic each: copies lie in frames of one colour.

    networks: name to (kernels (channels, height, width), groups of channels). Kernels are scaled to length 1
    and stand group by group; a channel alone in its group has no frame, one in no group is left out.
    Source: the page on units; for neurons the textbook's figure 1.7(b).

    >>> figure = kernels({"small weights": (np.ones((3, 2, 2)), [(0, 2), (1,)])})
    >>> figure.axes[0].get_title(loc="left")
    'small weights:\\n3 filters, 2 groups'
    """
    figure, panels = subplots(1, len(networks), figsize=(6.6, 2.5))
    columns = 8
    for axes, (name, (weights, groups)) in zip(panels, networks.items(), strict=True):
        order = [(number, member) for number, group in enumerate(groups) for member in group]
        rows, (high, wide) = -(-len(order) // columns), np.add(weights.shape[1:], 1)  # a pixel between two
        mosaic = np.full((rows * high, columns * wide), np.nan)
        for place, (number, member) in enumerate(order):
            top, left = high * (place // columns), wide * (place % columns)
            kernel = weights[member] / np.linalg.norm(weights[member])
            mosaic[top : top + high - 1, left : left + wide - 1] = kernel
            if len(groups[number]) > 1:
                colour = FRAMES[number % len(FRAMES)]
                spot = (left - 0.75, top - 0.75)
                axes.add_patch(Rectangle(spot, wide - 0.5, high - 0.5, fill=False, ec=colour, lw=1.6))
        axes.imshow(mosaic, cmap="PRGn", vmin=-0.5, vmax=0.5, interpolation="none")
        axes.set(xlim=(-1.5, columns * wide - 0.5), ylim=(rows * high - 0.5, -1.5))
        axes.set_title(f"{name}:\n{len(order)} filters, {len(groups)} groups", loc="left")
        axes.set_axis_off()
    return figure
