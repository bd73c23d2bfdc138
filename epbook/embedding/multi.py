"""Multi-step embedding: any narrow network into any wider one of the same depth, by splits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import nn

from epbook.embedding.plan import Embedded, Plan, carried_out
from epbook.embedding.split import Split
from epbook.given import layers


def embed(
    net: nn.Sequential,
    widths: int | Sequence[int],
    *,
    neurons: Sequence[Sequence[int]] | None = None,
    fractions: Sequence[Sequence[float]] | None = None,
    seed: int | None = None,
    return_plan: bool = False,
) -> Embedded:
    """Embed a network into any wider one of the same depth by splitting neurons.

    Every new neuron j copies a source s(j) and takes a share α_j of its outgoing weights; the source
    keeps 1 − Σ_j α_j. K new neurons give a K-dimensional affine set of critical points.

    widths: one per hidden layer (a number alone for one hidden layer), none below the present width.
    neurons: per hidden layer the sources of its new neurons; default: each in turn, or drawn with `seed`.
    fractions: per hidden layer the shares α_j; default: equal shares, or N(1/2, 1) drawn with `seed`.
    Returns a new network (with its Plan where return_plan). Raises ValueError where widths, neurons or
    fractions do not fit the network. Source: chapter section 1.3; EP21 theorem 2.

    >>> from epbook.networks import two_layer
    >>> wide, plan = embed(two_layer(1, 2), widths=[5], return_plan=True)
    >>> print(plan)
    1. split neuron 0 of layer 0 into 3, outgoing weights shared as 0.333333, 0.333333, 0.333333
    2. split neuron 1 of layer 0 into 2, outgoing weights shared as 0.5, 0.5
    """
    now = [weight.shape[0] for weight, _, _ in layers(net)[:-1]]
    widths = [widths] if isinstance(widths, int) else list(widths)
    if len(widths) != len(now):
        raise ValueError(f"widths must name {len(now)} hidden layers (now {now}), got {widths}")
    for layer, (have, want) in enumerate(zip(now, widths, strict=True)):
        if want != int(want) or want < have:
            raise ValueError(f"layer {layer} has {have} neurons and cannot be embedded into width {want!r}")
    missing = [int(want) - have for have, want in zip(now, widths, strict=True)]
    for name, given in (("neurons", neurons), ("fractions", fractions)):
        if given is not None and [len(layer) for layer in given] != missing:
            raise ValueError(f"{name} must hold {missing} entries per hidden layer, got {given}")
    draw = None if seed is None else np.random.default_rng(seed)
    steps: list[Split] = []
    for layer, (have, more) in enumerate(zip(now, missing, strict=True)):
        if neurons is not None:
            sources = [int(source) for source in neurons[layer]]
            if not all(0 <= source < have for source in sources):
                raise ValueError(f"neurons of layer {layer} must be 0 to {have - 1}, got {sources}")
        elif draw is None:
            sources = [new % have for new in range(more)]
        else:
            sources = draw.integers(have, size=more).tolist()
        for source in sorted(set(sources)):
            copies = [new for new, its in enumerate(sources) if its == source]
            if fractions is not None:
                shares = [float(fractions[layer][new]) for new in copies]
            elif draw is None:
                shares = [1 / (len(copies) + 1)] * len(copies)
            else:
                shares = draw.normal(0.5, 1.0, size=len(copies)).tolist()
            steps.append(Split(layer, source, (1 - sum(shares), *shares)))
    return carried_out(Plan(tuple(steps)), net, return_plan)
