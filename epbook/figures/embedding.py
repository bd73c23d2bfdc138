"""Figures of the page on the embedding principle: splitting, spectra, the critical line, the law."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, SymLogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from epbook.page.style import COPIES, HERE, INK, MUTED, ON_LIGHT, PAPER, SERIES, SIGN_COLOURS, subplots

MARKERS = {"negative": "v", "zero": "x", "positive": "o"}
FLOOR = 1e-20  # where eigenvalues of exactly 0 are drawn
# Down is blue and up is orange, as the eigenvalues are; the ground of the map between them stays white.
DOWN_UP = LinearSegmentedColormap.from_list(
    "down_up", ["#003a63", SIGN_COLOURS["negative"], "#fdfdfd", SIGN_COLOURS["positive"], "#7a3300"]
)


def split_schematic(narrow: Sequence[NDArray], wide: Sequence[NDArray], neuron: int, alpha: float) -> Figure:
    """Two networks side by side, before and after one neuron is split: figure 1.4 from real weights.

    narrow, wide: (incoming, outgoing) weights, (m, inputs) and (outputs, m). Line width is |weight|.
    Raises nothing of its own. Source: textbook section 1.3, figure 1.4.
    """
    figure, (left, right) = subplots(1, 2, figsize=(6.8, 3.7))
    m = narrow[0].shape[0]
    _net(left, narrow, {neuron: HERE}, {neuron: "c"})
    left.set_title(f"before: {m} neurons")
    shares = {neuron: f"{1 - alpha:.2g}·c", m: f"{alpha:.2g}·c"}
    _net(right, wide, dict(zip((neuron, m), COPIES, strict=True)), shares)
    right.set_title(f"after: {m + 1} neurons, the same function")
    return figure


def _net(axes: Axes, weights: Sequence[NDArray], special: dict[int, str], labels: dict[int, str]) -> None:
    incoming, outgoing = weights
    columns = [_column(count) for count in (incoming.shape[1], incoming.shape[0], outgoing.shape[0])]
    for x0, matrix in enumerate(weights):
        below, above = columns[x0 : x0 + 2]
        largest = np.abs(matrix).max()
        for i, j in np.ndindex(matrix.shape):
            hidden = i if x0 == 0 else j
            colour = special.get(hidden, MUTED)
            thick = 0.5 + 4 * abs(matrix[i, j]) / largest
            style = "-" if matrix[i, j] >= 0 else (0, (3, 1.5))
            axes.plot(
                [x0, x0 + 1],
                [below[j], above[i]],
                color=colour,
                lw=thick,
                ls=style,
                alpha=0.9 if hidden in special else 0.35,
            )
    for x0, ys in enumerate(columns):
        for index, height in enumerate(ys):
            colour = special.get(index, PAPER) if x0 == 1 else PAPER
            axes.plot(x0, height, "o", ms=20 if x0 == 1 else 15, mfc=colour, mec=INK, mew=1.2, zorder=3)
            if x0 == 1 and index in labels:
                axes.annotate(
                    labels[index],
                    (1, height),
                    (0, 16),
                    textcoords="offset points",
                    ha="center",
                    va="bottom",
                    bbox={"fc": PAPER, "ec": "none", "pad": 1},
                )
    for x0, name in enumerate(("inputs", "hidden", "outputs")):
        axes.text(x0, -1.42, name, ha="center", va="top", color=MUTED)
    axes.set(xlim=(-0.25, 2.25), ylim=(-1.7, 1.45))
    axes.axis("off")


def _column(count: int) -> NDArray:
    return np.zeros(1) if count == 1 else np.linspace(1, -1, count)


def spectra(values: dict[str, ArrayLike], tolerance: float, *, line: float = 1e-11) -> Figure:
    """|λ| of several Hessians side by side, sorted, on a logarithmic axis, coloured by sign: figure 1.5.

    values: eigenvalues by title; |λ| ≤ tolerance counts as zero. line: the textbook's dashed guide.
    Raises nothing of its own. Source: textbook section 1.3, figure 1.5.
    """
    figure, panels = subplots(1, len(values), sharey=True, figsize=(6.8, 3.5))
    for axes, (title, eigenvalues) in zip(panels, values.items(), strict=True):
        counts = spectrum_on(axes, np.asarray(eigenvalues), tolerance)
        axes.set_title(title + "\n(" + ", ".join(str(counts[sign]) for sign in MARKERS) + ")")
        axes.axhline(line, color=MUTED, ls="--", lw=1)
        axes.set_xlabel("index")
    panels[0].set_ylabel("|eigenvalue|")
    _sign_legend(figure)
    return figure


def spectrum_on(axes: Axes, eigenvalues: NDArray, tolerance: float) -> dict[str, int]:
    """Draw one spectrum into axes; returns the counts by sign."""
    order = np.sort(eigenvalues)
    size = np.maximum(np.abs(order), FLOOR)
    zero = np.abs(order) <= tolerance
    masks = {"negative": (order < 0) & ~zero, "zero": zero, "positive": (order > 0) & ~zero}
    for sign, mask in masks.items():
        axes.semilogy(
            np.flatnonzero(mask) + 1,
            size[mask],
            MARKERS[sign],
            color=SIGN_COLOURS[sign],
            label=sign,
            mew=1.6,
        )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return {sign: int(mask.sum()) for sign, mask in masks.items()}


def _sign_legend(figure: Figure) -> None:
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)


def width_frame(width: int, eigenvalues: dict[int, NDArray], tolerance: float) -> Figure:
    """The spectrum at one embedded width, beside the counts at all widths. Raises KeyError off the grid."""
    figure, (left, right) = subplots(1, 2, width_ratios=(1.5, 1))
    spectrum_on(left, np.asarray(eigenvalues[width]), tolerance)
    largest = max(len(values) for values in eigenvalues.values())
    left.set(xlim=(0, largest + 1), ylim=(FLOOR / 5, 1e4), xlabel="index", ylabel="|eigenvalue|")
    here = _counts(eigenvalues[width], tolerance)
    left.set_title(f"width {width}: " + ", ".join(str(count) for count in here.values()))
    widths = sorted(eigenvalues)
    # Zeros lie under the negative ones where both are as many: broad, so that they are seen behind them.
    for sign, broad in (("zero", True), ("negative", False), ("positive", False)):
        counts = [_counts(eigenvalues[m], tolerance)[sign] for m in widths]
        style = {"lw": 7, "alpha": 0.45} if broad else {"lw": 1.2, "marker": MARKERS[sign]}
        right.plot(widths, counts, color=SIGN_COLOURS[sign], label=sign, **style)
    right.axvline(width, color=MUTED, lw=6, alpha=0.3)
    right.set(xlabel="width", title="how many", xticks=widths[::2])
    right.yaxis.set_major_locator(MaxNLocator(integer=True))
    _sign_legend(figure)
    return figure


def _counts(eigenvalues: ArrayLike, tolerance: float) -> dict[str, int]:
    values = np.asarray(eigenvalues)
    zero = np.abs(values) <= tolerance
    return {
        "negative": int(((values < 0) & ~zero).sum()),
        "zero": int(zero.sum()),
        "positive": int(((values > 0) & ~zero).sum()),
    }


def critical_line(alpha: ArrayLike, across: ArrayLike, excess: NDArray, loss: float) -> Figure:
    """The loss around a line of critical points: a map over α and one direction across, and cuts.

    excess: R − R* on the grid, (across, α). Raises nothing of its own. Source: textbook section 1.3.
    """
    figure, (left, right) = subplots(1, 2, width_ratios=(1.45, 1))
    alpha, across = np.asarray(alpha), np.asarray(across)
    top = np.abs(excess).max()
    # Logarithmic on both sides of 0: the ridge is a hundred times shallower than the valley is deep.
    scale = SymLogNorm(linthresh=top / 1e3, vmin=-top, vmax=top)
    image = left.pcolormesh(
        alpha, across, excess, cmap=DOWN_UP, norm=scale, shading="gouraud", rasterized=True
    )
    left.axhline(0, color=ON_LIGHT, lw=2)
    for edge in (0, 1):
        left.axvline(edge, color=MUTED, ls=":", lw=1)
    left.set(xlabel="α, along the line", ylabel="step across it", title=f"loss minus {loss:.4f}")
    ticks = [-(10.0 ** np.floor(np.log10(top))), 0, 10.0 ** np.floor(np.log10(top))]
    bar = figure.colorbar(image, ax=left, ticks=ticks, pad=0.02)
    power = f"10$^{{{np.floor(np.log10(top)):.0f}}}$".replace("-", "−")
    bar.set_ticklabels([f"−{power}", "0", power])
    for target, colour, style in zip((-0.5, 0.5, 1.0), SERIES, ("--", "-", ":"), strict=False):
        column = int(np.abs(alpha - target).argmin())
        label = f"α = {alpha[column]:.1f}".replace("-", "−")
        right.plot(across, excess[:, column], style, color=colour, label=label)
    depth = -1.6 * min(float(excess.min()), -1e-12)
    right.set(xlabel="step across", title="cuts", ylim=(-depth, 2 * depth))
    right.ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
    figure.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=9)
    return figure


def alpha_sweep(alpha: ArrayLike, law: NDArray, measured: NDArray, threshold: float) -> Figure:
    """Eigenvalues of Q_α (lines) and the wide Hessian's added signs (strip) against α.

    law: eigenvalues of Q_α, (α, dimension); measured: negative eigenvalues of the Hessian, per α.
    Raises nothing of its own. Source: the law of section 1.3.
    """
    figure, (top, below) = subplots(2, 1, sharex=True, figsize=(6.8, 4.2), height_ratios=(3, 1))
    alpha = np.asarray(alpha)
    for column in np.sort(law, axis=1).T:
        top.plot(alpha, column, color=MUTED, lw=1)
        for sign, mask in (("negative", column < -threshold), ("positive", column > threshold)):
            top.plot(alpha[mask], column[mask], ".", ms=4, color=SIGN_COLOURS[sign])
    top.set_yscale("symlog", linthresh=1e-5)
    top.set(ylabel="eigenvalues of $Q_α$", yticks=[-1, -1e-2, -1e-4, 0, 1e-4, 1e-2, 1])
    below.step(alpha, measured, where="mid", color=SIGN_COLOURS["negative"])
    below.set(xlabel="α", ylabel="negative\nin H", ylim=(-0.4, max(measured) + 0.6))
    for axes in (top, below):
        for edge in (0, 1):
            axes.axvline(edge, color=MUTED, ls=":", lw=1)
    return figure


def alpha_frame(alpha: float, spectrum: ArrayLike, law: tuple, narrow: tuple, tolerance: float) -> Figure:
    """One frame of the α slider: the wide spectrum, and the counts with their prediction.

    law: what Q_α adds, narrow: the inertia before the split. Raises nothing of its own.
    """
    figure, (left, right) = subplots(1, 2, width_ratios=(1.4, 1))
    found = spectrum_on(left, np.asarray(spectrum), tolerance)
    left.set(
        ylim=(FLOOR / 5, 1e3), xlabel="index", ylabel="|eigenvalue|", title=f"Hessian at α = {alpha:.2f}"
    )
    rows = np.arange(3)[::-1]
    for row, sign, before, added in zip(rows, MARKERS, narrow, law, strict=True):
        right.barh(row, before, color=SIGN_COLOURS[sign], alpha=0.35, height=0.5)
        right.barh(row, added, left=before, color=SIGN_COLOURS[sign], height=0.5)
        right.plot(found[sign], row, "|", color=INK, ms=22, mew=2)
    right.set(yticks=rows, yticklabels=list(MARKERS), xlim=(0, sum(narrow) + 2), title="how many")
    parts = (
        (Patch(color=MUTED, alpha=0.35), "before"),
        (Patch(color=MUTED), "law adds"),
        (Line2D([], [], color=INK, marker="|", ls="", ms=14, mew=2), "counted"),
    )
    figure.legend(*zip(*parts, strict=True), loc="outside lower center", ncols=3)
    return figure


def added_by_outputs(outputs: Sequence[int], added: dict[str, Sequence[float]]) -> Figure:
    """Mean number of negative eigenvalues that one split adds, against the number of outputs, per α."""
    figure, axes = subplots()
    lines = zip(added.items(), ("o-", "s-", "D-"), SERIES, strict=False)
    for (label, values), marker, colour in lines:
        axes.plot(outputs, values, marker, label=label, color=colour, ms=7)
    axes.plot(outputs, [k - 1 for k in outputs], "--", color=INK, lw=1, label="outputs − 1")
    axes.set(
        xlabel="number of outputs", ylabel="negative eigenvalues\nadded by one split", xticks=list(outputs)
    )
    axes.set_ylim(bottom=-0.1)
    axes.legend()
    return figure
