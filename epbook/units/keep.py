"""Some units of a family alone, chosen by whatever criterion."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn

from epbook.units.parts import Units
from epbook.units.refit import refitted
from epbook.units.split import family_values, rebuilt
from epbook.units.which import choose, one_of


def keep(
    net: nn.Module, kept: Iterable[int], *, units: str | Units | None = None, x: Tensor | None = None
) -> nn.Module:
    """The network with some units of a family alone: pruning, with the same refit as `reduce` if x is given.

    x: of any shape that `net` takes. kept: their numbers, in the order that they shall have. Returns a new
    network. Raises ValueError for a unit or family that is not there, and where nothing is kept. Source:
    pruning by any criterion; the refit as in He, Zhang & Sun 2017.

    >>> net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 3))
    >>> keep(net, [3, 1])[0].out_channels
    2
    """
    family = choose(net, units)
    order = [one_of(family, unit) for unit in kept]
    if not order:
        raise ValueError("kept is empty: a family needs at least one unit")
    small = only(net, family, order)
    return small if x is None else refitted(net, small, family.resized(order), x)


def only(net: nn.Module, family: Units, order: list[int]) -> nn.Module:
    """The network with the units `order` of a family. Source: `epbook.units`."""
    values = family_values(net, family)
    new = {part.name: part.chosen(values[part.name], order) for part in family.parts}
    return rebuilt(net, family, new, order)
