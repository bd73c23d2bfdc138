"""Figures of the chapter on the embedding principle: volumes, escapes, and the journey of a wide network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from epbook.page.style import COLOURS, HERE, INK, MUTED, SERIES, subplots, width_colour

LABELS = ((0, -18), (12, 0), (-12, -8), (12, 0), (-12, 8))  # where the names of stations stand, by width
STYLES = ("-", "--", "-.", ":")  # neighbouring widths have neighbouring colours: lines differ in style too


def volumes(curves: dict[str, dict[int, tuple[NDArray, NDArray]]]) -> Figure:
    """Fraction of a ball in which the loss is within ε of the critical one, per target and source width.

    curves: target → width → (ε, fraction). Raises nothing of its own. Source: chapter section 1.3, on volume.
    """
    figure, panels = subplots(1, len(curves), sharex=True, sharey=True)
    for axes, (target, lines) in zip(panels, curves.items(), strict=True):
        for (width, (height, fraction)), style in zip(lines.items(), ("-", "--", ":"), strict=False):
            pick = np.unique(np.linspace(0, len(height) - 1, 200).astype(int))
            label = f"from width {width}"
            axes.loglog(height[pick], fraction[pick], style, color=width_colour(width**2), label=label)
        axes.set(title=target, xlabel="ε", xlim=(1e-9, None), ylim=(1e-10, 2))
    panels[0].set_ylabel("fraction of the ball")
    panels[0].legend(loc="lower right")
    return figure


def escapes(
    widths: Sequence[int], equal: NDArray, law: ArrayLike, random: dict[int, Sequence[float]]
) -> Figure:
    """Flow time until a kicked network has left the critical point, against its width.

    equal: (widths, kicks) for equal shares, nan where it did not leave; law: predicted times; random:
    width → times for random shares. Raises nothing of its own. Source: chapter section 1.3.
    """
    figure, axes = subplots()
    axes.loglog(widths, law, "-", color=MUTED, label="predicted from the steepest descent, equal shares")
    for index, width in enumerate(widths):
        axes.plot(
            [width] * equal.shape[1],
            equal[index],
            "o",
            color=SERIES[0],
            label="equal shares" if index == 0 else None,
        )
    for index, (width, times) in enumerate(random.items()):
        label = "random shares" if index == 0 else None
        axes.plot([width] * len(times), times, "v", color=SERIES[1], label=label)
    axes.set(xlabel="width embedded into", ylabel="flow time to escape", xticks=widths)
    axes.set_xticks([], minor=True)
    axes.set_xticklabels([str(width) for width in widths])
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=1)
    return figure


def distances(steps: NDArray, losses: NDArray, to: dict[int, NDArray], critical: dict[int, float]) -> Figure:
    """Loss of a wide network over training, and its distance to the sets embedded from each width.

    to: width → distance relative to ‖θ‖, per step; critical: width → loss of that critical point.
    Raises nothing of its own. Source: chapter section 1.3, figure 1.6.
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
    for index, ((width, loss), style) in enumerate(zip(critical.items(), STYLES, strict=False)):
        colour = width_colour(width)
        axes.axhline(loss, color=colour, ls=style, lw=1)
        # The number of neurons, side by side, since two stations may lie at nearly one level.
        place, level = 0.04 + 0.06 * index, axes.get_yaxis_transform()
        axes.text(place, loss, str(width), color=colour, va="bottom", fontsize=9, transform=level)
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
    Raises IndexError off the grid. Source: chapter section 1.3, figure 1.6.
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
        lw=5,
        alpha=0.35,
        label=f"nearest: {_name(nearest)}",
    )
    right.plot(grid, curves[index], color=INK, label="wide network")
    right.set(xlabel="x", title=f"{100 * to[nearest][index]:.2g} % of ‖θ‖ from it", ylim=(-1.1, 1.3))
    right.legend(fontsize=9, loc="lower left")
    return figure


def travel_map(paths: Sequence[NDArray], stations: dict[int, NDArray], castle: NDArray) -> Figure:
    """Travellers in the plane of the two main directions of function space: figure 1.6 from real runs.

    paths: per network (moments, data points) of outputs; stations: width → outputs; castle: the targets.
    Raises nothing of its own. Source: chapter section 1.3, figure 1.6.
    """
    gathered = np.concatenate([*paths, np.stack(list(stations.values())), castle[None]])
    _, _, axes_of = np.linalg.svd(gathered - castle, full_matrices=False)

    def at(outputs: NDArray) -> NDArray:
        # Distances shrink a thousandfold on the way: their size is drawn to the power 1/3.
        flat = (outputs - castle) @ axes_of[:2].T
        length = np.linalg.norm(flat, axis=-1, keepdims=True)
        return np.asarray(flat * np.where(length > 0, length, 1.0) ** (1 / 3 - 1))

    figure, axes = subplots(figsize=(6.8, 4.2))
    for index, path in enumerate(paths):
        where = at(path)
        axes.plot(
            *where.T, color=INK if index == 0 else MUTED, lw=1.8 if index == 0 else 0.9, alpha=0.9, zorder=2
        )
    for width, outputs in stations.items():
        x, y = at(outputs)
        axes.plot(x, y, "s", ms=13, color=width_colour(max(width, 1)), zorder=3)
        axes.annotate(
            f"station: {_name(width)}" if width else "start: the zero function",
            (x, y),
            LABELS[width % len(LABELS)],
            textcoords="offset points",
            ha=("center", "left", "right", "left", "right")[width % len(LABELS)],
            va="center",
            color=width_colour(max(width, 1)),
            fontsize=10,
        )
    _castle(axes, *at(castle))
    axes.set(xlabel="first direction of function space", ylabel="second", xticks=[], yticks=[])
    axes.margins(0.3, 0.15)
    return figure


def _castle(axes: Axes, x: float, y: float) -> None:
    """A small castle at the goal, in points, so that it keeps its shape on every scale."""
    walls = [(-9, -7), (9, -7), (9, 7), (5, 7), (5, 3), (2, 3), (2, 7), (-2, 7), (-2, 3), (-5, 3), (-5, 7),
             (-9, 7), (-9, -7)]  # fmt: skip
    axes.scatter([x], [y], s=900, marker=walls, color=COLOURS["gold"], zorder=4)
    axes.annotate(
        "castle: the data fitted",
        (x, y),
        (0, -24),
        textcoords="offset points",
        ha="center",
        va="top",
        color=COLOURS["gold"],
    )
