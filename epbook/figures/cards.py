"""Small pictures, without axes, that stand for the pages of the book."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from epbook.neurons import Neurons
from epbook.page.style import COLOURS, INK, MUTED, SIGN_COLOURS, subplots, width_colour


def _bare(label: str) -> tuple[Figure, Axes]:
    figure, axes = subplots(figsize=(3.2, 1.7))
    figure.set_label(label)
    axes.set(xticks=[], yticks=[])
    axes.spines[["left", "bottom"]].set_color(MUTED)
    return figure, axes


def pauses(curves: Mapping[int, tuple[NDArray, NDArray]]) -> Figure:
    """Loss curves of several widths, width → (steps, losses). Source: textbook figure 1.1.

    >>> len(pauses({1: (np.array([0, 1, 9]), np.array([1.0, 0.5, 0.1]))}).axes)
    1
    """
    figure, axes = _bare("Loss curves of several networks, which fall in steps and pause between them")
    for width, (steps, losses) in curves.items():
        axes.loglog(steps[1:], losses[1:], color=width_colour(width), lw=2.2)
    axes.minorticks_off()
    axes.set(xticks=[], yticks=[])
    return figure


def signs(values: NDArray) -> Figure:
    """Eigenvalues of a Hessian: up, flat, down. Source: textbook section 1.2.

    >>> len(signs(np.array([-1.0, 0.0, 2.0])).axes)
    1
    """
    figure, axes = _bare("Curvatures of the loss: ways down, flat and up")
    large = abs(values).max()
    zero = abs(values) <= 1e-10 * large
    height = np.where(zero, 0.0, np.sign(values) * np.maximum(np.log10(abs(values) / large + 1e-300) + 7, 1))
    for at, (value, flat) in enumerate(zip(height, zero, strict=True)):
        colour = SIGN_COLOURS["zero" if flat else "negative" if value < 0 else "positive"]
        axes.plot([at, at], [0, value], color=colour, lw=2.2)
        axes.plot(at, value, "o", color=colour, ms=7)
    axes.axhline(0, color=MUTED, lw=0.8, zorder=0)
    return figure


def ways_down(alphas: NDArray, lowest: NDArray) -> Figure:
    """The lowest curvature of a split net over the share α. Source: textbook section 1.3.

    >>> len(ways_down(np.array([0.0, 1.0]), np.array([0.0, -1.0])).axes)
    1
    """
    figure, axes = _bare("The lowest curvature over the share of a split: negative between zero and one")
    axes.axhline(0, color=MUTED, lw=0.8)
    axes.plot(alphas, lowest, color=SIGN_COLOURS["negative"], lw=2.2)
    axes.fill_between(alphas, lowest, 0, color=SIGN_COLOURS["negative"], alpha=0.18, lw=0)
    return figure


def groups(neurons: Neurons, effective: Neurons) -> Figure:
    """Neurons by angle and amplitude, and what they amount to. Source: textbook sections 1.1 and 1.4.

    >>> from epbook.networks import two_layer
    >>> from epbook.neurons import effective_neurons, features
    >>> net = two_layer(1, 5)
    >>> len(groups(features(net), effective_neurons(net)).axes)
    1
    """
    figure, axes = _bare("Many neurons by angle and strength, in a few groups")
    axes.plot(*_places(neurons), "o", ms=4, mew=2.0, color=MUTED)
    axes.plot(*_places(effective), "o", ms=12, mew=2.0, mfc="none", color=COLOURS["pink"])
    axes.axhline(0, color=INK, lw=0.6, zorder=0)
    axes.margins(0.08, 0.18)
    return figure


def _places(neurons: Neurons) -> Sequence[NDArray]:
    direction = neurons.orientation.numpy()
    return np.arctan2(direction[:, 1], direction[:, 0]), neurons.amplitude[:, 0].numpy()
