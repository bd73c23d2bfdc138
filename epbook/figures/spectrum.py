"""The loss spectrum: how often each loss is met in training, one row a width."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from epbook.page.style import PAPER, subplots

FAINTEST = -2.5  # log10 frequency at the lower end of the colour scale


def _spectrum(axes: Axes, widths: Sequence[int], counts: np.ndarray, edges: np.ndarray) -> QuadMesh:
    share = counts / counts.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore"):
        shade = np.log10(share).clip(FAINTEST, 0)
    rows = np.arange(len(widths) + 1) - 0.5
    image = axes.pcolormesh(edges, rows, shade, cmap="viridis", vmin=FAINTEST, vmax=0, rasterized=True)
    axes.set(xlabel="$\\log_{10}$ loss", xlim=(edges[0], edges[-1]))
    axes.set_yticks(range(len(widths)), [f"{width:,}" for width in widths], fontsize=9.5)
    axes.tick_params(length=0, axis="y")
    for row in rows[1:-1]:
        axes.axhline(row, color=PAPER, linewidth=1.2)
    return image


def loss_spectrum(
    widths: Sequence[int],
    counts: np.ndarray,
    edges: np.ndarray,
    lines: Sequence[float] = (),
    names: Mapping[str, float] | None = None,
) -> Figure:
    """How often each loss is met in training, one row a width; ticks on top mark the lines, some by name.

    counts: (widths, bins) numbers of steps; edges: (bins + 1,) of log10 loss; colour: log10 of a bin's share
    of its row on [−2.5, 0]; lines: log10 losses; names: name → log10 loss. Source: textbook figure 1.2.
    """
    figure, axes = subplots(figsize=(6.6, 4.4))
    image = _spectrum(axes, widths, counts, edges)
    axes.set_ylabel("width $m$")
    _shade_bar(figure, image, axes)
    top = axes.secondary_xaxis("top")
    names = names or {}
    top.set_xticks(list(names.values()), list(names), rotation=30, ha="left", fontsize=9.5)
    top.set_xticks(lines, minor=True)
    top.tick_params(which="minor", length=5)
    return figure


def _shade_bar(figure: Figure, image: QuadMesh, axes: Axes | Sequence[Axes]) -> None:
    bar = figure.colorbar(image, ax=axes, pad=0.02, aspect=30)
    bar.set_label("$\\log_{10}$ of the share of a row", fontsize=10)
    bar.outline.set_visible(False)


def two_spectra(
    widths: Sequence[int], left: np.ndarray, right: np.ndarray, edges: np.ndarray, titles: tuple[str, str]
) -> Figure:
    """Two loss spectra side by side, as in `loss_spectrum`. Source: textbook figure 1.2, and beyond it."""
    figure, pair = subplots(1, 2, figsize=(6.6, 3.4), sharey=True)
    for axes, counts, title in zip(pair, (left, right), titles, strict=True):
        image = _spectrum(axes, widths, counts, edges)
        axes.set_title(title, fontsize=11)
    pair[0].set_ylabel("width $m$")
    _shade_bar(figure, image, list(pair))
    return figure
