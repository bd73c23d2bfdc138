"""Figures of what sits at the lines of the spectrum: identified minima, and the tree of predicted rests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from epbook.page.style import COLOURS, INK, MUTED, subplots
from epbook.training import Rest

MET = COLOURS["green"]


def identified(
    centres: NDArray, shares: Mapping[int, NDArray], candidates: NDArray, met: NDArray, *, most: int = 5
) -> Figure:
    """All candidates as a grey rug by number of neurons, those that a run ends on in colour; below, the runs.

    centres: of the bins, log10 loss; shares: width → share of training time in each bin. candidates, met:
    rows (log10 loss, neurons); of the candidates those with up to `most` neurons are drawn.
    Source: the textbook's figure 1.2 (the runs).
    """
    figure, (top, below) = subplots(2, 1, figsize=(6.6, 4.6), sharex=True, height_ratios=[1.2, 1.6])
    drawn = candidates[candidates[:, 1] <= most]
    top.plot(drawn[:, 0], drawn[:, 1], "|", color=MUTED, markersize=9, alpha=0.35, rasterized=True)
    for value, neurons in met[met[:, 1] <= most]:
        top.plot(value, neurons, "o", color=MET, markersize=7)
        below.axvline(value, color=MET, linewidth=0.8)
    title = "candidates; green: runs end there"  # no longer, or a phone cuts it off
    top.set(ylim=(-0.6, most + 0.6), yticks=range(most + 1), ylabel="neurons", title=title)
    step = centres[1] - centres[0]
    for row, share in enumerate(shares.values()):
        for centre, part in zip(centres, share, strict=True):
            if part > 10**-2.5:  # the darker, the more time
                depth = float(np.clip(1 + np.log10(part) / 2.5, 0.15, 1))
                below.bar(centre, 0.8, width=2 * step, bottom=row - 0.4, color=INK, alpha=depth)
    below.set_yticks(range(len(shares)), [str(width) for width in shares])
    below.set(xlabel="log₁₀ loss", ylabel="width", title="measured in training", xlim=(-5, 0))
    return figure


def growth(rests: Sequence[Rest], lines: Sequence[float], *, bin_width: float = 0.025) -> Figure:
    """The tree of rests, loss against number of neurons, over the lines of the measured spectrum.

    lines: centres of their bins, log10 loss, drawn as grey stripes; a rest within one is filled, others are
    open; exact fits lie at the left edge. Source: `epbook.training.growth_tree`.
    """
    figure, axes = subplots(figsize=(6.6, 3.6))
    for line in lines:
        axes.axvspan(line - 0.6 * bin_width, line + 0.6 * bin_width, color=MUTED, alpha=0.35, linewidth=0)
    low = -5.1
    spots = [(low if rest.fitted else max(np.log10(rest.loss), low), rest.width) for rest in rests]
    for rest, spot in zip(rests, spots, strict=True):
        if rest.parent is not None:
            axes.plot(*zip(spots[rest.parent], spot, strict=True), color=INK, linewidth=0.9)
    for value, neurons in spots:
        on = any(abs(value - line) <= bin_width / 2 for line in lines)
        axes.plot(value, neurons, "o", color=MET, markersize=8, markerfacecolor=MET if on else "none")
    axes.set(xlim=(low - 0.05, 0), xlabel="log₁₀ loss", ylabel="neurons grown")
    axes.set_yticks(range(max(rest.width for rest in rests) + 1))
    axes.invert_yaxis()
    return figure
