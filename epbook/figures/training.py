"""Figures of the chapter on training: loss curves, the loss spectrum, nets on one plateau, a run in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor, nn

from epbook.features import Features, effective_neurons, features
from epbook.figures.style import COLOURS, INK, MUTED, PAPER, subplots, width_colour

DRAWN = torch.linspace(-1.5, 1.5, 121, dtype=torch.float64)[:, None]
FLOOR = 1e-8  # an exact fit ends anywhere between this and 1e-30
FAINTEST = -2.5  # log10 frequency at the lower end of the colour scale


def target(x: Tensor, y: Tensor) -> Figure:
    """The twenty points and the function they are taken from.

    x, y: (n, 1). Source: chapter section 1.1.
    """
    figure, axes = subplots(figsize=(6.6, 2.4))
    axes.plot(x[:, 0], y[:, 0], color=MUTED, zorder=1)
    axes.plot(x[:, 0], y[:, 0], "o", color=INK, markersize=5, zorder=2)
    axes.set(xlabel="$x$", ylabel="$y$")
    return figure


def loss_curves(curves: Mapping[int, tuple[np.ndarray, np.ndarray]], levels: Sequence[float] = ()) -> Figure:
    """Loss against step, one curve a width, with guides at the levels where they pause.

    curves: width → (steps, losses). levels: log10 losses. Source: chapter figure 1.1.
    """
    figure, axes = subplots(figsize=(6.6, 4.0))
    for level in levels:
        axes.axhline(10**level, color=MUTED, linewidth=0.8, linestyle=(0, (2, 3)), zorder=0)
    for width, (steps, losses) in curves.items():
        # Step 0 has no place on a logarithmic axis.
        axes.plot(steps[1:], losses[1:], color=width_colour(width), linewidth=1.6, label=f"{width}")
    axes.set(xscale="log", yscale="log", xlabel="training step", ylabel="loss", ylim=(3e-6, 1))
    axes.set_xlim(1, max(steps[-1] for steps, _ in curves.values()))
    axes.legend(
        title="width $m$", ncols=2, loc="lower left", fontsize=9.5, title_fontsize=10, handlelength=1.2
    )
    return figure


def _spectrum(axes: Axes, widths: Sequence[int], counts: np.ndarray, edges: np.ndarray):
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
    widths: Sequence[int], counts: np.ndarray, edges: np.ndarray, lines: Sequence[float] = ()
) -> Figure:
    """How often each loss is met in training, one row a width; ticks on top mark the common lines.

    counts: (widths, bins) numbers of steps; edges: (bins + 1,) of log10 loss; colour: log10 of a bin's share
    of its row on [−2.5, 0]; lines: log10 losses. Source: chapter figure 1.2.
    """
    figure, axes = subplots(figsize=(6.6, 4.4))
    image = _spectrum(axes, widths, counts, edges)
    axes.set_ylabel("width $m$")
    bar = figure.colorbar(image, ax=axes, pad=0.02, aspect=30)
    bar.set_label("$\\log_{10}$ share of all steps", fontsize=10)
    bar.outline.set_visible(False)
    top = axes.secondary_xaxis("top")
    top.set_xticks(lines, [f"{line:.2f}".replace("-", "−") for line in lines], rotation=60, fontsize=9)
    return figure


def two_spectra(
    widths: Sequence[int], left: np.ndarray, right: np.ndarray, edges: np.ndarray, titles: tuple[str, str]
) -> Figure:
    """Two loss spectra side by side, as in `loss_spectrum`. Source: chapter figure 1.2, and beyond it."""
    figure, pair = subplots(1, 2, figsize=(6.6, 3.4), sharey=True)
    for axes, counts, title in zip(pair, (left, right), titles, strict=True):
        _spectrum(axes, widths, counts, edges)
        axes.set_title(title, fontsize=11)
    pair[0].set_ylabel("width $m$")
    return figure


def outputs(nets: Mapping[int, nn.Module], x: Tensor, y: Tensor) -> Figure:
    """Output functions of nets of several widths over one another, with the data.

    nets: width → network with one input and output. Source: chapter figure 1.3(a).
    """
    figure, axes = subplots(figsize=(6.6, 3.2))
    _data(axes, x, y)
    with torch.no_grad():
        for width, net in nets.items():
            axes.plot(
                DRAWN[:, 0], net(DRAWN)[:, 0], color=width_colour(width), linewidth=1.4, label=f"{width}"
            )
    axes.set(xlabel="$x$", ylabel="output $f_\\theta(x)$", xlim=(-1.5, 1.5))
    axes.legend(title="width $m$", ncols=1, loc="center left", bbox_to_anchor=(1, 0.5), fontsize=9.5)
    return figure


def orientations(found: Mapping[int, Features]) -> Figure:
    """Effective neurons of nets of several widths: angle against amplitude.

    found: width → `effective_neurons`. Source: chapter figure 1.3(b).
    """
    figure, axes = subplots(figsize=(6.6, 3.2))
    axes.axhline(0, color=MUTED, linewidth=0.8)
    for number, (width, neurons) in enumerate(found.items()):
        # Hollow marks of growing size, so that those in one place are all seen.
        style = {"color": width_colour(width), "markerfacecolor": "none", "markersize": 5 + 2 * number}
        axes.plot(neurons.angle, neurons.amplitude[:, 0], "o", **style, label=f"{width}", clip_on=False)
    _angles(axes)
    axes.set_ylabel("amplitude $A$")
    legend = {"loc": "center left", "bbox_to_anchor": (1, 0.5), "fontsize": 9.5, "labelspacing": 0.7}
    axes.legend(title="width $m$", **legend)
    return figure


def same_flow(curves: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Figure:
    """Loss against flow time for several step sizes: one curve if all follow the same flow.

    curves: label → (flow times, losses), the first one drawn broad below the others.
    Source: chapter section 1.1 prints step size 0.001.
    """
    figure, axes = subplots(figsize=(6.6, 2.8))
    for number, (label, (times, losses)) in enumerate(curves.items()):
        broad = {"linewidth": 7, "alpha": 0.35} if number == 0 else {"linewidth": 1.4}
        colour = COLOURS["orange"] if number == 0 else INK
        axes.plot(times[1:], losses[1:], color=colour, label=label, **broad)
    axes.set(xscale="log", yscale="log", xlabel="flow time $t$ = step × step size", ylabel="loss")
    axes.legend(loc="lower left")
    return figure


def final_losses(widths: Sequence[int], finals: Sequence[np.ndarray]) -> Figure:
    """Where training ends: final losses of all runs, one column of dots a width, with their medians.

    finals: per width an array of losses; what is below 1e-8 is drawn there.
    Source: chapter section 1.1, the reading of figure 1.2.
    """
    figure, axes = subplots(figsize=(6.6, 3.2))
    for place, (width, losses) in enumerate(zip(widths, finals, strict=True)):
        # A fixed spread: the eye needs it, chance does not.
        spread = place + 0.28 * np.linspace(-1, 1, len(losses))
        axes.plot(
            spread, np.sort(losses).clip(FLOOR), ".", color=width_colour(width), markersize=3, rasterized=True
        )
        axes.plot([place - 0.38, place + 0.38], [np.median(losses)] * 2, color=INK, linewidth=2)
    axes.set(yscale="log", xlabel="width $m$", ylabel="loss after the last step", ylim=(FLOOR / 2, 1))
    axes.set_xticks(range(len(widths)), [f"{width:,}" for width in widths], fontsize=9, rotation=45)
    return figure


def moment(
    curve: tuple[np.ndarray, np.ndarray], step: int, net: nn.Module, x: Tensor, y: Tensor, *, top: float
) -> Figure:
    """One moment of a training run: place on the loss curve, output function, neurons.

    curve: (steps, losses) of the whole run; net: the network at `step`; top: largest |amplitude| to be
    drawn in all frames. Source: chapter figures 1.1 and 1.3 in one, moving.
    """
    figure, (left, middle, right) = subplots(1, 3, figsize=(7.2, 2.7))
    with torch.no_grad():
        loss = ((net(x) - y) ** 2).mean().item()
        left.plot(curve[0][1::3], curve[1][1::3], color=MUTED, linewidth=1.4)
        left.plot([max(step, 1)], [loss], "o", color=COLOURS["orange"], markersize=8)
        left.set(xscale="log", yscale="log", xlabel="step", title="loss")
        _data(middle, x, y)
        middle.plot(DRAWN[::3, 0], net(DRAWN)[::3, 0], color=COLOURS["orange"])
        middle.set(xlabel="$x$", title="output", xlim=(-1.5, 1.5), ylim=(-0.35, 1.5))
    neurons = features(net)
    right.axhline(0, color=MUTED, linewidth=0.8)
    right.plot(neurons.angle, neurons.amplitude[:, 0], ".", color=MUTED, markersize=4, rasterized=True)
    merged = effective_neurons(net)
    right.plot(merged.angle, merged.amplitude[:, 0], "o", color=COLOURS["orange"], markerfacecolor="none")
    _angles(right)
    right.set(title=f"neurons: {len(merged.amplitude)} effective", ylim=(-top, top))
    for axes in (left, middle, right):
        axes.title.set_fontsize(10.5)
        axes.tick_params(labelsize=9)
    return figure


def _data(axes: Axes, x: Tensor, y: Tensor) -> None:
    axes.plot(x[:, 0], y[:, 0], "o", color=MUTED, markersize=3.5, zorder=0, label="_data")


def _angles(axes: Axes) -> None:
    axes.set(xlabel="orientation (angle)", xlim=(-np.pi, np.pi))
    axes.set_xticks([-np.pi, 0, np.pi], ["−π", "0", "π"])
