"""Figures of the page on reduction (section 1.4 of the textbook)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike
from torch import Tensor

from epbook.page.style import COLOURS, HERE, INK, MUTED, ON_DARK, PAPER, SERIES, ink_on, subplots
from epbook.reduction import Cut, Groups

# One colour for each way to cut a network down, in every figure of the page; refitted ones are dashed.
MODE_COLOURS = {
    "full": INK,
    "random": COLOURS["gold"],
    "mean": COLOURS["violet"],
    "least-squares": COLOURS["green"],
    "pruning": COLOURS["pink"],
    "pruning, refitted": COLOURS["pink"],
    "one of each": COLOURS["brown"],
    "one of each, refitted": COLOURS["brown"],
}
LEVELS = np.linspace(-0.2, 1.0, 13)  # few shades: pictures of matrices stay small


def digits(images: Tensor, labels: Sequence[int]) -> Figure:
    """A row of images of handwritten digits with their labels."""
    figure, axes = subplots(1, len(images), figsize=(6.6, 0.95))
    for axis, image, label in zip(axes, images, labels, strict=True):
        axis.imshow(image.reshape(28, 28).numpy(), cmap="gray_r", vmin=0, vmax=1)
        axis.set_title(str(label), loc="center", pad=3)
        axis.set_axis_off()
    return figure


def plateau_curve(curves: Mapping[int, np.ndarray], shown: int, onward: np.ndarray) -> Figure:
    """Training loss of several networks, one with two points: where the rule stops it, and well beyond."""
    figure, axis = subplots()
    for seed, losses in curves.items():
        if seed != shown:
            axis.semilogy(losses, color=MUTED, linewidth=0.9, alpha=0.7)
    losses = curves[shown]
    at = len(losses) - 1
    axis.semilogy(losses, color=INK)
    axis.semilogy(range(at, at + len(onward)), onward, color=INK, linestyle=":", linewidth=1.4)
    for name, epoch, loss in (("A", at, losses[at]), ("B", at + len(onward) - 1, onward[-1])):
        axis.plot(epoch, loss, "o", color=HERE, markersize=9)
        axis.annotate(
            f"{name}: epoch {epoch:,}\nloss {loss:.2e}",
            (epoch, loss),
            xytext=(0, 45),
            textcoords="offset points",
            ha="center",
            arrowprops={"arrowstyle": "-", "color": HERE, "linewidth": 0.8, "shrinkB": 6},
            color=HERE,
        )
    axis.set(xlabel="epoch", ylabel="training loss", xlim=(0, None))
    return figure


def similarity_matrix(similarity: Tensor, found: Groups) -> Figure:
    """Similarity of every pair of neurons, sorted: groups as blocks on the diagonal, low amplitude last."""
    order = found.order
    figure, axis = subplots(figsize=(5.6, 4.7))
    image = _matrix(axis, similarity[order][:, order].numpy())
    start = 0
    for group in sorted(found.members, key=len, reverse=True):
        if len(group) > 1:
            axis.add_patch(
                Rectangle((start - 0.5, start - 0.5), len(group), len(group), fill=False, ec=ON_DARK, lw=0.9)
            )
        start += len(group)
    if found.low:
        at = len(order) - len(found.low) - 0.5
        axis.axhline(at, color=ON_DARK, linewidth=1.2)
        axis.axvline(at, color=ON_DARK, linewidth=1.2)
        above: dict[str, Any] = {"transform": axis.get_xaxis_transform(), "clip_on": False}
        axis.plot([at, len(order) - 0.5], [1.015, 1.015], color=INK, linewidth=1.2, **above)
        axis.text(len(order) - 0.5, 1.03, "low amplitude", ha="right", va="bottom", **above)
    axis.set(xlabel="neuron, sorted by group", ylabel="neuron, sorted by group")
    _scale(figure, axis, image, "similarity", LEVELS[::2])
    return figure


def _scale(figure: Figure, axis: Axes, image: AxesImage, label: str, ticks: ArrayLike | None = None) -> None:
    """A colour bar as high as the picture itself, also where a phone makes the picture smaller."""
    axis.set_anchor("E")  # spare width goes to the left, so that the layout keeps room for the numbers
    beside = axis.inset_axes((1.04, 0, 0.05, 1))
    figure.colorbar(image, cax=beside, label=label, ticks=ticks)


def _matrix(axis: Axes, values: np.ndarray) -> AxesImage:
    norm = BoundaryNorm(LEVELS, 256, extend="min")
    # "none" stores one pixel for an entry, which the page enlarges; any other stores those of the screen.
    return axis.imshow(values, cmap="viridis", norm=norm, interpolation="none")


def retraining(panels: Mapping[str, tuple[Mapping[str, np.ndarray], float]]) -> Figure:
    """Loss of networks that were cut while they train on, one panel for each place of the cut.

    In units of the loss at the cut, on one scale, so that one sees who falls and who stands.
    panels: by title, (the losses by way to cut, the loss of the full network at the cut).
    """
    figure, axes = subplots(1, len(panels), sharey=True)
    for axis, (title, (curves, level)) in zip(axes, panels.items(), strict=True):
        for mode, losses in curves.items():
            thin = {"linewidth": 1.2, "linestyle": ":"} if mode == "full" else {}
            axis.plot(losses / level, color=MODE_COLOURS[mode], label=mode, **thin)
        axis.axhline(1, color=MUTED, linestyle="--", linewidth=1)
        axis.set(xlabel="epochs after the cut", title=f"{title}: loss {level:.1e}")
    axes[0].set(ylabel="loss / loss at the cut", ylim=(0, 1.5))
    axes[0].legend(ncols=2, loc="lower left")
    return figure


def prediction_pairs(counts: Tensor) -> Figure:
    """How often the full network says i where the reduced one says j, as a share of the row, in per cent."""
    shares = 100 * counts.double() / counts.sum(dim=1, keepdim=True).clamp_min(1)
    figure, axis = subplots(figsize=(5.2, 4.3))
    image = axis.imshow(shares.numpy(), cmap="viridis", vmin=0, vmax=100)
    grounds = image.to_rgba(shares.numpy())
    for i in range(len(counts)):
        for j in range(len(counts)):
            if counts[i, j]:
                colour = ink_on(tuple(grounds[i, j]))
                axis.text(j, i, f"{counts[i, j]}", ha="center", va="center", color=colour, fontsize=8)
    axis.set(xlabel="prediction of the reduced network", ylabel="prediction of the full network")
    axis.set_xticks(range(len(counts)))
    axis.set_yticks(range(len(counts)))
    axis.spines[:].set_visible(False)
    _scale(figure, axis, image, "share of the row, %")
    return figure


def threshold_view(cuts: Sequence[Cut], threshold: float) -> Figure:
    """Group sizes at one similarity threshold, and disagreement at every one, with that one marked."""
    at = min(range(len(cuts)), key=lambda index: abs(cuts[index].threshold - threshold))
    cut = cuts[at]
    figure, (left, right) = subplots(1, 2)
    sizes = sorted((len(group) for group in cut.groups.members), reverse=True)
    left.bar(range(1, len(sizes) + 1), sizes, width=1.0, color=MODE_COLOURS["mean"], edgecolor=PAPER, lw=0.4)
    most = max(len(other.groups) for other in cuts)
    tallest = max(len(group) for other in cuts for group in other.groups.members)
    left.set(xlabel="group", ylabel="neurons in it", xlim=(0, most + 1), ylim=(0, 1.05 * tallest))
    left.set_title(f"{cut.width} groups, worst pair {min(cut.groups.worst):.2f}")
    grid = [other.threshold for other in cuts]
    for name in cut.agreement:
        shares = [_disagreement(other, name) for other in cuts]
        right.semilogy(grid, shares, label=name, **_style(name))
        right.plot(grid[at], shares[at], "o", color=MODE_COLOURS[name], markersize=7)
    figure.legend(*right.get_legend_handles_labels(), loc="outside upper center", ncols=4)
    right.axvline(grid[at], color=MUTED, linewidth=0.8, linestyle=":")
    right.set(xlabel="similarity threshold", ylabel="other predictions, %", ylim=(0.005, 130))
    right.set_title(f"best: {100 * max(cut.agreement.values()):.1f} % agree")
    return figure


def _style(name: str) -> dict[str, Any]:
    """How the line of a way to cut is drawn."""
    return {"color": MODE_COLOURS[name], "linewidth": 1.4, "linestyle": "--" if "refitted" in name else "-"}


def _disagreement(cut: Cut, name: str) -> float:
    """Per cent of the test inputs predicted otherwise; none at all is drawn as 0.01 %."""
    return max(100 * (1 - cut.agreement[name]), 0.01)


def agreement_against_width(cuts: Sequence[Cut]) -> Figure:
    """Disagreement and accuracy on the test inputs against the width that is left, for every way to cut."""
    figure, (left, right) = subplots(1, 2)
    widths = [cut.width for cut in cuts]
    for name in cuts[0].agreement:
        style = {"marker": ".", "label": name, **_style(name)}
        left.semilogy(widths, [_disagreement(cut, name) for cut in cuts], **style)
        right.plot(widths, [100 * cut.accuracy[name] for cut in cuts], **style)
    left.set(xlabel="width after the cut", ylabel="other predictions, %", ylim=(0.005, 130))
    right.set(xlabel="width after the cut", ylabel="accuracy, %")
    right.set_ylim(0, 100)
    figure.legend(*right.get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return figure


def forming(losses: np.ndarray, states: Mapping[int, tuple[np.ndarray, int]], epoch: int) -> Figure:
    """Loss curve with one epoch marked, and the similarity of neurons then, in the order of the final groups.

    states: by epoch, the matrix and the number of groups.
    """
    epoch = min(states, key=lambda kept: abs(kept - epoch))
    figure, (left, right) = subplots(1, 2, figsize=(6.6, 3.2), width_ratios=(1, 1.05))
    grid = np.unique(np.geomspace(1, len(losses) - 1, 150).astype(int))
    left.loglog(grid, losses[grid], color=INK, linewidth=1.4)
    at = max(epoch, 1)
    left.plot(at, losses[at], "o", color=HERE, markersize=9)
    left.set(xlabel="epoch", ylabel="training loss")
    matrix, count = states[epoch]
    image = _matrix(right, matrix)
    right.set_xticks([])
    right.set_yticks([])
    right.set_title(f"epoch {epoch:,}: {count} groups")
    _scale(figure, right, image, "similarity", LEVELS[::2])
    return figure


def widths_left(curves: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> Figure:
    """Share of the neurons that is left at each similarity threshold, for networks trained differently."""
    figure, axis = subplots()
    for colour, (name, (thresholds, shares)) in zip(SERIES, curves.items(), strict=False):
        axis.plot(thresholds, 100 * np.asarray(shares), color=colour, marker=".", label=name)
    axis.set(xlabel="similarity threshold", ylabel="neurons left, %", ylim=(0, 104))
    axis.legend()
    return figure
