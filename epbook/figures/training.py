"""Figures of the page on training: the task, loss curves, nets on one plateau, a run in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from torch import Tensor, nn

from epbook.neurons import Neurons, effective_neurons, features
from epbook.page.style import HERE, INK, MUTED, subplots, width_colour

DRAWN = torch.linspace(-1.5, 1.5, 121, dtype=torch.float64)[:, None]
LOWEST = 3e-6  # lower edge of the loss curves
FLOOR = 1e-8  # an exact fit ends anywhere between this and 1e-30


def target(x: Tensor, y: Tensor, curve: tuple[Tensor, Tensor]) -> Figure:
    """The points of the task and the function they are taken from, its corners marked.

    x, y: (n, 1) data; curve: the function on a finer even grid, straight between its corners.
    Source: the textbook's section 1.1.
    """
    figure, axes = subplots(figsize=(6.6, 2.6))
    at, values = (data[:, 0].numpy() for data in curve)
    for corner in at[1:-1][abs(np.diff(values, n=2)) > 1e-9]:
        axes.axvline(corner, color=MUTED, linewidth=0.8, linestyle=(0, (2, 3)), zorder=0)
    axes.plot(at, values, color=MUTED, zorder=1)
    axes.plot(x[:, 0], y[:, 0], "o", color=INK, markersize=5, zorder=2)
    axes.set(xlabel="$x$", ylabel="$y$")
    return figure


def _name_levels(axes: Axes, levels: Mapping[str, float]) -> None:
    """Dotted guides across, their names at the right edge."""
    for name, level in levels.items():
        axes.axhline(level, color=MUTED, linewidth=0.8, linestyle=(0, (2, 3)), zorder=0)
        axes.annotate(f" {name}", (1, level), xycoords=("axes fraction", "data"), va="center", fontsize=9.5,
                      color=MUTED, annotation_clip=False)  # fmt: skip


def loss_curves(
    curves: Mapping[int, tuple[np.ndarray, np.ndarray]],
    levels: Mapping[str, float],
    others: Sequence[tuple[np.ndarray, np.ndarray]] = (),
) -> Figure:
    """Loss against step, one curve a width, its width at its end, over many faint ones; named stairs.

    curves: width → (steps, losses). levels: name → loss, named at the left. others: more curves, without
    names. Source: the textbook's figure 1.1.
    """
    figure, axes = subplots(figsize=(6.6, 4.2))
    for steps, losses in others:
        axes.plot(steps[1::4], losses[1::4], color=MUTED, linewidth=0.5, alpha=0.25, zorder=0)
    for name, level in levels.items():
        axes.axhline(level, color=MUTED, linewidth=0.8, linestyle=(0, (2, 3)), zorder=0)
        axes.annotate(name, (1.3, 1.06 * level), va="bottom", fontsize=9.5, color=INK)
    ends = {}
    for width, (steps, losses) in curves.items():
        # Step 0 has no place on a logarithmic axis.
        axes.plot(steps[1:], losses[1:], color=width_colour(width), linewidth=1.9, label=f"{width}")
        ends[width] = float(np.log10(losses[-1].clip(LOWEST)))
    axes.set(xscale="log", yscale="log", xlabel="training step", ylabel="loss", ylim=(LOWEST / 1.5, 1))
    axes.set_xlim(1, max(steps[-1] for steps, _ in curves.values()))
    place = -np.inf
    for width, end in sorted(ends.items(), key=lambda item: item[1]):
        place = max(end, place + 0.24)  # decades: one below the other where curves end together
        axes.annotate(f" {width:,}", (1, 10**place), xycoords=("axes fraction", "data"), va="center",
                      fontsize=9.5, color=width_colour(width), annotation_clip=False)  # fmt: skip
    axes.annotate(" width", (1, 0.75), xycoords=("axes fraction", "data"), va="center", fontsize=9.5,
                  color=INK, annotation_clip=False)  # fmt: skip
    return figure


def outputs(nets: Mapping[int, nn.Module], x: Tensor, y: Tensor) -> Figure:
    """Output functions of nets of several widths over one another, and what they differ by from the first.

    nets: width → network with one input and output. Source: the textbook's figure 1.3(a).
    """
    figure, (above, below) = subplots(2, 1, figsize=(6.6, 4.2), sharex=True, height_ratios=[2, 1])
    _data(above, x, y)
    with torch.no_grad():
        drawn = {width: net(DRAWN)[:, 0] for width, net in nets.items()}
    first, reference = next(iter(drawn.items()))
    for width, output, broad in zip(drawn, drawn.values(), _broad_to_thin(len(drawn)), strict=True):
        style = {"color": width_colour(width), "linewidth": broad}  # so that each shows beside the next
        above.plot(DRAWN[:, 0], output, label=f"{width}", **style)
        below.plot(DRAWN[:, 0], output - reference, **style)
    above.set(ylabel="output $f_\\theta(x)$", xlim=(-1.5, 1.5))
    below.set(xlabel="$x$", ylabel=f"minus that\nof width {first}")
    above.legend(title="width $m$", ncols=1, loc="upper left", bbox_to_anchor=(1, 1), fontsize=9.5)
    return figure


def orientations(found: Mapping[int, Neurons], *, reach: tuple[float, float] = (0.05, 0.25)) -> Figure:
    """Effective neurons of nets of several widths, angle against amplitude; the first net's spots enlarged.

    found: width → `effective_neurons`; reach: half the size of an enlarged spot, (angle, amplitude).
    Source: the textbook's figure 1.3(b).
    """
    first = next(iter(found.values()))
    spots = [(first.angle[k].item(), first.amplitude[k, 0].item()) for k in first.angle.argsort()]
    figure, (whole, *zooms) = subplots(
        1, 1 + len(spots), figsize=(7.2, 3.0), width_ratios=[1.5] + [1] * len(spots)
    )
    for width, neurons, size in zip(found, found.values(), _broad_to_thin(len(found)), strict=True):
        for axes in (whole, *zooms):
            # One by one: where a line between two marks leaves the picture, SVG would set a third.
            for number, (angle, amplitude) in enumerate(
                zip(neurons.angle, neurons.amplitude[:, 0], strict=True)
            ):
                axes.plot(angle, amplitude, "o", color=width_colour(width), markersize=3.2 * size,
                          label=f"{width}" if number == 0 else None, markerfacecolor="none",
                          markeredgewidth=1.8)  # fmt: skip
    whole.margins(y=0.14)
    whole.axhline(0, color=MUTED, linewidth=0.8, zorder=0)
    _angles(whole)
    whole.set_ylabel("amplitude $A$")
    for axes, (angle, amplitude) in zip(zooms, spots, strict=True):
        axes.set(xlim=(angle - reach[0], angle + reach[0]), ylim=(amplitude - reach[1], amplitude + reach[1]))
        axes.set(xlabel="angle, enlarged", xticks=[round(angle + side * 0.04, 2) for side in (-1, 0, 1)])
        axes.yaxis.set_major_locator(MaxNLocator(5))
    figure.legend(
        *whole.get_legend_handles_labels(), title="width $m$", loc="outside right center", fontsize=9.5
    )
    return figure


def same_flow(
    curves: Mapping[int, tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]],
) -> Figure:
    """Loss against flow time of nets trained with two step sizes: one curve a width if both follow one flow.

    curves: width → ((flow times, losses) of the large step, of the small step); the large one is drawn broad.
    Source: the textbook's section 1.1 prints step size 0.001.
    """
    figure, axes = subplots(figsize=(6.6, 3.4))
    for width, (large, small) in curves.items():
        colour = width_colour(width)
        axes.plot(large[0][1:], large[1][1:], color=colour, linewidth=6, alpha=0.35, label=f"{width}")
        axes.plot(small[0][1:], small[1][1:], color=INK, linewidth=1.2)
    start = min(large[0][1] for large, _ in curves.values())
    axes.set(xscale="log", yscale="log", xlabel="flow time $t$ = step × step size", ylabel="loss")
    axes.set(xlim=(start, max(large[0][-1] for large, _ in curves.values())), ylim=(1e-6, 1))
    axes.legend(title="width $m$", loc="lower left", fontsize=9.5)
    return figure


def final_losses(widths: Sequence[int], finals: Sequence[np.ndarray], levels: Mapping[str, float]) -> Figure:
    """Where training ends: final losses of all runs, one column of dots a width, with their medians.

    finals: per width an array of losses; what is below 1e-8 is drawn there. levels: name → loss.
    Source: the textbook's section 1.1, the reading of figure 1.2.
    """
    figure, axes = subplots(figsize=(6.6, 3.4))
    _name_levels(axes, levels)
    for place, (width, losses) in enumerate(zip(widths, finals, strict=True)):
        # A fixed spread: the eye needs it, chance does not.
        spread = place + 0.28 * np.linspace(-1, 1, len(losses))
        axes.plot(spread, np.sort(losses).clip(FLOOR), ".", color=width_colour(width), markersize=4)
        axes.plot([place - 0.38, place + 0.38], [np.median(losses)] * 2, color=INK, linewidth=2)
    axes.set(yscale="log", xlabel="width $m$", ylabel="loss after the last step", ylim=(FLOOR / 2, 1))
    axes.set_xticks(range(len(widths)), [f"{width:,}" for width in widths], fontsize=9, rotation=45)
    return figure


def moment(
    curve: tuple[np.ndarray, np.ndarray],
    step: int,
    net: nn.Sequential,
    x: Tensor,
    y: Tensor,
    *,
    top: float,
    least: float,
) -> Figure:
    """One moment of a training run: place on the loss curve, output function, neurons.

    curve: (steps, losses) of the whole run; net: the network at `step`; top: largest |amplitude| to be
    drawn in all frames; least: the `amplitude` of `effective_neurons`.
    Source: the textbook's figures 1.1 and 1.3 in one, moving.
    """
    figure, (left, middle, right) = subplots(1, 3, figsize=(7.2, 2.7))
    with torch.no_grad():
        loss = ((net(x) - y) ** 2).mean().item()
        left.plot(curve[0][1::3], curve[1][1::3], color=MUTED, linewidth=1.4)
        left.plot([max(step, 1)], [loss], "o", color=HERE, markersize=8)
        left.set(xscale="log", yscale="log", xlabel="step", title="loss")
        _data(middle, x, y)
        middle.plot(DRAWN[::3, 0], net(DRAWN)[::3, 0], color=HERE)
        middle.set(xlabel="$x$", title="output", xlim=(-1.5, 1.5), ylim=(-0.35, 1.5))
    neurons = features(net)
    right.axhline(0, color=MUTED, linewidth=0.8)
    right.plot(neurons.angle, neurons.amplitude[:, 0], ".", color=MUTED, markersize=4)
    merged = effective_neurons(net, amplitude=least)
    right.plot(merged.angle, merged.amplitude[:, 0], "o", color=HERE, markerfacecolor="none")
    _angles(right)
    right.set(title=f"neurons: {len(merged.amplitude)} effective", ylim=(-top, top))
    for axes in (left, middle, right):
        axes.title.set_fontsize(10.5)
        axes.tick_params(labelsize=9)
    return figure


def _broad_to_thin(count: int) -> list[float]:
    """Line widths, or sizes of open rings, that let each one be seen under the next."""
    return np.linspace(5.5, 1.4, count).tolist() if count > 1 else [1.8]


def _data(axes: Axes, x: Tensor, y: Tensor) -> None:
    axes.plot(x[:, 0], y[:, 0], "o", color=MUTED, markersize=3.5, zorder=0, label="_data")


def _angles(axes: Axes) -> None:
    axes.set(xlabel="orientation (angle)", xlim=(-np.pi, np.pi))
    axes.set_xticks([-np.pi, 0, np.pi], ["−π", "0", "π"])
