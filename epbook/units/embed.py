"""Embedding into a family of more units, by splitting one after another."""

from __future__ import annotations

import copy

import torch
from torch import nn

from epbook.checks import whole
from epbook.units.parts import Units
from epbook.units.split import split
from epbook.units.which import choose


def embed(
    net: nn.Module, count: int, *, units: str | Units | None = None, seed: int | None = None
) -> nn.Module:
    """Embed a network into one with `count` units in a family, by splitting each in turn.

    units: as in `split`. seed: sources and shares drawn, f ~ N(1/2, 1); default: in turn, equal shares.
    Returns a new network. Raises ValueError where `count` is below the present number, and as `split` does.
    Source: the page on units; EP21 theorem 2 for neurons.

    >>> net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 3))
    >>> embed(net, 9)[0].out_channels
    9
    """
    family = choose(net, units)
    new = whole(count, "count") - len(family)
    if new < 0:
        raise ValueError(
            f"{family.name} has {len(family)} {family.kind}; count must not be below, got {count}"
        )
    draw = torch.Generator().manual_seed(0 if seed is None else whole(seed, "seed"))
    wide = net if new else copy.deepcopy(net)
    sources = [step % len(family) for step in range(new)]
    if seed is not None:
        sources = torch.randint(len(family), (new,), generator=draw).tolist()
    for source in dict.fromkeys(sources):
        copies = sources.count(source)
        f = [1 / (copies + 1)] * copies
        if seed is not None:
            f = (0.5 + torch.randn(copies, generator=draw, dtype=torch.float64)).tolist()
        wide = split(wide, units=family, unit=source, fractions=[1 - sum(f), *f])
        family = family.resized([*range(len(family)), *[source] * copies])
    return wide
