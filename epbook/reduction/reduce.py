"""Reduction of a condensed network: every group of similar neurons becomes one neuron."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from epbook.checks import choice, several, whole
from epbook.given import GivenNetwork, is_finite, read, refuse_meta
from epbook.losses import Loss, mse_loss
from epbook.networks import Layer, forward, hidden
from epbook.neurons import Neurons, lengths
from epbook.reduction.bound import UNIT, carried, computed, layer_bound, left_out
from epbook.reduction.groups import check_thresholds, grouped, together
from epbook.reduction.merge import MODES, merge, replaced
from epbook.reduction.report import LayerReport, Report


def reduce(
    net: nn.Sequential,
    x: Tensor | None = None,
    y: Tensor | None = None,
    *,
    similarity: float = 0.9,
    mode: str = "mean",
    layers: int | Iterable[int] | None = None,
    low_amplitude: float = 1e-3,
    loss: Loss = mse_loss,
    seed: int = 0,
) -> tuple[nn.Sequential, Report]:
    """Merge similar neurons into one and drop those of low amplitude; a smaller plain Sequential.

    Σ_{k∈G} a_k σ(u_k·x̃) ≈ a σ(u·x̃) for every group G of `groups(net, similarity=…)`, with
    "random": u = u_j for one random j ∈ G, a = Σ_k a_k‖u_k‖/‖u_j‖ (the textbook's rule);
    "mean": u along Σ_k ‖A_k‖ û_k, the amplitude-weighted mean orientation, and a by the same rule;
    "least-squares": u as in "mean", and a the least-squares fit of the next layer's input on x.
    Where σ is not homogeneous, equal weights are what can be merged: û = u, and norms do not enter. For
    odd σ, w and −w are merged too. Neurons with w = 0 go into the next layer's bias where it has one.

    net: Sequential of Linear and elementwise activations, not changed. x (n, d), y (n, k): data for
    "least-squares", the bound and the loss in the report. layers: hidden layers to reduce, default all,
    first to last: then the reduction of an embedded network is the inverse of the embedding. seed: draws
    the representatives. Computed in float64; the small network has the number type and device of `net`, and
    the report speaks of the weights as that type holds them.
    Returns (network, Report). Raises ValueError for an unknown mode, "least-squares" without x, y without
    x, a layer that is not there, data that do not fit, an output that overflows, and as `groups` does.
    Source: textbook section 1.4, the converse of embedding (arXiv 2405.17501); modes "mean" and
    "least-squares" are this book's.

    >>> from epbook.embedding import split
    >>> from epbook.networks import two_layer
    >>> net = two_layer(3, 4, std=1.0)
    >>> small, report = reduce(split(net, neuron=2, alpha=0.25))
    >>> report.widths_after, torch.equal(small[2].weight, net[2].weight)
    ((4,), True)
    """
    given = read(net, x, y, loss=loss)
    refuse_meta(given.layers)
    check_thresholds(similarity, low_amplitude)
    choice(mode, "mode", MODES)
    if mode == "least-squares" and x is None:
        raise ValueError('mode "least-squares" fits on data: give x')
    rng = np.random.default_rng(whole(seed, "seed"))
    # scipy and LAPACK's gelsd work on the CPU; the network goes back to where it came from.
    original = [Layer(W.cpu(), None if b is None else b.cpu(), sigma) for W, b, sigma in given.layers]
    x = None if given.x is None else given.x.cpu()
    number = next(net.parameters()).dtype
    eps = max(torch.finfo(part.dtype).eps for part in net.parameters())
    current, reports = original, []
    for layer in _chosen(original, layers):
        neurons = Neurons.of(current, layer, eps=eps)
        found = grouped(neurons, layer, similarity, low_amplitude)
        merged = merge(current, original, neurons, found, mode, x, rng, number)
        offset, slope = layer_bound(neurons, found, merged)
        total = float(neurons.strength.sum())
        lost = sum(together(neurons, group) for group in left_out(neurons, found))
        reports.append(
            LayerReport(
                groups=found,
                width_before=len(neurons),
                width_after=len(found),
                dropped_amplitude=lost / total if total > 0 else 0.0,
                offset=offset,
                slope=slope,
                bound=None if x is None else carried(current, layer, offset, slope, x),
            )
        )
        current = replaced(current, layer, merged.neurons)
    report = Report(tuple(reports), mode)
    if x is not None:
        report = _measured(report, original, current, x, given)
    return given.network(current), report


def _chosen(layers: Sequence[Layer], asked: int | Iterable[int] | None) -> list[int]:
    """The hidden layers to reduce, first to last."""
    if len(layers) < 2:
        raise ValueError("the network has no hidden layer to reduce")
    if asked is None:
        return list(range(len(layers) - 1))
    chosen = sorted(several(asked if isinstance(asked, Iterable) else [asked], "layers", 0))
    for layer in chosen:
        hidden(layers, layer)
    return chosen


def _measured(
    report: Report, original: Sequence[Layer], small: Sequence[Layer], x: Tensor, given: GivenNetwork
) -> Report:
    """The report with what the reduction changes on the data, and the bound for it."""
    before, after = forward(original, x), forward(small, x)
    for output in (before, after):
        if not is_finite(output):
            sample = int((~torch.isfinite(output)).any(dim=1).nonzero()[0])
            raise ValueError(f"the output for x[{sample}] is beyond the largest float64: scale the data down")
    y = None if given.y is None else given.y.cpu()
    return Report(
        layers=report.layers,
        mode=report.mode,
        bound=_bound(report, original, small, x),
        change=float(lengths(after - before).max()),
        loss_before=None if y is None else float(given.loss(before, y)),
        loss_after=None if y is None else float(given.loss(after, y)),
    )


def _bound(report: Report, original: Sequence[Layer], small: Sequence[Layer], x: Tensor) -> float | None:
    """The bounds of the layers, what rounding adds to both outputs, and what it takes from the sum."""
    bounds = [layer.bound for layer in report.layers if layer.bound is not None]
    first, second = computed(original, x), computed(small, x)
    if len(bounds) < len(report.layers) or first is None or second is None:
        return None
    total = sum(bounds) + float(lengths(first[1] + second[1]).max())
    # Norms, the singular values among them, are off by less than one unit per entry of the matrices.
    return total * (1 + UNIT * sum(layer.weight.numel() for layer in original))
