"""The laboratory as drawings, for print and for browsers that cannot run it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from epbook.critical import hessian
from epbook.embedding import split as split_neuron
from epbook.given import layers
from epbook.page.style import COLOURS, INK, MUTED, SIGN_COLOURS, subplots
from epbook.training.descent import descend

NET, LINE = COLOURS["pink"], COLOURS["green"]
NAMES = ("zero function", "best of 1 neuron", "best of 2 neurons", "best of 3 neurons")


def run(
    x: Tensor,
    y: Tensor,
    net: nn.Module,
    curve: tuple[NDArray, NDArray],
    best: Sequence[float],
    others: Sequence[float] = (),
) -> Figure:
    """Points with the trained net's function; its loss in time, with the lines of narrow nets.

    x, y: (n, 1). curve: (steps, losses). best: the lowest losses of 0 to 3 neurons; others: ticks.
    Source: textbook figures 1.1-1.3.

    >>> from epbook.data import relu_teacher
    >>> from epbook.networks import two_layer
    >>> losses = np.array([1, 10]), np.array([0.4, 0.3])
    >>> len(run(*relu_teacher(), two_layer(1, 3), losses, [0.4, 0.03, 7e-4, 4e-4]).axes)
    2
    """
    figure, (left, right) = subplots(1, 2, figsize=(8.2, 3.2))
    grid = torch.linspace(float(x.min()), float(x.max()), 241, dtype=torch.float64)[:, None]
    with torch.no_grad():
        left.plot(grid[:, 0], net(grid)[:, 0], color=NET, zorder=2)
    left.plot(x[:, 0], y[:, 0], "o", color=INK, zorder=3)
    left.set(title="The points, and the net's function", xlabel="input $x$", ylabel="output $y$")
    steps, losses = curve
    for name, level in zip(NAMES, best, strict=True):
        if level > 0:
            right.axhline(level, color=LINE, lw=1.2, ls=(0, (5, 3)), zorder=1)
            right.annotate(name, (1, level), xycoords=("axes fraction", "data"), xytext=(4, 0), color=LINE,
                           textcoords="offset points", va="center", fontsize=9.5)  # fmt: skip
    seen = [level for level in others if level > min(best)]
    right.hlines(seen, 0.97, 1, transform=right.get_yaxis_transform(), color=LINE, lw=0.6, alpha=0.6)
    right.plot(steps[1:], losses[1:], color=NET, zorder=2)
    right.set(title="Its loss, and the lines", xlabel="training step", ylabel="loss $R$", xscale="log",
              yscale="log")  # fmt: skip
    return figure


def split(net: nn.Sequential, x: Tensor, y: Tensor, neuron: int, lr: float, *, steps: int) -> Figure:
    """The lowest curvatures of a split net over α; the escape from α = ½ beside its law.

    net at a minimum, two-layer; x, y: (n, 1). The escape: gradient descent by `lr`, from a nudge κ = 1e-3.
    Source: textbook section 1.3.

    >>> from epbook.data import tanh_teacher
    >>> from epbook.networks import two_layer
    >>> len(split(two_layer(1, 2, activation=nn.Tanh, std=0.5), *tanh_teacher(), 0, 0.02, steps=9).axes)
    2
    """
    figure, (left, right) = subplots(1, 2, figsize=(8.2, 3.2))
    alphas = np.linspace(0, 1, 41)
    wide = [split_neuron(net, neuron=neuron, alpha=float(alpha)) for alpha in alphas]
    lowest = np.stack([torch.linalg.eigvalsh(hessian(each, x, y))[:3].numpy() for each in wide])
    left.axhline(0, color=MUTED, lw=0.8)
    left.plot(alphas, lowest[:, 1:], color=MUTED, lw=1.2)
    left.plot(alphas, lowest[:, 0], color=SIGN_COLOURS["negative"])
    left.set(title="The lowest curvatures", xlabel="share $α$", ylabel="eigenvalue")
    nudge, point = 1e-3, split_neuron(net, neuron=neuron, alpha=0.5)
    values, vectors = torch.linalg.eigh(hessian(point, x, y))
    start = torch.nn.utils.parameters_to_vector(point.parameters()).detach()
    shown, drops = _escape(point, start + nudge * vectors[:, 0], x, y, lr, steps)
    size = abs(float(values[0]))
    foretold = 0.5 * size * nudge**2 * (1 + lr * size) ** (2.0 * shown)
    kept = foretold < 10
    right.plot(shown[drops > 0], drops[drops > 0], color=NET)
    right.plot(shown[kept], foretold[kept], color=INK, lw=1.4, ls=(0, (2, 3)))
    right.set(title="Below the old loss, and its law", xlabel="training step", ylabel="old loss − loss",
              xscale="log", yscale="log")  # fmt: skip
    return figure


def _escape(
    net: nn.Sequential, start: Tensor, x: Tensor, y: Tensor, lr: float, steps: int
) -> tuple[NDArray, NDArray]:
    """Steps on a logarithmic grid, and how far the loss is below that of `net` there."""
    old = mse_loss(net(x), y).item()
    torch.nn.utils.vector_to_parameters(start, net.parameters())
    hidden, out = layers(net)
    begin = hidden.incoming.detach().numpy().copy(), out.weight.detach().numpy().copy()
    record = descend(begin, x.numpy(), y.numpy(), steps=steps, lr=lr, kind="tanh")
    return record.steps[1:], old - record.losses[1:]
