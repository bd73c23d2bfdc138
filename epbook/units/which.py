"""Which family of units a caller means, and which unit of it."""

from __future__ import annotations

from torch import nn

from epbook.checks import whole
from epbook.units.find import find
from epbook.units.parts import Units


def choose(net: nn.Module, units: str | Units | None) -> Units:
    """The family that is meant: the one named, or the only one.

    Raises ValueError where there is none of that name, or several and none named. Source: `epbook.units`.

    >>> choose(nn.Sequential(nn.Linear(1, 2), nn.Tanh(), nn.Linear(2, 1)), None).kind
    'neurons'
    """
    if isinstance(units, Units):
        names = dict(net.named_parameters()) if units.attention is None else {}
        missing = [part.name for part in units.incoming if names and part.name not in names]
        if missing:
            raise ValueError(f"this network has no parameter {missing[0]}: the units are another network's")
        return units
    found = find(net)
    if units is not None:
        return found[units]
    if not found.families:
        raise ValueError(f"no units are read here, name them with ep.units.named. {found}")
    if len(found) != 1:
        raise ValueError(f"say which units are meant, units=…: there are {found._names()}")
    return found[next(iter(found))]


def one_of(units: Units, unit: int) -> int:
    """The number of a unit, checked. Raises ValueError where there is none of that number.

    Source: `epbook.units`.

    >>> one_of(choose(nn.Sequential(nn.Linear(1, 2), nn.Tanh(), nn.Linear(2, 1)), None), 1)
    1
    """
    unit = whole(unit, "unit")
    if unit >= len(units):
        raise ValueError(f"{units.name} has {len(units)} {units.kind}, so there is no unit {unit}")
    return unit
