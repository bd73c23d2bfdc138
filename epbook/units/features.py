"""Units as vectors: which of a family do the same thing, and how loud each one is."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn

from epbook.neurons import Neurons
from epbook.reduction import Groups
from epbook.reduction.groups import check_thresholds, grouped
from epbook.units.parts import Units
from epbook.units.split import family_values
from epbook.units.which import choose

# (homogeneous, odd): an activation with the same symmetries as φ, for the rules of neurons to go by.
_LIKE: dict[tuple[bool, bool], nn.Module | None] = {
    (True, True): None,
    (True, False): nn.ReLU(),
    (False, True): nn.Tanh(),
    (False, False): nn.SiLU(),
}


@dataclass(frozen=True, eq=False)
class UnitGroups(Groups):
    """`ep.reduction.Groups` of a family of units of any kind. Source: the page on reduction."""

    family: Units

    def __str__(self) -> str:
        lines = super().__str__().splitlines()
        return "\n".join([str(self.family), *lines[1:]]).replace("neurons of low", "units of low")


def features(net: nn.Module, *, units: str | Units | None = None) -> Neurons:
    """The units of a family as rows of numbers: incoming w, outgoing C, as `ep.features` has neurons.

    ŵ = w/‖w‖ and A = ‖w‖ C, so that C φ(x; w) = A φ(x; ŵ) where φ is homogeneous (ReLU channels with
    pooling, value channels); elsewhere units are alike where w itself is.

    Returns `ep.neurons.Neurons`, (m, |w|) and (m, |C|), float64; its activation stands for the symmetries
    of φ. Raises ValueError for a family that is not there, and for units of different sizes.
    Source: textbook sections 1.1 and 1.4, for neurons.

    >>> net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 3))
    >>> features(net).incoming.shape, features(net).outgoing.shape
    (torch.Size([4, 10]), torch.Size([4, 18]))
    """
    family = choose(net, units)
    if any(len(set(part.sizes)) > 1 for part in family.incoming + family.outgoing):
        raise ValueError(f"the {family.kind} of {family.name} differ in size: none is like another")
    values = {name: value.double() for name, value in family_values(net, family).items()}
    rows = [family.vectors(values, unit) for unit in range(len(family))]
    return Neurons(
        torch.stack([w for w, _ in rows]),
        torch.stack([C for _, C in rows]),
        False,
        _LIKE[family.homogeneous, family.odd],
        eps=max(torch.finfo(value.dtype).eps for value in family_values(net, family).values()),
    )


def groups(
    net: nn.Module,
    *,
    units: str | Units | None = None,
    similarity: float = 0.9,
    low_amplitude: float = 1e-3,
) -> UnitGroups:
    """Sort the units of a family into groups in which every pair is similar, and low amplitude apart.

    s_jk ≥ similarity for every pair of a group (complete linkage); s = ŵ_j·ŵ_k where φ is homogeneous.

    Arguments and result as in `ep.reduction.groups`, with units= as in `split`. Raises what these raise.
    Source: textbook section 1.4; Chen & Xu 2024 for channels.

    >>> net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 3))
    >>> from epbook.units.split import split
    >>> len(groups(split(net, unit=1, alpha=0.2), similarity=0.999))
    4
    """
    check_thresholds(similarity, low_amplitude)
    family = choose(net, units)
    found = grouped(features(net, units=family), 0, similarity, low_amplitude)
    return UnitGroups(**{each.name: getattr(found, each.name) for each in fields(found)}, family=family)


def rows_into(
    family: Units, values: dict[str, Tensor], rows: list[tuple[Tensor, Tensor]]
) -> dict[str, Tensor]:
    """The parameters of a family with these (w, C) for its units. Source: `epbook.units`."""
    for unit, (w, C) in enumerate(rows):
        values = family.replaced(values, unit, w, C)
    return values
