"""Cutting units down in a network of any kind: groups become one, and what follows is refitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from epbook.checks import choice, whole
from epbook.losses import Loss, mse_loss
from epbook.neurons import coefficient, mean_neuron
from epbook.reduction.merge import MODES
from epbook.results import Result
from epbook.units.features import UnitGroups, features, groups, rows_into
from epbook.units.find import find
from epbook.units.keep import only
from epbook.units.parts import Units
from epbook.units.read import read
from epbook.units.refit import refitted
from epbook.units.split import family_values, rebuilt
from epbook.units.which import choose


@dataclass(frozen=True, eq=False)
class UnitReport(Result):
    """What `ep.units.reduce` did: the groups of each family, and what changed on the data.

    change: largest ‖f(x) − f′(x)‖ over the samples. loss_before, loss_after: R. None without data.
    Source: textbook section 1.4.
    """

    groups: tuple[UnitGroups, ...]
    mode: str
    change: float | None = None
    loss_before: float | None = None
    loss_after: float | None = None

    @property
    def before(self) -> tuple[int, ...]:
        """How many units each family had."""
        return tuple(len(found.family) for found in self.groups)

    @property
    def after(self) -> tuple[int, ...]:
        """How many it has now."""
        return tuple(len(found) for found in self.groups)

    def __str__(self) -> str:
        return "\n".join(map(str, self.groups))


def reduce(
    net: nn.Module,
    x: Tensor | None = None,
    y: Tensor | None = None,
    *,
    units: str | Units | Sequence[str | Units] | None = None,
    similarity: float = 0.9,
    mode: str = "mean",
    low_amplitude: float = 1e-3,
    loss: Loss = mse_loss,
    seed: int = 0,
) -> tuple[nn.Module, UnitReport]:
    """Merge similar units of any kind into one and drop those of low amplitude.

    Σ_{k∈G} C_k φ(x; w_k) ≈ C φ(x; w); C = Σ_k C_k ‖w_k‖/‖w‖ where φ is homogeneous, else Σ_k C_k.

    x, y: of any shape that the network and the loss take.
    units: one family or several, in this order; default all neurons and channels that `find` reads, first
    to last. mode: "random", "mean" (amplitude-weighted) or "least-squares", as in `ep.reduce`: there the
    C of the family are refitted so that the sum they enter, on x and at all positions, comes as near as
    possible to that of `net`. Returns (network, UnitReport). Raises ValueError for an unknown mode,
    "least-squares" without x, y without x, and as `groups` does.
    Source: textbook section 1.4; Chen & Xu 2024 for channels; the refit as in He, Zhang & Sun 2017.

    >>> from epbook.units.split import split
    >>> net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 2, 3))
    >>> small, report = reduce(split(net, unit=1, alpha=-1.5), similarity=0.999)
    >>> report.before, report.after
    ((5,), (4,))
    """
    choice(mode, "mode", MODES)
    if mode == "least-squares" and x is None:
        raise ValueError('mode "least-squares" fits on data: give x')
    if y is not None and x is None:
        raise ValueError("y was given without x")
    rng = np.random.default_rng(whole(seed, "seed"))
    current, reports = net, []
    for family in _chosen(net, units):
        family = choose(current, family if isinstance(family, Units) else str(family))
        found = groups(current, units=family, similarity=similarity, low_amplitude=low_amplitude)
        current, family = _merged(current, family, found, mode, rng)
        if mode == "least-squares" and x is not None:
            current = refitted(net, current, family, x)
        reports.append(found)
    report = UnitReport(tuple(reports), mode)
    if x is None:
        return current, report
    with torch.no_grad():
        one, other = read(net, x, y, loss=loss), read(current, x, y, loss=loss)
        before, after = one.output(one.values), other.output(other.values)
        change = float((after - before).flatten(1).norm(dim=1).max())
        if y is None:
            return current, UnitReport(report.groups, mode, change)
        losses = float(one.loss(before, one.y)), float(one.loss(after, one.y))  # type: ignore[arg-type]
        return current, UnitReport(report.groups, mode, change, *losses)


def _chosen(net: nn.Module, units: str | Units | Sequence[str | Units] | None) -> list[str | Units]:
    if isinstance(units, str | Units):
        return [units]
    if units is not None:
        return list(units)
    found = find(net)
    names: list[str | Units] = [n for n in found if found[n].kind in ("neurons", "channels")]
    if not names:
        raise ValueError(f"no neurons or channels are read in this network: {found}")
    return names


def _merged(
    net: nn.Module, family: Units, found: UnitGroups, mode: str, rng: np.random.Generator
) -> tuple[nn.Module, Units]:
    """The network with one unit for each group."""
    neurons = features(net, units=family)
    rows, order = [], []
    for group, worst in zip(found.members, found.worst, strict=True):
        first = int(rng.choice(group)) if mode == "random" else group[0]
        sign = neurons.sign(first, group)
        alone = len(group) == 1 or worst >= 1 or mode == "random"
        w = neurons.incoming[first] if alone else mean_neuron(neurons, group, sign)
        C = neurons.outgoing[first] if len(group) == 1 else coefficient(neurons, group, sign, w)
        rows.append((w, C))
        order.append(first)
    small = only(net, family, order)
    resized = family.resized(order)
    values = family_values(small, resized)
    number = next(iter(values.values())).dtype
    made = rows_into(resized, values, [(w.to(number), C.to(number)) for w, C in rows])
    return rebuilt(small, resized, made, [*range(len(order))]), resized
