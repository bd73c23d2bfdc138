"""Figures of the page on critical points (section 1.2)."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from epbook.critical import CriticalPoint, CriticalPoints, Flow
from epbook.figures.gapped import Gapped
from epbook.page.style import (
    COLOURS,
    HERE,
    INK,
    MUTED,
    PAPER,
    SERIES,
    SIGN_COLOURS,
    subplots,
    width_colour,
)

SMALLEST = 1e-18  # where an axis of eigenvalues ends: what is below it is drawn there, and says so


def landscape(grid: NDArray, risk: NDArray, flows: Sequence[Flow], minima: NDArray) -> Figure:
    """The loss over two parameters with paths that a saddle attracts and releases; right, their losses."""
    figure, (left, right) = subplots(1, 2, figsize=(6.6, 3.5), width_ratios=[1.1, 1])
    _contours(left, grid, risk, minima)
    for flow, colour in zip(flows, SERIES, strict=False):
        _path(left, flow, colour)
        right.plot(flow.times, flow.losses, color=colour)
    right.set(xlabel="time t", title="loss along each path", xlim=(0, 10), ylim=(0, 1.2))
    return figure


def released(
    grid: NDArray, risk: NDArray, minima: NDArray, flows: Mapping[float, Flow], exponent: float
) -> Figure:
    """A path that starts 10^exponent beside the way into the saddle, and its loss against time."""
    figure, (left, right) = subplots(1, 2, figsize=(6.6, 3.5), width_ratios=[1.1, 1])
    _contours(left, grid, risk, minima)
    flow = flows[exponent]
    for other in flows.values():
        right.plot(other.times, other.losses, color=MUTED, linewidth=0.7, alpha=0.5)
    _path(left, flow, HERE)
    right.plot(flow.times, flow.losses, color=HERE, linewidth=2.6)
    right.set(xlabel="time t", title="loss along the path", ylim=(0, 1.2))
    return figure


def _contours(axis: Axes, grid: NDArray, risk: NDArray, minima: NDArray) -> None:
    levels = np.linspace(0, np.sqrt(risk.max()), 16) ** 2
    axis.contourf(grid, grid, risk, levels=levels, cmap="Greys_r", alpha=0.55)
    axis.contour(grid, grid, risk, levels=levels, colors=MUTED, linewidths=0.4)
    axis.plot(*minima.T, "o", color=SIGN_COLOURS["positive"], markersize=8, markeredgecolor=PAPER)
    axis.plot(0, 0, "X", color=SIGN_COLOURS["negative"], markersize=10, markeredgecolor=PAPER)
    axis.set(xlabel="w", ylabel="a", title="loss R(w, a)", aspect="equal")


def _path(axis: Axes, flow: Flow, colour: str) -> None:
    """A path from its start, an open ring, with an arrow at half of its length."""
    w, a = np.asarray(flow.parameters, float).T
    axis.plot(w, a, color=colour)
    axis.plot(w[0], a[0], "o", color=colour, markersize=8, markerfacecolor=PAPER, markeredgewidth=1.8)
    gone = np.cumsum(np.hypot(np.diff(w), np.diff(a)))
    half = int(np.searchsorted(gone, gone[-1] / 2))
    ahead = int(np.searchsorted(gone, gone[-1] / 2 + 0.05))
    ahead = min(max(ahead, half + 1), len(w) - 1)
    axis.annotate(
        "", (w[ahead], a[ahead]), (w[half], a[half]), arrowprops={"arrowstyle": "-|>", "color": colour}
    )


def polishing(before: NDArray, after: NDArray, tolerance: float) -> Figure:
    """Absolute eigenvalues of a Hessian where ‖∇R‖ is merely small, and at the critical point beside it."""
    figure, axis = subplots()
    for place, eigenvalues in enumerate((before, after)):
        for value in eigenvalues:
            sign = "zero" if abs(value) <= tolerance else "negative" if value < 0 else "positive"
            size = max(abs(value), SMALLEST)
            axis.plot([place - 0.3, place + 0.3], [size, size], color=SIGN_COLOURS[sign], linewidth=3)
            if abs(value) <= SMALLEST:
                axis.text(place, 1.6 * size, "≤ 10⁻¹⁸", ha="center", va="bottom", color=SIGN_COLOURS[sign])
    axis.axhline(tolerance, color=INK, linewidth=0.8, linestyle=":")
    axis.text(-0.48, tolerance * 0.5, "tolerance", ha="left", va="top")
    for sign, colour in SIGN_COLOURS.items():
        axis.plot([], [], color=colour, linewidth=3, label=sign)
    figure.legend(loc="outside right center")
    axis.set(yscale="log", ylabel="|eigenvalue|", xlim=(-0.5, 1.5), ylim=(SMALLEST / 3, 1e4))
    axis.set_xticks([0, 1], ["small gradient", "polished"])
    return figure


def dwell(offsets: NDArray, times: Mapping[str, NDArray], curvatures: Mapping[str, float]) -> Figure:
    """Time near a saddle against the offset of the start along the unstable direction, raw and rescaled."""
    figure, (left, right) = subplots(1, 2)
    for (name, seconds), colour in zip(times.items(), SERIES, strict=False):
        left.loglog(offsets, seconds, "o-", color=colour, markersize=4, linewidth=1, label=name)
        right.semilogx(offsets, curvatures[name] * seconds, "o", color=colour, markersize=4)
    low = max(curvatures[name] * seconds[-1] for name, seconds in times.items())
    right.semilogx(offsets, low + np.log(offsets[-1] / offsets), color=INK, linewidth=0.9, linestyle="--")
    left.set(xlabel="offset δ", title="time τ near the saddle")
    right.set(xlabel="offset δ", title="|λ| τ, dashed: slope of ln 1/δ")
    left.legend(loc="center left", bbox_to_anchor=(0, 0.29), fontsize=9.5)
    return figure


def diagram(found: Mapping[int, CriticalPoints], reached: Mapping[int, Sequence[float]]) -> Figure:
    """Every critical point by width and loss; a ring: reached by training; dot: minimum; cross: saddle."""
    figure, axis = subplots(figsize=(6.6, 3.9))
    spots = _diagram(axis, found)
    for width, losses in reached.items():
        for point, spot in zip(found[width], spots[width], strict=True):
            if any(abs(point.loss - loss) < 1e-6 for loss in losses):
                axis.plot(*spot, "o", markersize=17, markerfacecolor="none",
                          markeredgecolor=COLOURS["green"], markeredgewidth=1.6)  # fmt: skip
    named = functools.partial(axis.plot, [], [], linestyle="none")
    named(label="minimum", marker="o", color=SIGN_COLOURS["positive"])
    named(label="saddle", marker="X", color=SIGN_COLOURS["negative"])
    named(label="with a flat direction", marker="_", color=MUTED, markersize=14)
    named(label="reached by training", marker="o", color=COLOURS["green"], markersize=14,
          markerfacecolor="none")  # fmt: skip
    figure.legend(loc="outside right upper")
    return figure


def _spots(points: CriticalPoints, width: int, height: Gapped) -> list[tuple[float, float]]:
    """Where the points stand: those of almost equal loss side by side, so that none hides another."""
    spots: list[tuple[float, float]] = []
    beside: list[float] = []
    for point in points:
        level = height(point.loss)
        beside = [other for other in beside if abs(other - level) < 0.08]
        spots.append((width + 0.13 * len(beside), level))
        beside.append(level)
    return spots


def _diagram(axis: Axes, found: Mapping[int, CriticalPoints]) -> dict[int, list[tuple[float, float]]]:
    """Draw the points; where each of them stands, by width."""
    height = Gapped.of(point.loss for points in found.values() for point in points)
    spots = {width: _spots(points, width, height) for width, points in found.items()}
    for width, points in found.items():
        for point, spot in zip(points, spots[width], strict=True):
            minimum = point.inertia.negative == 0
            colour = SIGN_COLOURS["positive" if minimum else "negative"]
            if point.inertia.zero:
                axis.plot(*spot, "_", color=MUTED, markersize=16, markeredgewidth=2)
            axis.plot(*spot, "o" if minimum else "X", color=colour, markersize=8, markeredgecolor=PAPER)
    axis.set(xlabel="width", ylabel="loss", xlim=(0.7, max(found) + 0.7))
    axis.set_xticks(list(found))
    height.put_on(axis)
    return spots


def portrait(
    found: Mapping[int, CriticalPoints],
    x: NDArray,
    y: NDArray,
    curves: Sequence[tuple[int, CriticalPoint, int, tuple[NDArray, NDArray]]],
    index: int,
) -> Figure:
    """One critical point: its place in the diagram, its output function, its Hessian's eigenvalues.

    curves: for every point its width, itself, its number in the width, and (x, output) of its function.
    """
    width, point, number, (at, output) = curves[index]
    figure = Figure(figsize=(6.6, 3.9))
    left, top, bottom = figure.subplot_mosaic([["a", "b"], ["a", "c"]], height_ratios=[1.5, 1]).values()
    spot = _diagram(left, found)[width][number]
    left.plot(*spot, "o", markersize=17, markerfacecolor="none", markeredgecolor=INK, markeredgewidth=1.8)
    top.plot(x, y, ".", color=MUTED, markersize=5)
    top.plot(at, output, color=width_colour(width))
    top.set(title=f"width {width}, loss {point.loss:.4f}", ylim=(-4.2, 4.2), xticks=[-15, 0, 15])
    eigenvalues = np.array(point.inertia.eigenvalues + (0.0,) * point.inertia.known)
    for value in np.sort(eigenvalues):
        zero = abs(value) <= point.inertia.tolerance
        sign = "zero" if zero else "negative" if value < 0 else "positive"
        bottom.plot(
            0.0 if zero else value, 0, "|", color=SIGN_COLOURS[sign], markersize=20, markeredgewidth=2
        )
    bottom.set_xscale("symlog", linthresh=1e-5)
    bottom.set(xlim=(-300, 3000), ylim=(-1, 1), yticks=[], xlabel="eigenvalues of the Hessian")
    bottom.set_xticks([-1, -1e-3, 0, 1e-3, 1, 1e3])
    bottom.minorticks_off()
    bottom.set_title("{} down, {} flat, {} up".format(*point.inertia))
    bottom.spines["left"].set_visible(False)
    return figure


def channel(
    sizes: NDArray,
    gradients: NDArray,
    gaps: NDArray,
    profiles: Sequence[tuple[float, NDArray, NDArray]],
    x: NDArray,
) -> Figure:
    """Along a channel to infinity the gradient vanishes, but no point is critical; right, the two neurons."""
    figure, (left, right) = subplots(1, 2)
    left.loglog(sizes, gradients, "o-", color=SERIES[3], markersize=4, label="‖∇R‖₁")
    left.loglog(sizes, gaps, "s-", color=SERIES[4], markersize=4, label="loss above its limit")
    left.set(xlabel="output weight |a|")
    left.legend()
    for (size, first, second), colour in zip(profiles, SERIES, strict=False):
        right.plot(x, first, color=colour, linewidth=1, linestyle="--")
        right.plot(x, second, color=colour, linewidth=1, linestyle="--")
        right.plot(x, first + second, color=colour, label=f"|a| = {size:.0f}")
    low, high = right.get_ylim()  # room for the legend below all curves
    right.set(xlabel="x", title="two neurons (dashed), their sum", ylim=(low - 0.35 * (high - low), high))
    right.legend(loc="lower center")
    return figure
