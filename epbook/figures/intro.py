"""The figure on the first page: one neuron becomes two, and the function does not notice."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from torch import Tensor, nn

from epbook.given import layers
from epbook.page.style import COPIES, INK, MUTED, PAPER, subplots

REACH = 5.0  # outputs shown, the largest share of one copy included


def split_view(
    net: nn.Sequential,
    x: Tensor,
    y: Tensor,
    *,
    copies: tuple[int, int],
    facts: Sequence[tuple[str, str]] = (),
) -> Figure:
    """A two-layer network beside its function: two copies of a neuron in colour, the sum in ink.

    f(x) = Σ_j a_j σ(w_j x + b_j); each coloured curve is one term, each edge to the output carries a_j.

    net: two-layer, one input, one output. x, y: data, (n, 1). copies: indices of the two neurons that
    were one. facts: (name, value) lines under the network. Raises ValueError for any other shape of
    network. Source: textbook section 1.3, figure 1.4.

    >>> from epbook.networks import two_layer
    >>> x = torch.linspace(-1, 1, 5, dtype=torch.float64)[:, None]
    >>> len(split_view(two_layer(1, 3), x, x, copies=(1, 2)).axes)
    2
    """
    found = layers(net)
    if len(found) != 2 or found[0].inputs != 1 or found[1].width != 1:
        raise ValueError(f"expected a two-layer network with one input and one output, got {net}")
    hidden, output = found
    width = hidden.width
    colours = [MUTED] * width
    colours[copies[0]], colours[copies[1]] = COPIES
    weights = output.weight[0].tolist()

    figure, (left, right) = subplots(1, 2, figsize=(6.6, 3.3), width_ratios=(1, 1.25))
    _network(left, weights, colours, facts)
    grid = torch.linspace(x.min().item(), x.max().item(), 121, dtype=x.dtype)[:, None]
    with torch.no_grad():
        terms = net[:2](grid) * output.weight[0]
        total = net(grid)
    for neuron in range(width):
        right.plot(grid, terms[:, neuron], color=colours[neuron], lw=1.6)
    right.scatter(x, y, s=14, color=MUTED, zorder=3, lw=0)
    right.plot(grid, total, color=INK, lw=2.8, zorder=4)
    right.set(title="The function stays", xlabel="input $x$", ylim=(-REACH, REACH), yticks=[-4, -2, 0, 2, 4])
    return figure


def _network(axes: Axes, weights: list[float], colours: list[str], facts: Sequence[tuple[str, str]]) -> None:
    """Circles and edges; an edge to the output is as wide as its weight is large."""
    axes.set(title="The parameters move", xlim=(-0.2, 3.2), ylim=(-2.45, 1.7), aspect="equal")
    axes.axis("off")
    heights = torch.linspace(1, -1, len(weights)).tolist()
    for height, weight, colour in zip(heights, weights, colours, strict=True):
        axes.plot([0, 1.4], [0, height], color=MUTED, lw=1.2, zorder=1)
        axes.plot([1.4, 3.0], [height, 0], color=colour, lw=0.8 + 1.6 * abs(weight), zorder=1,
                  solid_capstyle="butt")  # fmt: skip
        axes.text(1.4, height + 0.27, f"{weight:+.2f}".replace("-", "−"), color=colour, ha="center",
                  va="bottom", fontweight="bold")  # fmt: skip
        axes.add_patch(Circle((1.4, height), 0.2, facecolor=colour, edgecolor=PAPER, lw=1.5, zorder=2))
    for place in (0.0, 3.0):
        axes.add_patch(Circle((place, 0), 0.2, facecolor=INK, edgecolor=PAPER, lw=1.5, zorder=2))
    for line, (name, value) in enumerate(facts):
        axes.text(-0.2, -1.62 - 0.36 * line, name, va="center")
        axes.text(3.2, -1.62 - 0.36 * line, value, va="center", ha="right", fontweight="bold")
