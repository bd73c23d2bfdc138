"""Reduction of a condensed network: every group of similar neurons becomes one neuron."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from epbook.given import read
from epbook.networks import hidden, sequential
from epbook.reduction.bound import carried, layer_bound, left_out, values
from epbook.reduction.groups import Groups, groups
from epbook.reduction.report import LayerReport, Report
from epbook.reduction.similarity import Neurons

MODES = ("random", "mean", "least-squares")


def reduce(
    net: nn.Sequential,
    similarity: float = 0.9,
    *,
    mode: str = "mean",
    layers: int | Sequence[int] | None = None,
    low_amplitude: float = 1e-3,
    x: Tensor | None = None,
    y: Tensor | None = None,
    loss: Callable[[Tensor, Tensor], Tensor] = nn.functional.mse_loss,
    seed: int = 0,
) -> tuple[nn.Sequential, Report]:
    """Merge similar neurons into one and drop those of low amplitude; a smaller plain Sequential.

    Σ_{k∈G} a_k σ(u_k·x̃) ≈ a σ(u·x̃) for every group G of `groups(net, similarity)`, with
    "random": u = u_j for one random j ∈ G, a = Σ_k a_k‖u_k‖/‖u_j‖ (the chapter's rule);
    "mean": u along Σ_k A_k û_k, the amplitude-weighted mean direction, and a by the same rule;
    "least-squares": u as in "mean", and a the least-squares fit of the next layer's input on x.
    Where σ is not homogeneous, equal weights are what can be merged: û = u, and norms do not enter. For
    odd σ, w and −w are merged too. Neurons with w = 0 go into the next layer's bias where it has one.

    net: Sequential of Linear and elementwise activations, not changed. layers: hidden layers to reduce,
    default all, first to last: then the reduction of an embedded network is the inverse of the
    embedding. x (n, d), y: data for "least-squares", the bound and the loss in the report. seed: draws
    the representatives. Raises ValueError for an unknown mode, "least-squares" without x, y without x, a
    layer that is not there, data that do not fit, and as `groups` does.
    Source: chapter section 1.4, the converse of embedding (arXiv 2405.17501); modes "mean" and
    "least-squares" are this book's.

    >>> from epbook.embedding import split
    >>> from epbook.networks import two_layer
    >>> net = two_layer(3, 4, std=1.0)
    >>> small, report = reduce(split(net, neuron=2, alpha=0.25))
    >>> report.widths_after, torch.equal(small[2].weight, net[2].weight)
    ((4,), True)
    """
    opened = read(net)
    given = opened.layers
    x = None if x is None else x.to(given[0].weight.dtype)
    _check(given, mode, x, y)
    chosen = range(len(given) - 1) if layers is None else np.atleast_1d(layers).tolist()
    for layer in chosen:
        hidden(given, layer)
    rng = np.random.default_rng(seed)
    small, reports = sequential(given), []
    for layer in sorted(set(chosen)):
        found = groups(small, similarity, layer=layer, low_amplitude=low_amplitude)
        small, report = _reduce_layer(small, sequential(given), found, mode, x, rng)
        reports.append(report)
    y = None if y is None or not y.is_floating_point() else y.to(given[0].weight.dtype)
    report = _report(sequential(given), small, tuple(reports), mode, x, y, loss)
    return opened.network(read(small).layers), report


def _reduce_layer(
    current: nn.Sequential, original: nn.Sequential, found: Groups, mode: str, x: Tensor | None, rng
) -> tuple[nn.Sequential, LayerReport]:
    neurons = Neurons.of(current, found.layer)
    merged = [
        _merge(neurons, list(group), worst == 1.0, mode, rng)
        for group, worst in zip(found.members, found.worst, strict=True)
    ]
    inputs, outputs = torch.stack([u for u, _ in merged]), torch.stack([a for _, a in merged])
    small = _with_layer(current, neurons, found, inputs, outputs)
    shift = torch.zeros_like(outputs)
    if mode == "least-squares":
        # A correction of least norm to the merged a: where these are right already, they stay.
        target = values(original, x, found.layer + 1, before_activation=True)
        missing = target - values(small, x, found.layer + 1, before_activation=True)
        features = values(small, x, found.layer + 1)
        shift = torch.linalg.lstsq(features, missing, driver="gelsd").solution
        small = _with_layer(current, neurons, found, inputs, outputs + shift)
    offset, slope = layer_bound(neurons, found, inputs, shift)
    lost = sum(
        float(neurons.together(group).norm() * neurons.gain[group[0]]) for group in left_out(neurons, found)
    )
    total = float(neurons.amplitude.sum())
    return small, LayerReport(
        groups=found,
        width_before=len(neurons.inputs),
        width_after=len(inputs),
        dropped_amplitude=lost / total if total > 0 else 0.0,
        offset=offset,
        slope=slope,
        bound=None if x is None else carried(current, found.layer, offset, slope, x),
    )


def _merge(neurons: Neurons, group: list[int], equal: bool, mode: str, rng) -> tuple[Tensor, Tensor]:
    """(u, a) of the one neuron that stands for a group."""
    if len(group) == 1:
        return neurons.inputs[group[0]], neurons.outputs[group[0]]
    first = group[0] if equal or mode != "random" else int(rng.choice(group))
    sign = neurons.sign(first, group)
    u = neurons.inputs[first]
    if not equal and mode != "random":
        weight = neurons.outputs[group].norm(dim=1) * neurons.scale[group]
        mean = (weight * sign) @ neurons.direction[group]
        if neurons.activation.degree is not None and mean.norm() > 0:
            mean = mean / mean.norm() * (weight @ neurons.norm[group])
        if mean.norm() > 0:
            u = mean / weight.sum()
    one = Neurons(u[None], neurons.outputs[:1], neurons.bias, neurons.activation)
    return u, (sign * neurons.scale[group] / one.scale) @ neurons.outputs[group]


def _with_layer(
    current: nn.Sequential, neurons: Neurons, found: Groups, inputs: Tensor, outputs: Tensor
) -> nn.Sequential:
    """`current` with its layer's neurons replaced, constants in the next layer's bias."""
    new = read(current).layers
    weight = inputs[:, :-1] if neurons.bias else inputs
    _, next_bias, next_activation = new[found.layer + 1]
    if found.constant:
        at = list(found.constant)
        level = neurons.inputs[at, -1] if neurons.bias else torch.zeros(len(at), dtype=inputs.dtype)
        next_bias = next_bias + neurons.activation.value(level) @ neurons.outputs[at]
    new[found.layer] = (weight, inputs[:, -1] if neurons.bias else None, new[found.layer][2])
    new[found.layer + 1] = (outputs.T, next_bias, next_activation)
    return sequential(new)


def _report(net, small, reports, mode, x, y, loss) -> Report:
    if x is None:
        return Report(reports, mode)
    with torch.no_grad():
        before, after = net(x), small(x)
        bounds = [report.bound for report in reports]
        return Report(
            reports,
            mode,
            bound=None if None in bounds else sum(bounds),
            change=float((after - before).norm(dim=1).max()),
            loss_before=None if y is None else float(loss(before, y)),
            loss_after=None if y is None else float(loss(after, y)),
        )


def _check(given: list, mode: str, x: Tensor | None, y: Tensor | None) -> None:
    if mode not in MODES:
        raise ValueError(f"mode must be one of {', '.join(MODES)}, got {mode!r}")
    if len(given) < 2:
        raise ValueError("the network has no hidden layer to reduce")
    if x is None:
        if mode == "least-squares":
            raise ValueError('mode "least-squares" fits on data: give x')
        if y is not None:
            raise ValueError("y was given without x")
        return
    inputs = given[0][0].shape[1]
    if x.ndim != 2 or x.shape[1] != inputs or len(x) == 0:
        raise ValueError(f"the network takes {inputs} inputs, x is of shape {tuple(x.shape)}")
    if not torch.isfinite(x).all():
        raise ValueError(f"x holds {x[~torch.isfinite(x)][0].item()}")
    if y is not None and len(y) != len(x):
        raise ValueError(f"x has {len(x)} rows, y has {len(y)}")
